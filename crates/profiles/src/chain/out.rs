//! A JSON text in the making, with a bound.

/// A JSON text that grows to a bound and not beyond it.
///
/// It grows by doubling, but never past its bound: a body of n bytes must not take many times n.
pub(crate) struct Out {
    text: String,
    limit: usize,
    over: bool,
}

/// What is said when a bound is reached.
pub(super) fn too_much() -> String {
    "it becomes too long when it is decoded".into()
}

impl Out {
    pub(super) fn with_limit(limit: usize) -> Self {
        Self { text: String::new(), limit, over: false }
    }

    /// Adds text as it is; what is over the bound is left out, and [`Self::finish`] says so.
    pub(crate) fn raw(&mut self, text: &str) {
        let needed = self.text.len() + text.len();
        if needed > self.limit || self.over {
            self.over = true;
            return;
        }
        if needed > self.text.capacity() {
            let wanted = needed.max(2 * self.text.capacity()).max(256).min(self.limit);
            self.text.reserve_exact(wanted - self.text.len());
        }
        self.text.push_str(text);
    }

    /// Adds a comma, unless it would be the first element.
    pub(crate) fn comma(&mut self) {
        if !self.text.ends_with(['{', '[']) {
            self.raw(",");
        }
    }

    /// Adds a string in quotes, with its escapes.
    pub(crate) fn quoted(&mut self, text: &str) {
        self.raw("\"");
        self.inside(text);
        self.raw("\"");
    }

    /// Adds what stands between the quotes.
    pub(crate) fn inside(&mut self, text: &str) {
        let mut rest = text;
        while let Some(at) = rest.bytes().position(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
            self.raw(&rest[..at]);
            match rest.as_bytes()[at] {
                b'\n' => self.raw("\\n"),
                b'\r' => self.raw("\\r"),
                b'\t' => self.raw("\\t"),
                byte @ (b'"' | b'\\') => self.raw(if byte == b'"' { "\\\"" } else { "\\\\" }),
                byte => self.raw(&format!("\\u{byte:04x}")),
            }
            rest = &rest[at + 1..];
        }
        self.raw(rest);
    }

    /// Adds a key and its colon, after a comma where one is needed.
    pub(crate) fn key(&mut self, key: &str) {
        self.comma();
        self.quoted(key);
        self.raw(":");
    }

    /// Is the bound reached? Then what follows may be spared.
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// The text.
    ///
    /// # Errors
    /// When it would be longer than its bound.
    pub(crate) fn finish(self) -> Result<Vec<u8>, String> {
        if self.over { Err(too_much()) } else { Ok(self.text.into_bytes()) }
    }
}
