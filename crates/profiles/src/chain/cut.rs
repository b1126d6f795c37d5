//! A part of the bytes: behind a mark, before a mark, from a byte on, so many bytes.

use std::borrow::Cow;

/// What is kept, from the outside to the inside.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cut {
    /// Only what follows the first one of these.
    pub(crate) after: Option<String>,
    /// Only what stands before the next one of these.
    pub(crate) before: Option<String>,
    /// Without so many bytes at the beginning.
    pub(crate) skip: usize,
    /// At most so many bytes.
    pub(crate) take: Option<usize>,
}

impl Cut {
    /// Cuts.
    ///
    /// # Errors
    /// When a mark lacks, or there are too few bytes.
    pub(super) fn of<'a>(&self, bytes: Cow<'a, [u8]>) -> Result<Cow<'a, [u8]>, String> {
        let (from, until) = self.range(&bytes)?;
        Ok(match bytes {
            Cow::Borrowed(bytes) => Cow::Borrowed(&bytes[from..until]),
            Cow::Owned(mut bytes) => {
                bytes.truncate(until);
                bytes.drain(..from);
                Cow::Owned(bytes)
            }
        })
    }

    fn range(&self, bytes: &[u8]) -> Result<(usize, usize), String> {
        let (mut from, mut until) = (0, bytes.len());
        if let Some(mark) = &self.after {
            let at = find(bytes, mark).ok_or_else(|| format!("there is no {mark:?} in it"))?;
            from = at + mark.len();
        }
        if let Some(mark) = &self.before {
            let at = find(&bytes[from..], mark).ok_or_else(|| format!("there is no {mark:?} in it"))?;
            until = from + at;
        }
        if until - from < self.skip {
            return Err(format!("it has {} bytes; {} are to be skipped", until - from, self.skip));
        }
        from += self.skip;
        if let Some(take) = self.take {
            until = until.min(from + take);
        }
        Ok((from, until))
    }
}

/// Where a mark begins. Marks are short, and bounded by the length of a profile's line, so that this is linear.
fn find(bytes: &[u8], mark: &str) -> Option<usize> {
    bytes.windows(mark.len().max(1)).position(|window| window == mark.as_bytes())
}
