//! Every bound of this crate in one place. What is over a bound is refused with words, never cut silently.

/// Deepest nesting of a body: objects and arrays inside each other.
pub(crate) const DEPTH_MAX: u32 = 64;

/// Longest body in bytes, after the gateway's own packet limit.
pub(crate) const BODY_BYTES_MAX: usize = 4 << 20;

/// Longest text that a rule may take out of a body, in bytes: names, codes, zones, addresses.
pub(crate) const TEXT_BYTES_MAX: usize = 2048;

/// Longest identity of a device, in bytes; the registry's ids have the same bound.
pub(crate) const DEVICE_BYTES_MAX: usize = 128;

/// Levels of a topic, counted by its slashes.
pub(crate) const TOPIC_LEVELS_MAX: usize = 64;

/// Named captures in one topic pattern.
pub(crate) const CAPTURES_MAX: usize = 8;

/// Occurrences of which is remembered what their beginning named; the one begun first is forgotten first.
pub(crate) const PAIRS_MAX: usize = 2_048;

/// What may be remembered of one of them, in bytes; a longer text is not filled in later.
pub(crate) const PAIR_BYTES_MAX: usize = 512;

/// Observations that one message may give.
pub(crate) const OBSERVATIONS_MAX: usize = 256;

/// What all observations of a message may take in memory, whatever its length, in bytes.
const OUTPUT_BYTES_MIN: usize = 64 << 10;

/// And so many more for each byte of the body. A list that grows may hold twice its content: hence half of the
/// eight that are promised.
const OUTPUT_BYTES_PER_BYTE: usize = 4;

/// A raw value shown in an `unknown` observation is cut after so many bytes.
pub(crate) const RAW_BYTES_MAX: usize = 160;

/// Keys that the rules of one message may read from one object.
pub(crate) const KEYS_PER_OBJECT_MAX: usize = 128;

/// Values of one message that hold documents of their own.
pub(crate) const PARTS_MAX: usize = 6;

/// Stages of one decode chain.
pub(crate) const STAGES_MAX: usize = 8;

/// What the stages of one message may put out together, whatever its length, in bytes.
const DECODED_BYTES_MIN: usize = 32 << 10;

/// And so many more for each byte of the body.
const DECODED_BYTES_PER_BYTE: usize = 2;

/// Elements of an XML document.
pub(crate) const XML_ELEMENTS_MAX: usize = 1024;

/// Compiled size of a regular expression and of its working memory, in bytes.
pub(crate) const REGEX_BYTES_MAX: usize = 256 << 10;

/// `for_each` inside `for_each`.
pub(crate) const FOR_EACH_MAX: usize = 2;

/// Conditions inside conditions.
pub(crate) const CONDITION_DEPTH_MAX: usize = 8;

/// Size of one profile file in bytes.
pub(crate) const FILE_BYTES_MAX: usize = 1 << 20;

/// What the stages of one message may put out together, for a body of so many bytes.
pub(crate) const fn decoded_bytes_max(body_bytes: usize) -> usize {
    DECODED_BYTES_MIN + DECODED_BYTES_PER_BYTE * body_bytes
}

/// What the observations of one message may still take: a short body must not become a large answer, as it
/// would if a long text of it were repeated for each element of a list.
#[derive(Debug)]
pub(crate) struct Budget {
    bytes: usize,
    observations: usize,
}

impl Budget {
    /// For a body of so many bytes.
    pub(crate) fn of(body_bytes: usize) -> Self {
        let bytes = OUTPUT_BYTES_MIN + OUTPUT_BYTES_PER_BYTE * body_bytes;
        Self { bytes, observations: OBSERVATIONS_MAX }
    }

    /// One more observation of so many bytes.
    ///
    /// # Errors
    /// When nothing is left; with the reason.
    pub(crate) fn spend(&mut self, bytes: usize) -> Result<(), String> {
        let observations = self.observations.checked_sub(1);
        let bytes = self.bytes.checked_sub(bytes);
        (self.observations, self.bytes) = observations.zip(bytes).ok_or_else(|| {
            format!("it says too much: more than {OBSERVATIONS_MAX} observations, or too many bytes for its length")
        })?;
        Ok(())
    }
}
