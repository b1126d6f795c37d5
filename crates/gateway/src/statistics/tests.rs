//! A small journal whose figures were worked out by hand; each number below is explained beside it.

use super::*;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use wanglou_engine::default_ladder;
use wanglou_model::rfc3339_micros::parse;
use wanglou_model::*;

fn at(text: &str) -> Timestamp {
    parse(&format!("{text}+08:00")).expect("a time")
}

fn id(name: &str) -> AlarmId {
    AlarmId::parse(name).expect("an id")
}

fn wu() -> OfficerId {
    OfficerId::parse("wu").expect("an id")
}

fn raised(name: &str, kind: &str, priority: Priority, device: Option<&str>) -> Raised {
    Raised {
        alarm: id(name),
        kind: AlarmKind::parse(kind).expect("a kind"),
        key: name.into(),
        place: PlaceId::parse("square").expect("a place"),
        priority,
        reason: Reason::new("r", "r", "r"),
        first_at: Timestamp(0),
        count: 1,
        stage: None,
        ladder: default_ladder(priority),
        merge: Span::ZERO,
        mark: None,
        test: false,
        devices: device.iter().map(|id| DeviceId::parse(id).expect("an id")).collect(),
        evidence: vec![],
        details: BTreeMap::new(),
        incident: None,
        config: "c".into(),
    }
}

fn rung(name: &str, officers: &[(&str, bool)]) -> Fact {
    let told = |(officer, reached): &(&str, bool)| Told {
        officer: OfficerId::parse(officer).expect("an id"),
        unreached: (!reached).then_some(Unreached::NoChannel),
        quiet: false,
    };
    Fact::Rung { alarm: id(name), rung: 0, told: officers.iter().map(told).collect(), ring: true, next: None }
}

fn ended(name: &str, outcome: Outcome) -> [Fact; 2] {
    let (by, note, photos) = (wu(), String::new(), vec![]);
    [
        Fact::Resolved { alarm: id(name), by, outcome, note, photos },
        Fact::Closed { alarm: id(name), outcome, reason: Reason::new("r", "r", "r") },
    ]
}

/// What was written, as October 2026 is asked for.
fn october() -> Figures {
    let zone = TimeZone::get("Asia/Shanghai").expect("a zone");
    let month: Month = "2026-10".parse().expect("a month");
    let mut lives = Lives::within(vec![month.bounds(&zone), month.last_year().bounds(&zone)]);
    let mut write = |time: &str, fact: Fact| lives.take(at(time), &fact);
    let raise = |raised: Raised| Fact::Raised(Box::new(raised));
    // The year before: one in the month, one after it.
    write("2025-10-15T12:00:00", raise(raised("old", "manhole", Priority::P2, None)));
    write("2025-11-01T00:00:00", raise(raised("older", "manhole", Priority::P2, None)));
    // The month's first moment, a Thursday of ISO week 40. Accepted after 30 s, on the way 40 s, ended after 1,800 s.
    write("2026-10-01T00:00:00", raise(raised("a1", "manhole", Priority::P2, Some("cover-1"))));
    write("2026-10-01T00:00:00", rung("a1", &[("wu", true), ("li", false)]));
    write("2026-10-01T00:00:30", Fact::Accepted { alarm: id("a1"), by: wu(), eta_s: None });
    write("2026-10-01T00:00:40", Fact::EnRoute { alarm: id("a1"), by: wu() });
    write("2026-10-01T00:06:40", Fact::Arrived { alarm: id("a1"), by: wu() });
    ended("a1", Outcome::Real).into_iter().for_each(|fact| write("2026-10-01T00:30:00", fact));
    // A Monday of week 41: 31 s, 301 s, 1,801 s; nothing was there.
    write("2026-10-05T09:00:00", raise(raised("a2", "manhole", Priority::P1, Some("cover-1"))));
    write("2026-10-05T09:00:31", Fact::Accepted { alarm: id("a2"), by: wu(), eta_s: None });
    write("2026-10-05T09:05:01", Fact::Arrived { alarm: id("a2"), by: wu() });
    ended("a2", Outcome::FalseAlarm).into_iter().for_each(|fact| write("2026-10-05T09:30:01", fact));
    // wu hears 10, 5 and 4 reminders in three intervals of ten minutes: a flood of two.
    for (minutes, count) in [(0..10, 10), (10..15, 5), (20..24, 4)] {
        assert_eq!(minutes.len(), count);
        for minute in minutes {
            let reminded =
                Fact::Reminded { alarm: id("a2"), to: vec![wu()], reason: Reason::new("r", "r", "r") };
            write(&format!("2026-10-05T09:{minute:02}:10"), reminded);
        }
    }
    // P4, a Saturday of week 41: counted, not timed.
    write("2026-10-10T10:00:00", raise(raised("a3", "ebike_in_lift", Priority::P4, None)));
    // A test and an alarm on trial: with rings, left out.
    write("2026-10-11T10:00:00", raise(Raised { test: true, ..raised("t1", "test", Priority::P1, None) }));
    write("2026-10-11T10:00:00", rung("t1", &[("wu", true)]));
    let mut trial = raised("t2", "manhole", Priority::P2, Some("new"));
    trial.details.insert("trial".into(), true.into());
    write("2026-10-11T11:00:00", raise(trial));
    // The clock was an hour slow: this is the month's last second, a Saturday of week 44. Three more within the minute.
    lives.clock_stepped(Span::hours(1));
    let mut write = |time: &str, fact: Fact| lives.take(at(time), &fact);
    write("2026-10-31T22:59:59", raise(raised("a4", "noise", Priority::P3, Some("meter"))));
    let (count, last_at) = (3, at("2026-10-31T22:59:59"));
    write(
        "2026-10-31T22:59:59",
        Fact::Repeated { alarm: id("a4"), count, last_at, device: None, evidence: vec![] },
    );
    // The next month's first moment.
    write("2026-10-31T23:00:00", raise(raised("a5", "noise", Priority::P3, None)));
    of(month, &zone, "Asia/Shanghai", Some("2025-01-01T00:00:00+08:00".into()), &lives)
}

fn has(csv: &str, lines: &[&str]) {
    for line in lines {
        assert!(csv.lines().any(|found| found == *line), "{line} is not in\n{csv}");
    }
}

#[test]
fn alarms_count_in_the_month_of_their_raise_by_kind_week_and_year() {
    has(
        &csv(&october()),
        &[
            "report,left_out,alarms,2",
            // a1, a2, a3, a4; one the year before: three more are 300 %.
            "kind,all,alarms,4",
            "kind,all,p1,1",
            "kind,all,p2,1",
            "kind,all,p3,1",
            "kind,all,p4,1",
            "kind,all,last_year,1",
            "kind,all,change_pct,300.0",
            "kind,manhole,alarms,2",
            "kind,manhole,change_pct,100.0",
            "kind,noise,last_year,0",
            "kind,noise,change_pct,n/a",
            "week,2026-W40,alarms,1",
            "week,2026-W41,alarms,2",
            "week,2026-W41,ebike_in_lift,1",
            "week,2026-W44,noise,1",
        ],
    );
}

#[test]
fn times_fall_into_the_official_buckets_with_their_ends_included() {
    // a1 in every first bucket (30 s, 40 s, 1,800 s); a2 a second too late for it; a4 never; a3 is P4.
    has(
        &csv(&october()),
        &[
            "kind,all,accepted_le_30_s,1",
            "kind,all,accepted_le_60_s,2",
            "kind,all,accepted_le_180_s,2",
            "kind,all,accepted_later,0",
            "kind,all,accepted_never,1",
            "kind,all,set_out_le_300_s,1",
            "kind,all,set_out_le_600_s,2",
            "kind,all,set_out_never,1",
            "kind,all,resolved_le_1800_s,1",
            "kind,all,resolved_le_3600_s,2",
            "kind,all,resolved_never,1",
            "kind,ebike_in_lift,accepted_never,0",
        ],
    );
}

#[test]
fn false_alarms_are_a_share_of_what_was_judged() {
    has(
        &csv(&october()),
        &[
            "false_by_rule,manhole,false_alarms,1",
            "false_by_rule,manhole,judged,2",
            "false_by_rule,manhole,rate_pct,50.0",
            "false_by_rule,noise,rate_pct,n/a",
            "false_by_device,cover-1,rate_pct,50.0",
        ],
    );
    assert!(!csv(&october()).contains("false_by_device,new"), "on trial");
}

#[test]
fn the_load_of_an_officer_is_counted_in_intervals_of_ten_minutes() {
    let figures = october();
    // 1 + 10 + 5 + 4; 20 / 31 days = 0.645; 20 min of 44,640 = 0.045 %.
    has(
        &csv(&figures),
        &[
            "load,wu,pushes,20",
            "load,wu,per_day,0.6",
            "load,wu,busiest_10_min,10",
            "load,wu,flood_min,20",
            "load,wu,flood_pct,0.0",
            "load,all,p1_pct,25.0",
            // a3 and a4 are open.
            "load,all,stale,2",
            "chattering,noise square,alarms,1",
        ],
    );
    assert_eq!(figures.load.officers.len(), 1, "li was not reached, and nobody hears a test");
}

#[test]
fn text_and_json_say_the_same() {
    let figures = october();
    let text = text(&figures);
    for line in [
        "Report for 2026-10 (Asia/Shanghai); the journal begins: 2025-01-01T00:00:00+08:00",
        "4 alarms; the same month last year 1, change +300.0 %",
        "manhole                      2     1     1     0     0          1 +100.0 %",
        "noise                        1     0     0     1     0          0      n/a",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    let json: serde_json::Value = serde_json::from_str(&json(&figures).expect("JSON")).expect("JSON");
    assert_eq!(json["all"]["change_pct"], 300.0);
    assert_eq!(json["kinds"][2]["change_pct"], "n/a");
    assert_eq!(json["all"]["accepted"]["within"], serde_json::json!([1, 2, 2, 2]));
}
