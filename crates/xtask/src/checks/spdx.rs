//! Whether a licence expression can be met with allowed licences only (SPDX 2.3, annex D).

use anyhow::{Result, bail};

/// True when one way through the `OR`s of `expression` uses nothing but licences of `allowed`. A
/// `WITH` exception belongs to its licence: `Apache-2.0 WITH LLVM-exception` is allowed by that whole
/// text only, as cargo-deny has it. The old form `MIT/Apache-2.0` means `OR`.
pub(crate) fn is_allowed(expression: &str, allowed: &[String]) -> Result<bool> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut reader = Reader { words: spaced.split_whitespace().collect(), at: 0, allowed };
    let verdict = reader.any()?;
    if reader.at < reader.words.len() {
        bail!("licence `{expression}`: unexpected `{}`", reader.words[reader.at]);
    }
    Ok(verdict)
}

struct Reader<'a> {
    words: Vec<&'a str>,
    at: usize,
    allowed: &'a [String],
}

impl Reader<'_> {
    fn any(&mut self) -> Result<bool> {
        let mut verdict = self.every()?;
        while self.take("OR") {
            verdict |= self.every()?;
        }
        Ok(verdict)
    }

    fn every(&mut self) -> Result<bool> {
        let mut verdict = self.one()?;
        while self.take("AND") {
            verdict &= self.one()?;
        }
        Ok(verdict)
    }

    fn one(&mut self) -> Result<bool> {
        if self.take("(") {
            let verdict = self.any()?;
            if !self.take(")") {
                bail!("a licence expression lacks its `)`");
            }
            return Ok(verdict);
        }
        let licence = self.word()?;
        if self.take("WITH") {
            let exception = self.word()?;
            return Ok(self.allows(&format!("{licence} WITH {exception}")));
        }
        Ok(self.allows(&licence))
    }

    fn allows(&self, licence: &str) -> bool {
        self.allowed.iter().any(|allowed| allowed == licence)
    }

    fn word(&mut self) -> Result<String> {
        match self.words.get(self.at) {
            Some(word) if !["OR", "AND", "WITH", ")"].contains(word) => {
                self.at += 1;
                Ok((*word).to_owned())
            }
            Some(word) => bail!("a licence is expected before `{word}`"),
            None => bail!("a licence expression ends too early"),
        }
    }

    fn take(&mut self, expected: &str) -> bool {
        let is_next = self.words.get(self.at) == Some(&expected);
        self.at += usize::from(is_next);
        is_next
    }
}

#[cfg(test)]
mod tests {
    use super::is_allowed;

    fn allowed(expression: &str) -> bool {
        let list = ["MIT", "Apache-2.0", "ISC", "Zlib WITH thing"].map(str::to_owned);
        is_allowed(expression, &list).expect("an expression")
    }

    #[test]
    fn one_allowed_alternative_is_enough_and_every_conjunct_is_needed() {
        assert!(allowed("MIT"));
        assert!(allowed("GPL-3.0 OR MIT"));
        assert!(allowed("MIT/Apache-2.0"));
        assert!(allowed("(GPL-3.0 OR MIT) AND ISC"));
        assert!(!allowed("GPL-3.0"));
        assert!(!allowed("MIT AND GPL-3.0"));
        assert!(!allowed("GPL-3.0 OR (MIT AND BSL-1.1)"));
    }

    #[test]
    fn an_exception_belongs_to_its_licence() {
        assert!(!allowed("Apache-2.0 WITH LLVM-exception"));
        assert!(allowed("Zlib WITH thing"));
        assert!(!allowed("Zlib WITH other"));
        assert!(!allowed("GPL-3.0 WITH Classpath-exception-2.0"));
    }

    #[test]
    fn an_unreadable_expression_is_an_error() {
        for text in ["", "MIT OR", "(MIT", "MIT Apache-2.0", "AND MIT", "MIT)"] {
            assert!(is_allowed(text, &[]).is_err(), "{text:?}");
        }
    }
}
