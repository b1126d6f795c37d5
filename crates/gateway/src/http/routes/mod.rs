//! Every route, with what the document says of it.

mod operators;
mod phones;
mod systems;

use super::openapi::{Api, Operation};
use serde_json::{Value, json};

/// All of them. `/metrics` is there where the configuration asks for it.
pub(super) fn api(metrics: bool) -> Api {
    let api = operators::health(Api::new());
    let api = if metrics { operators::metrics(api) } else { api };
    let api = phones::people(phones::alarms(phones::session(api)));
    operators::local(operators::admin(systems::outside(phones::push(api))))
}

/// What every operation about one alarm refuses.
fn about_an_alarm(operation: Operation) -> Operation {
    operation.refuses(404, "gone", "there is no such alarm, or it is not the caller's to see")
}

/// What every operation that shows something of a home refuses.
fn after_the_pin(operation: Operation) -> Operation {
    operation.refuses(403, "off_duty", "not on duty").refuses(403, "pin_missing", "they have no PIN").refuses(
        403,
        "pin_needed",
        "the PIN was not given on this phone within five minutes",
    )
}

/// An alarm, as the examples have it.
const ALARM: &str = "al_7c2e";
/// What a SHA-256 looks like.
const SHA256: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

fn somebody() -> Value {
    json!({"id": "wu", "name": "王师傅"})
}

fn words(zh: &str, en: &str) -> Value {
    json!({"zh": zh, "en": en})
}
