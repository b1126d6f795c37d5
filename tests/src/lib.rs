//! What the tests of this package share: programs that are started and surely ended, the demo compound in a folder
//! of its own, a real and a scripted broker, phones, and the ledger that is held against the journal.
//!
//! Nothing here uses code of the product except the journal's reader: what the tests believe, they see from outside.
//! Everything listens on loopback. A harness that cannot go on panics with words: it is only ever called by tests.

pub mod broker;
pub mod compound;
pub mod deadline;
pub mod gateway;
pub mod http;
pub mod journal;
pub mod ledger;
pub mod mqtt;
pub mod phone;
pub mod program;
pub mod prometheus;
pub mod scripted;
pub mod tls;
pub mod vendors;
