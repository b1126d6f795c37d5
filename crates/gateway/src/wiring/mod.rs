//! Wiring a sensor in: from what it says to a profile that understands it, and what a changed profile would change.
//! Everything here proposes and compares; nothing decides, and nothing is written but what a command prints.

pub mod compare;
mod family;
mod hints;
pub mod sample;
mod shape;
pub mod suggest;
pub mod understood;
mod written;
