//! What property managers, operators and the machine's own command line use.

use super::{ALARM, words};
use crate::http::openapi::{self, Anything, Api, Auth, Operation, Tag, delete, get, post};
use crate::http::{admin, enrol, figures, health, local, pin};
use crate::quarantine::Entry;
use crate::views::Line;
use serde_json::{Value, json};

pub(super) fn health(api: Api) -> Api {
    let alive = get("/healthz", "healthz", Tag::Health, "Is it alive?")
        .by(Auth::Nobody)
        .gives_text(200, "The process answers, and its writer too.", "text/plain")
        .gives_text(503, "It does not, and why.", "text/plain");
    let ready = json!({"ready": true, "reasons": [], "now": "2026-03-02T01:00:00Z"});
    let not = json!({"ready": false, "reasons": ["alarm_path: …"], "now": "2026-03-02T01:00:00Z"});
    let ready = get("/readyz", "readyz", Tag::Health, "Is it ready?")
        .by(Auth::Nobody)
        .more("Are messages taken in, on disk, and judged?")
        .gives::<health::Readiness>(200, "Ready.", ready)
        .gives::<health::Readiness>(503, "Not ready, and why.", not);
    let document = get("/api/openapi.json", "openapi", Tag::Health, "This document")
        .by(Auth::Nobody)
        .gives::<Anything>(200, "OpenAPI 3.1.", json!({"openapi": "3.1.0"}));
    let page = get("/api/docs", "docs", Tag::Health, "This document, to be read")
        .by(Auth::Nobody)
        .gives_text(200, "A page without scripts.", "text/html");
    let style = get("/api/docs.css", "docsStyle", Tag::Health, "The look of that page")
        .by(Auth::Nobody)
        .gives_text(200, "A style sheet.", "text/css");
    api.on(alive, health::healthz)
        .on(ready, health::readyz)
        .on(document, openapi::json)
        .on(page, openapi::html)
        .on(style, openapi::css)
}

pub(super) fn metrics(api: Api) -> Api {
    let metrics = get("/metrics", "metrics", Tag::Health, "Metrics")
        .by(Auth::Nobody)
        .more("For Prometheus, docs/metrics.md. They are always at `[metrics] listen`, and here with `[http] serve_metrics`.")
        .gives_text(200, "Text format 0.0.4.", "text/plain");
    api.on(metrics, health::metrics)
}

fn admins(operation: Operation) -> Operation {
    operation.refuses(403, "forbidden", "not an officer with `admin = true`")
}

fn figures_shown() -> Value {
    let named = json!({"id": "cover-17", "place": "cover/17", "place_path": ["17号井"], "place_path_en": ["Cover 17"]});
    let (mut silent, mut chatty) = (named.clone(), named);
    silent["last_at"] = "2026-03-02T00:10:00Z".into();
    chatty["per_min"] = 41.5.into();
    json!({
        "since": "2026-03-01T01:00:00Z", "now": "2026-03-02T01:00:00Z", "at": [1_772_413_200.0], "span": "hour",
        "columns": {"ingest_alarm": [null], "ingest_bulk": [null], "canary_p50": [null], "canary_p99": [null], "receipt_p50": [null], "receipt_p99": [null], "commit_p50": [null], "commit_p99": [null], "ingest_p99": [null], "queue_alarm": [null], "queue_bulk": [null], "queue_requests": [null], "duty_on": [null], "duty_reachable": [null], "judged": [null], "judged_false": [null], "silent": [null], "never_heard": [null], "canary_failures": [null], "open": [null]},
        "silent": [silent], "chatty": [chatty], "chatty_over_s": 600,
    })
}

pub(super) fn admin(api: Api) -> Api {
    let overview = get("/api/admin/overview", "overview", Tag::Admin, "Topics, devices, people and health at a glance")
        .gives::<admin::Overview>(
            200,
            "As it is now.",
            json!({
                "unmatched": [], "people": [], "path": {"alarm": "up", "bulk": "up", "since": null},
                "devices": [{
                    "id": "cover-17", "place": "cover/17", "place_path": ["17号井"], "place_path_en": ["Cover 17"],
                    "purpose": "cover", "profile": "manhole", "liveness": "live", "last_at": "2026-03-02T01:00:00Z",
                    "interval_s": 3600, "battery_pct": 81.0,
                }],
                "health": {"ready": true, "reasons": []}, "clock": {"trusted": true},
                "config": {"hash": "3a9c1e0f77b2", "since": "2026-03-01T01:00:00Z"},
            }),
        );
    let figures = get("/api/admin/figures", "figures", Tag::Admin, "The figures of the last hour or day")
        .more("Columns of one length; a value that is not known is null.")
        .may_ask("span", "The hour, if nothing is said.", &["hour", "day"])
        .gives::<figures::Figures>(200, "From the gateway's own memory.", figures_shown())
        .refuses(400, "invalid", "that is no span");
    let history = get("/api/admin/history", "adminHistory", Tag::Admin, "The alarms of a day, all of them")
        .asks("day", "By the compound's calendar.", "2026-03-02")
        .gives::<Vec<Line>>(
            200,
            "At most 1,000.",
            json!([{"alarm": ALARM, "kind": "manhole", "priority": "P2", "place": "cover/17",
                "raised_at": "2026-03-02T08:59:30Z", "test": false}]),
        )
        .refuses(400, "invalid", "that is no day");
    let reload = post("/api/admin/reload", "reload", Tag::Admin, "Reads every file anew")
        .by(Auth::SessionOrLocal)
        .more("A valid change is applied at once, a bad one changes nothing. The body may be left out.")
        .takes::<admin::Change>(json!({"why": "new rota for May"}))
        .gives::<admin::Reloaded>(200, "Taken.", json!({"config": "3a9c1e0f77b2"}))
        .gives::<admin::Faulty>(
            422,
            "Not taken: the old configuration runs on.",
            json!({"code": "faults", "faults": ["rules.toml:12: …"], "text": words("配置有误", "the configuration has faults")}),
        )
        .refuses(400, "invalid", "`why` is too long");
    let sessions = get("/api/admin/sessions", "sessions", Tag::Admin, "Phones that are logged in")
        .gives::<Vec<admin::SessionRow>>(
            200,
            "All of them.",
            json!([{"id": "5f1d…", "officer": "wu", "phone": "d_7f3a0c11b2d4", "name": "duty phone",
            "since": "2026-03-01T01:00:00Z", "expires_at": "2026-05-30T01:00:00Z", "pin": "set"}]),
        );
    let revoke = delete("/api/admin/sessions", "revoke", Tag::Admin, "Ends a session")
        .asks("id", "As the list has it.", "5f1d…")
        .gives_nothing(204, "Its socket closes within a second.")
        .refuses(404, "gone", "there is no such session");
    let reset = delete("/api/admin/pin", "resetPin", Tag::Admin, "Takes an officer's PIN away")
        .asks("officer", "Whose.", "wu")
        .gives_nothing(204, "They choose another one.")
        .refuses(404, "gone", "they have no PIN");
    api.on(admins(overview), admin::overview)
        .on(admins(figures), figures::show)
        .on(admins(history), admin::history)
        .on(admins(reload), admin::reload)
        .on(admins(sessions), admin::sessions)
        .on(admins(revoke), admin::revoke)
        .on(admins(reset), pin::reset)
}

pub(super) fn local(api: Api) -> Api {
    let invite = post("/api/local/enrol", "invite", Tag::Local, "A link by which a phone is linked")
        .by(Auth::Local)
        .takes::<enrol::Invite>(json!({"officer": "wu", "minutes": 10}))
        .gives::<enrol::Invited>(
            200,
            "Once, for one phone.",
            json!({"token": "7K3M-9QXA-02DV-RT5H-WB8C", "link": "https://wanglou.example/#enrol=7K3M-…", "expires_s": 600}),
        )
        .refuses(404, "unknown_officer", "there is no such officer");
    let test = post(
        "/api/local/test-alarm",
        "testAlarm",
        Tag::Local,
        "An alarm marked TEST, through the real ladder",
    )
    .by(Auth::Local)
    .takes::<local::TestAlarm>(json!({"place": "3/2/lift-B", "priority": 2}))
    .gives::<local::TestRaised>(200, "Raised.", json!({"alarm": ALARM, "told": ["wu"]}))
    .refuses(400, "invalid", "no such place, or no such priority");
    let backup = post("/api/local/backup", "backup", Tag::Local, "Makes a backup")
        .by(Auth::Local)
        .takes::<local::BackupInto>(json!({"into": "/var/backups/wanglou", "keep_days": 7}))
        .gives::<Anything>(
            200,
            "Where it is, and until when it may be kept.",
            json!({"path": "/var/backups/wanglou/…", "files": 12, "bytes": 190_244, "position": 10_482,
                "delete_by": "2026-03-31T01:00:00Z", "damaged": []}),
        )
        .refuses(409, "backup", "why not");
    let quarantine =
        post("/api/local/quarantine", "quarantine", Tag::Local, "What nobody understood, whole samples")
            .by(Auth::Local)
            .gives::<Vec<Entry>>(200, "By topic.", json!([]));
    api.on(invite, enrol::invite)
        .on(test, local::test_alarm)
        .on(backup, local::backup)
        .on(quarantine, local::quarantine)
}
