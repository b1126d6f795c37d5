//! The gateway: the only async crate. It connects the broker, the journal, the engine and the phones.

pub mod intake;
pub mod mqtt;
