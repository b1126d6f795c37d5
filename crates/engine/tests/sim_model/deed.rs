//! What happens in a run: drawn from the seed before anything runs, so that a run can be shortened and still makes
//! sense. Which alarm or person a deed is about is looked up when it happens.

use wanglou_model::*;

/// A message as it arrives.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Message {
    pub(crate) said: Observation,
    pub(crate) retain: bool,
    pub(crate) dup: bool,
    pub(crate) by: Option<Way>,
}

/// Who does something about an alarm.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Who {
    /// Whoever has it; if nobody has, whoever was told of it, the n-th of them.
    Holder(usize),
    /// Whoever was told of it, the n-th.
    Told(usize),
    /// Anybody.
    Named(OfficerId),
}

/// One thing that happens.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Deed {
    /// A device says something.
    Say(Box<Message>),
    /// News of phones, of the path, of the clock; answers of residents.
    News(Input),
    /// Somebody does something about the n-th open alarm, or the n-th of all.
    Act { who: Who, open: bool, nth: usize, op: Op, again: bool },
    /// Somebody enters something that is about no alarm.
    Enter { who: OfficerId, op: Op },
    /// A phone of somebody who was told of the n-th open alarm has it, or showed it.
    Receive { nth: usize, told: usize, phone: u64, delivered: Delivered },
    /// The gateway, dead since then, starts again.
    Start { dead_since: Timestamp },
}

/// A deed and when.
pub(crate) type Timed = (Timestamp, Deed);
