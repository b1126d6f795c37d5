//! The flags of one verb, read from the command line.
//!
//! Not a general parser: a verb names its switches (`--full`) and its options (`--seeds 50`), and
//! anything else is refused by name.

use std::str::FromStr;

use anyhow::{Context, Result, bail};

/// What was typed after the verb.
#[derive(Debug, Default)]
pub(crate) struct Args {
    switches: Vec<String>,
    options: Vec<(String, String)>,
}

impl Args {
    /// Reads `given` against the names a verb knows. `--name=value` and `--name value` are the same.
    pub(crate) fn parse(given: &[String], switches: &[&str], options: &[&str]) -> Result<Self> {
        let mut args = Self::default();
        let mut rest = given.iter();
        while let Some(word) = rest.next() {
            let (name, inline) = match word.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (word.as_str(), None),
            };
            if switches.contains(&name) && inline.is_none() {
                args.switches.push(name.to_owned());
            } else if options.contains(&name) {
                let value = inline
                    .or_else(|| rest.next().cloned())
                    .with_context(|| format!("{name} needs a value"))?;
                args.options.push((name.to_owned(), value));
            } else {
                bail!("unknown argument `{word}`; --help shows what there is");
            }
        }
        Ok(args)
    }

    /// Whether the switch was given.
    pub(crate) fn has(&self, switch: &str) -> bool {
        self.switches.iter().any(|given| given == switch)
    }

    /// The option's last value as typed.
    pub(crate) fn value(&self, option: &str) -> Option<&str> {
        let last = self.options.iter().rev().find(|(name, _)| name == option);
        last.map(|(_, value)| value.as_str())
    }

    /// The option's value parsed, with the option's name in the error.
    pub(crate) fn parsed<T>(&self, option: &str) -> Result<Option<T>>
    where
        T: FromStr,
        T::Err: std::error::Error + Send + Sync + 'static,
    {
        self.value(option).map(|text| text.parse().with_context(|| format!("{option} {text}"))).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::Args;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn switches_and_both_forms_of_options_are_read() {
        let args = Args::parse(&words("--full --seeds 7 --only=fmt"), &["--full"], &["--seeds", "--only"])
            .expect("known arguments");
        assert!(args.has("--full"));
        assert_eq!(args.parsed::<u32>("--seeds").expect("a number"), Some(7));
        assert_eq!(args.value("--only"), Some("fmt"));
    }

    #[test]
    fn unknown_missing_and_unreadable_values_are_refused_by_name() {
        let unknown = Args::parse(&words("--ful"), &["--full"], &[]).expect_err("unknown");
        assert!(unknown.to_string().contains("--ful"));
        let missing = Args::parse(&words("--seeds"), &[], &["--seeds"]).expect_err("no value");
        assert!(missing.to_string().contains("--seeds needs a value"));
        let args = Args::parse(&words("--seeds many"), &[], &["--seeds"]).expect("a value");
        let bad = args.parsed::<u32>("--seeds").expect_err("not a number");
        assert!(bad.to_string().contains("--seeds many"));
    }
}
