//! What phones use.

use super::{ALARM, SHA256, about_an_alarm, after_the_pin, somebody, words};
use crate::http::openapi::{
    Api, Auth, COMMANDS, CommandDone, CommandRefused, Tag, command, delete, get, post,
};
use crate::http::{
    alarms, commands, enrol, evidence, pin, plans, push, register, reports, resident, session, socket, team,
};
use serde_json::{Value, json};

/// Kinds of pictures that are taken.
const PICTURES: &[&str] = &["image/jpeg", "image/png", "image/gif", "image/webp", "video/mp4", "video/webm"];

fn shown() -> Value {
    json!({
        "officer": {"id": "wu", "name": "王师傅", "roles": ["guard"], "admin": false}, "dev": "d_7f3a0c11b2d4",
        "site": {"id": "demo", "name": words("望楼花园", "Wanglou Garden")},
        "pin": {"set": true, "required": false, "lock_after_s": 900}, "version": "0.1.0",
        "now": "2026-03-02T01:00:00Z",
    })
}

pub(super) fn session(api: Api) -> Api {
    let enrolled = post("/api/enrol", "enrol", Tag::Session, "Links a phone")
        .by(Auth::Nobody)
        .more("With a token of `wanglou enrol`, once. Sets the session's cookie. Needs `Origin` to be `public_url`.")
        .takes::<enrol::Redeem>(json!({"token": "7K3M-9QXA-02DV-RT5H-WB8C", "name": "duty phone"}))
        .gives::<session::Shown>(200, "Logged in.", shown())
        .refuses(403, "origin", "`Origin` is not `public_url`")
        .refuses(403, "token_used", "another phone was faster")
        .refuses(403, "token_unknown", "there is no such token")
        .refuses(403, "token_expired", "it was not used in time")
        .refuses(429, "slow_down", "too many wrong tokens within a minute, by anybody");
    let show = get("/api/session", "session", Tag::Session, "Who is logged in on this phone")
        .gives::<session::Shown>(200, "This one.", shown());
    let logout = post("/api/logout", "logout", Tag::Session, "Ends this phone's session")
        .gives_nothing(204, "Its socket closes within a second.");
    let ticket = post("/api/ticket", "ticket", Tag::Session, "A ticket that opens one socket")
        .more("For wrappers that cannot send a cookie with a WebSocket.")
        .gives::<session::Ticket>(
            200,
            "To be used within its time.",
            json!({"ticket": "u5bS…", "expires_s": 30}),
        );
    let socket = get("/ws", "socket", Tag::Session, "The socket that alarms come by")
        .by(Auth::SessionOrTicket)
        .more("A WebSocket of the subprotocol `wanglou.v1`: JSON text frames, from a phone at most 8 KiB. `Origin` must be \
               `public_url`, but with a ticket. Close codes: 4401 log in again, 4403 too many messages, 4408 too slow, 4409 \
               opened elsewhere, 4426 update the app, 1012 restarting.")
        .gives_nothing(101, "The socket is open: say `hello` within 10 s.")
        .refuses(400, "subprotocol", "`wanglou.v1` was not offered")
        .refuses(429, "slow_down", "too many sockets, of this officer or of all");
    let choose = post("/api/pin", "choosePin", Tag::Session, "Chooses a PIN")
        .takes::<pin::Chosen>(json!({"pin": "490172"}))
        .or("anotherOne", json!({"pin": "490172", "old": "280416"}))
        .gives_nothing(204, "Chosen, and given on this phone.")
        .refuses(400, "pin_digits", "not four to eight digits")
        .refuses(400, "pin_guessable", "all the same, or one after the other")
        .refuses(403, "pin_wrong", "`old` is not the PIN until now")
        .refuses(403, "pin_locked", "ten wrong ones in a row: the property manager resets it")
        .refuses(429, "slow_down", "five wrong ones in a row");
    let unlock = post("/api/pin/unlock", "unlock", Tag::Session, "Gives the PIN")
        .more("What is known of a home is shown on this phone for five minutes.")
        .takes::<pin::Given>(json!({"pin": "490172"}))
        .gives_nothing(204, "Right.")
        .refuses(403, "pin_wrong", "and how many tries are left")
        .refuses(403, "pin_missing", "none was chosen yet")
        .refuses(403, "pin_locked", "ten wrong ones in a row")
        .refuses(429, "slow_down", "five wrong ones in a row");
    api.on(enrolled, enrol::redeem)
        .on(show, session::show)
        .on(logout, session::logout)
        .on(ticket, session::ticket)
        .on(socket, socket::upgrade)
        .on(choose, pin::choose)
        .on(unlock, pin::unlock)
}

fn detail() -> Value {
    json!({
        "a": {
            "id": ALARM, "rev": 4, "kind": "manhole", "prio": 2, "state": "accepted", "active": true, "stage": "open",
            "stage_text": words("井盖开着", "Open"), "test": false, "mark": null, "count": 1,
            "first_at": "2026-03-02T08:59:00Z", "last_at": "2026-03-02T08:59:00Z", "raised_at": "2026-03-02T08:59:30Z",
            "closed_at": null, "place": {"id": "cover/17", "path": ["17号井"], "path_en": ["Cover 17"]},
            "title": words("井盖打开", "Cover open"), "text": words("井盖打开超过30秒", "open for 30 s"), "evidence": [],
            "accepted_by": somebody(), "accepted_at": "2026-03-02T09:00:00Z", "eta_s": 180, "outcome": null,
            "esc": {"step": 0, "next_at": null}, "silent": false, "actions": ["arrive", "resolve"], "details": {},
        },
        "advice": {"zh": ["先放警示锥"], "en": ["Put up a cone first"]},
        "plan": {"plan": "ground", "x": 0.41, "y": 0.22}, "trace": "t10482",
        "lift": [{"at": "2026-03-02T08:59:31Z", "action": "voice", "state": "confirmed", "text": words("语音劝离", "asked to leave")}],
        "timeline": [
            {"at": "2026-03-02T08:59:30Z", "what": "raised", "trace": "t10482", "text": words("井盖打开超过30秒", "open for 30 s")},
            {"at": "2026-03-02T09:00:00Z", "what": "accepted", "by": somebody()},
        ],
    })
}

pub(super) fn alarms(api: Api) -> Api {
    let done = json!({"t": "ok", "cid": "018f-1", "id": ALARM, "rev": 4});
    let taken = json!({"t": "err", "cid": "018f-1", "code": "taken", "by": somebody(),
        "text": words("已由王师傅接警", "taken by 王师傅")});
    let refused = |code: &str, zh: &str, en: &str| json!({"t": "err", "cid": "018f-1", "code": code, "text": words(zh, en)});
    let mut commands = post("/api/cmd", "command", Tag::Alarms, "What people do about alarms, and enter")
        .more("The same over the socket as `{\"t\":\"cmd\",…}`. Which of the other fields belong to which `op` is shown by the \
               examples; docs/api.md and docs/rules.md say what comes of each.")
        .takes::<commands::CommandBody>(command(COMMANDS[0].1));
    for (op, example) in COMMANDS {
        commands = commands.or(op, command(example));
    }
    let commands = commands
        .gives::<CommandDone>(200, "Done, and on disk.", done.clone())
        .gives::<CommandRefused>(
            400,
            "`invalid`: what is wrong with it.",
            refused("invalid", "命令编号无效", "cid: …"),
        )
        .gives::<CommandRefused>(
            403,
            "`forbidden`: not theirs to do.",
            refused("forbidden", "无权限", "you may not do that"),
        )
        .gives::<CommandRefused>(
            404,
            "`gone`: the alarm is over.",
            refused("gone", "告警已结束", "the alarm is over"),
        )
        .gives::<CommandRefused>(409, "`taken` by somebody, or `changed` since `rev`.", taken);
    let receipt = post("/api/receipt", "receipt", Tag::Alarms, "How far an alarm came on this phone")
        .takes::<commands::ReceiptBody>(json!({"id": ALARM, "rev": 3, "as": "stored"}))
        .gives_nothing(204, "Taken.")
        .refuses(400, "invalid", "that is no alarm's id");
    let drill =
        post("/api/drill", "drill", Tag::Alarms, "An alarm marked TEST that goes to whoever asks for it")
            .takes::<commands::Drill>(json!({"cid": "018f-30"}))
            .gives::<CommandDone>(200, "Raised.", done)
            .gives::<CommandRefused>(
                400,
                "`invalid`: what is wrong with it.",
                refused("invalid", "命令编号无效", "cid: …"),
            );
    let detail = get("/api/alarms/{id}", "alarm", Tag::Alarms, "One alarm in full")
        .more("With what to do and everything that happened to it.")
        .at("id", "The alarm.", ALARM)
        .gives::<alarms::Detail>(200, "The alarm.", detail());
    let resident = get("/api/alarms/{id}/resident", "resident", Tag::Alarms, "Who lives in the home that an open alarm is about")
        .more("For those on duty who see the alarm, after their PIN. Each look is journaled before anything is shown.")
        .at("id", "The alarm.", ALARM)
        .gives::<resident::Resident>(200, "Whom to call.", json!({"name": "…", "telephone": "…", "family": []}));
    let look =
        get("/api/evidence/{alarm}/{number}", "evidence", Tag::Alarms, "A picture or clip of an alarm")
            .more("By the gateway, which checks who asks; each look is counted and logged.")
            .at("alarm", "The alarm.", ALARM)
            .at("number", "Which piece, from 0.", "0")
            .gives_bytes("The picture.", PICTURES)
            .refuses(404, "pending", "not fetched yet, or why it cannot be");
    let hand_out =
        post("/api/evidence/{alarm}/{number}/export", "exportEvidence", Tag::Alarms, "Hands evidence out")
            .more("To a court or the police: a line of the custody list. `X-Wanglou-Sha256` has its hash.")
            .at("alarm", "The alarm.", ALARM)
            .at("number", "Which piece, from 0.", "0")
            .gives_bytes("The bytes, as they came in.", PICTURES)
            .refuses(403, "forbidden", "not one of those who may")
            .refuses(409, "export_refused", "the bytes are not those of the ingest");
    api.on(commands, commands::command)
        .on(receipt, commands::receipt)
        .on(drill, commands::drill)
        .on(about_an_alarm(detail), alarms::detail)
        .on(after_the_pin(about_an_alarm(resident)), resident::show)
        .on(about_an_alarm(look), evidence::show)
        .on(about_an_alarm(hand_out), evidence::export)
}

pub(super) fn people(api: Api) -> Api {
    let duty = get("/api/duty", "duty", Tag::People, "Who is on duty, and the rota").gives::<team::Team>(
        200,
        "Colleagues by name and role, never by telephone number.",
        json!({
            "people": [{"id": "wu", "name": "王师傅", "roles": ["guard"], "on_duty": true, "reachable": true}],
            "shifts": [{"officer": "wu", "from_min": 480, "until_min": 1200, "weekdays": [true, true, true, true, true, false, false]}],
            "today": 0,
            "me": {"on_duty": true, "signed_until": "2026-03-02T17:00:00Z"},
            "offers": [{"from": {"id": "li", "name": "李师傅"}, "to": somebody(), "alarms": 2, "until": "2026-03-02T01:30:00Z"}],
        }),
    );
    let works = get("/api/works", "works", Tag::People, "Permits and windows that run or are to come")
        .more("Entered and ended by commands: `permit`, `maintain`, `end_maintenance`.")
        .gives::<register::Works>(
            200,
            "Each with its place.",
            json!({
                "permits": [{
                    "device": "cover-17", "zone": null, "path": ["17号井"], "path_en": ["Cover 17"],
                    "from": "2026-03-02T01:00:00Z", "until": "2026-03-02T09:00:00Z", "crew": [somebody()], "by": somebody(),
                }],
                "windows": [{
                    "id": "018f-21", "how": "out_of_service", "device": null, "zone": "3/2", "path": ["3号楼", "2单元"],
                    "path_en": ["Building 3", "Unit 2"], "kind": null, "kind_title": null, "from": "2026-03-02T01:00:00Z",
                    "until": "2026-03-02T09:00:00Z", "reason": "being changed", "by": somebody(),
                }],
                "now": "2026-03-02T01:00:00Z",
            }),
        )
        .refuses(403, "forbidden", "families and maintainers");
    let absences = get("/api/absences", "absences", Tag::People, "Who that lives alone is away")
        .more("Homes that the caller serves, for those on duty, after their PIN. Each look is journaled before anything is shown. \
               Entered by the command `away`.")
        .gives::<Vec<register::HomeRow>>(
            200,
            "At most 2,000; no names.",
            json!([{
                "home": "3/2/1203", "path": ["3号楼", "2单元", "1203"], "path_en": ["Building 3", "Unit 2", "1203"],
                "status": "away", "absence": {"from": "2026-03-02T01:00:00Z", "until": null, "by": somebody()},
            }]),
        );
    let history = get("/api/history", "history", Tag::People, "The alarms of a day")
        .more("All of them for those who oversee the compound, else those that the caller accepted.")
        .asks("day", "By the compound's calendar.", "2026-03-02")
        .gives::<Vec<team::Past>>(
            200,
            "At most 500, the latest.",
            json!([{
                "alarm": ALARM, "kind": "manhole", "prio": 2, "title": words("井盖打开", "Cover open"), "path": ["17号井"],
                "path_en": ["Cover 17"], "raised_at": "2026-03-02T08:59:30Z", "accepted_by": somebody(),
                "outcome": "real", "closed_at": "2026-03-02T09:20:00Z", "test": false,
            }]),
        )
        .refuses(400, "invalid", "that is no day");
    let places = get("/api/places", "places", Tag::People, "The places that a report can name").gives::<Vec<
        reports::PlaceRow,
    >>(
        200,
        "Every place but homes.",
        json!([{"id": "3/1", "path": ["3号楼", "1单元"], "path_en": ["Building 3", "Unit 1"]}]),
    );
    let plan = get("/api/plans/{name}", "plan", Tag::People, "A plan of the compound")
        .at("name", "Its name, as an alarm's `plan` says.", "ground")
        .gives_bytes("A picture.", &["image/svg+xml"])
        .refuses(404, "gone", "there is no such plan");
    let photo = post("/api/photos", "photo", Tag::People, "Hands a picture in")
        .more(
            "A report or an outcome then names it. The same picture is kept once; at most 30 in ten minutes.",
        )
        .takes_bytes(PICTURES, reports::PHOTO_BYTES_MAX)
        .gives::<reports::Kept>(200, "Kept.", json!({"sha256": SHA256}))
        .refuses(400, "not_a_picture", "or another reason why it is not taken")
        .refuses(429, "slow_down", "too many pictures");
    api.on(duty, team::duty)
        .on(works, register::works)
        .on(after_the_pin(absences), register::absences)
        .on(history, team::history)
        .on(places, reports::places)
        .on(plan, plans::show)
        .on(photo, reports::photo)
}

pub(super) fn push(api: Api) -> Api {
    let show =
        get("/api/push", "pushKey", Tag::Push, "Our public key, and whether this phone has subscribed")
            .gives::<push::Shown>(200, "How to subscribe.", json!({"key": "BPm…", "subscribed": false}))
            .refuses(404, "no_push", "push messages are not configured here");
    let subscribe = post("/api/push", "subscribe", Tag::Push, "Takes this phone's subscription")
        .takes::<push::Given>(
            json!({"endpoint": "https://push.example/abc", "keys": {"p256dh": "BK…", "auth": "x9…"}}),
        )
        .gives_nothing(204, "Taken.")
        .refuses(400, "unusable", "its service is not listed, or its keys are none")
        .refuses(404, "no_push", "push messages are not configured here");
    let unsubscribe =
        delete("/api/push", "unsubscribe", Tag::Push, "This phone is not to be pushed to any more")
            .gives_nothing(204, "Done.");
    let trial = post("/api/push/trial", "pushTrial", Tag::Push, "A message to this phone alone")
        .more("Through its real push service.")
        .gives::<push::Trial>(200, "The service has taken it.", json!({"trial": "mC1q…"}))
        .refuses(404, "no_push", "push messages are not configured here")
        .refuses(409, "not_subscribed", "this phone has not subscribed")
        .refuses(429, "slow_down", "one each ten seconds")
        .refuses(502, "push_failed", "the service did not take it, and why");
    api.on(show, push::show)
        .on(subscribe, push::subscribe)
        .on(unsubscribe, push::unsubscribe)
        .on(trial, push::trial)
}
