//! What other systems use, without a session.

use super::{ALARM, SHA256};
use crate::http::notes;
use crate::http::openapi::{Api, Auth, Tag, post};
use serde_json::json;

pub(super) fn outside(api: Api) -> Api {
    let taken = json!({"t": "ok", "id": "2026-1187", "alarm": ALARM, "duplicate": false});
    let note = post("/api/notes/{source}", "note", Tag::Systems, "A signed note of a command room or a patrol brigade")
        .by(Auth::Signature)
        .at("source", "Its name in `[notes.NAME]` of gateway.toml.", "command-room")
        .takes::<notes::NoteBody>(
            json!({"id": "2026-1187", "category": "dispute", "text": "quarrel at the door", "place": "3/1"}),
        )
        .or("withPictures", json!({"id": "2026-1188", "category": "injury", "position": {"lat": 31.2, "lon": 121.4}, "photos": [SHA256]}))
        .gives::<notes::Taken>(200, "Taken, now or before.", taken.clone())
        .refuses(400, "invalid", "something is wrong with the content; nothing was journaled")
        .refuses(401, "signature", "unknown source, wrong signature, or a timestamp that is off")
        .refuses(409, "reused_id", "this id was taken with another content; the operator gets an alarm")
        .refuses(429, "slow_down", "more than 60 notes within a minute");
    let card = post("/api/cards/{card}", "card", Tag::Systems, "What somebody writes by the card at a door")
        .by(Auth::Nobody)
        .at("card", "Its name in `[cards.NAME]` of gateway.toml.", "gate-3")
        .takes::<notes::CardBody>(json!({"id": "c-1", "kind": "message", "text": "the gate does not close"}))
        .or(
            "report",
            json!({"id": "c-2", "kind": "report", "category": "leak", "text": "water on the stairs"}),
        )
        .gives::<notes::Taken>(200, "Taken, now or before.", taken)
        .refuses(400, "invalid", "something is wrong with the content")
        .refuses(404, "gone", "there is no such card")
        .refuses(409, "reused_id", "this id was taken with another content")
        .refuses(429, "slow_down", "more than 6 within a minute by this card, or 60 by all");
    api.on(note, notes::note).on(card, notes::card)
}
