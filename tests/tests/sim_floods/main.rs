//! The floods F1 to F8 of the project's alarm rules, §11, and ordinary days of the seed compound, each through profiles
//! and engine in simulated time, with a count of how often whose phone rang. What a push is, is said in `pushes`.
//!
//! `cargo xtask sim --floods` runs the whole week too, and prints the tables of docs/floods.md.

mod floods;
mod people;
mod pushes;
mod rehearsal;
mod table;
mod week;

use std::path::Path;
use std::sync::LazyLock;
use wanglou_gateway::configuration::{self, Loaded};
use wanglou_model::{Timestamp, rfc3339_micros};

/// What the project ships.
static LOADED: LazyLock<Loaded> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/gateway.toml");
    configuration::load(&path).unwrap_or_else(|faults| panic!("{}", faults[0]))
});

fn time(text: &str) -> Timestamp {
    rfc3339_micros::parse(text).unwrap_or_else(|| panic!("{text} is no time"))
}

/// So many at most: a flood takes a second.
const SEEDS_MAX: u64 = 20;

/// `WANGLOU_SEED`, or the first of them; a few by default.
fn seeds() -> Vec<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("WANGLOU_SEED") {
        Some(seed) => vec![seed],
        None => (1..=number("WANGLOU_SEEDS").unwrap_or(3).min(SEEDS_MAX)).collect(),
    }
}
