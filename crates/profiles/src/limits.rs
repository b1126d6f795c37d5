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

/// Observations that one message may give, whatever its length.
pub(crate) const OBSERVATIONS_MIN: usize = 32;

/// Beyond [`OBSERVATIONS_MIN`] one more for so many bytes of body, so that memory stays in proportion.
pub(crate) const BYTES_PER_OBSERVATION: usize = 64;

/// A raw value shown in an `unknown` observation is cut after so many bytes.
pub(crate) const RAW_BYTES_MAX: usize = 160;

/// Keys that the rules of one message may read from one object.
pub(crate) const KEYS_PER_OBJECT_MAX: usize = 128;

/// `for_each` inside `for_each`.
pub(crate) const FOR_EACH_MAX: usize = 2;

/// Conditions inside conditions.
pub(crate) const CONDITION_DEPTH_MAX: usize = 8;

/// Size of one profile file in bytes.
pub(crate) const FILE_BYTES_MAX: usize = 1 << 20;

/// How many observations a body of so many bytes may give.
pub(crate) const fn observations_max(body_bytes: usize) -> usize {
    OBSERVATIONS_MIN + body_bytes / BYTES_PER_OBSERVATION
}
