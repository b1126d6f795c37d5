//! What people tell, as stories with exact times: reports, notes from outside, incidents, and evidence.

mod story;

use story::*;
use wanglou_engine::RuleSettings;
use wanglou_model::*;

const EAST: &str = "facade/7/east";
const NOTHING: [&str; 0] = [];

/// Building 7 with a façade and two cameras, building 9 with one, a garden, and the team with a grid each.
fn site() -> Site {
    let mut site = empty_site();
    for building in ["7", "9"] {
        add_place(&mut site, building, PlaceKind::Building);
    }
    add_place(&mut site, "7/door", PlaceKind::Door);
    add_place(&mut site, EAST, PlaceKind::Facade);
    add_place(&mut site, "facade/9/east", PlaceKind::Facade);
    add_place(&mut site, "garden", PlaceKind::Zone);
    for (id, place) in [("e1", EAST), ("e2", EAST), ("n1", "facade/9/east")] {
        add_device(&mut site, id, place, Purpose::FacadeCamera, |_| {});
    }
    add_team(&mut site);
    site
}

fn begin() -> Story {
    Story::begin(site(), RuleSettings::default())
}

fn here(lat: f64) -> Option<Position> {
    Some(Position { lat, lon: 121.4737 })
}

fn told(category: &str, at: &str) -> Report {
    let category = Category::from(category.to_owned());
    Report { category, text: String::new(), place: Some(place(at)), position: None, photos: vec![] }
}

fn throw(confidence: Option<f64>, clip: Option<Evidence>) -> Reading {
    Reading::ThrownObject {
        active: true,
        track: None,
        from: None,
        until: None,
        drop_m: None,
        zone: None,
        floor_min: None,
        floor_max: None,
        column: None,
        size: None,
        speed_mps: None,
        horizontal_m: None,
        upward: None,
        confidence,
        people_below: None,
        clip,
        picture: None,
    }
}

fn clip() -> Option<Evidence> {
    Some(Evidence { uri: Some("https://nvr.example/7.mp4".into()), sha256: None, bytes: None })
}

const P1: &str = "ring li sun wu zhao";

#[test]
fn somebody_hit_within_ten_minutes_is_the_same_alarm_and_p1() {
    let mut story = begin();
    story.say(0, "e1", throw(Some(0.9), None));
    let hit = story.enter(120, "wu", Op::Report(told("person_hit", "7/door")));
    assert_eq!(hit, ["repeat +1", "stage merged", "upgrade P1 person_hit", "reopen PriorityRose", P1]);
    assert_eq!(story.only_alarm().details["person_hit"], true);
    story.decides_the_same_again();
    story.replays_the_same_under(RuleSettings::default());
}

#[test]
fn somebody_hit_later_or_elsewhere_is_an_alarm_of_its_own() {
    let mut story = begin();
    story.say(0, "e1", throw(Some(0.9), None));
    let elsewhere = story.enter(60, "wu", Op::Report(told("person_hit", "9")));
    assert_eq!(elsewhere, ["raise report P1 9", P1]);
    let late = story.enter(601, "wu", Op::Report(told("person_hit", "7")));
    assert!(late.contains(&"raise report P1 7".to_owned()), "{late:?}");
    let mut story = begin();
    story.say(0, "e1", throw(Some(0.9), None));
    let on_time = story.enter(600, "wu", Op::Report(told("person_hit", "7")));
    assert!(on_time.contains(&"upgrade P1 person_hit".to_owned()), "{on_time:?}");
}

#[test]
fn burning_belongs_to_a_throw_for_five_minutes() {
    let mut story = begin();
    story.say(0, "e1", throw(None, None));
    let burning = story.enter(300, "wu", Op::Report(told("burning", "7")));
    assert!(burning.contains(&"upgrade P1 burning".to_owned()), "{burning:?}");
    let mut story = begin();
    story.say(0, "e1", throw(None, None));
    let late = story.enter(301, "wu", Op::Report(told("burning", "7")));
    assert!(late.contains(&"raise report P1 7".to_owned()), "{late:?}");
}

#[test]
fn thirty_metres_decide_where_positions_are_known() {
    let mut site = site();
    for (id, position) in [(EAST, here(31.0)), ("garden", here(31.0002))] {
        if let Some(known) = site.places.get_mut(&place(id)) {
            known.position = position;
        }
    }
    // 22 m and 44 m north of the façade.
    for (lat, merged) in [(31.0002, true), (31.0004, false)] {
        let mut story = Story::begin(site.clone(), RuleSettings::default());
        story.say(0, "e1", throw(Some(0.9), None));
        let report = Report { position: here(lat), ..told("injury", "garden") };
        story.enter(60, "wu", Op::Report(report));
        assert_eq!(story.alarms().len() == 1, merged, "{lat}");
    }
}

#[test]
fn a_report_of_the_throw_itself_ends_the_silent_review() {
    let mut story = begin();
    story.say(0, "e1", throw(None, None));
    let facts = story.enter(60, "wu", Op::Report(told("高空抛物", "7")));
    assert_eq!(
        facts,
        ["repeat +1", "stage merged", "upgrade P2 reported", "reopen Confirmed", "ring wu zhao"]
    );
}

#[test]
fn a_throw_that_a_camera_tells_after_the_injury_is_p1_from_its_begin() {
    let mut story = begin();
    story.enter(0, "wu", Op::Report(told("injury", "7")));
    story.pass(239);
    assert_eq!(
        story.say(240, "e1", throw(None, None))[..],
        ["raise thrown_object P1 facade/7/east detected", P1]
    );
    assert!(story.alarms()[1].incident.is_some());
    let mut story = begin();
    story.enter(0, "wu", Op::Report(told("injury", "9")));
    story.pass(239);
    assert_eq!(
        story.say(240, "e1", throw(None, None))[..],
        ["raise thrown_object P3 facade/7/east review", "show li"]
    );
}

#[test]
fn reports_of_one_thing_are_one_task_and_everybody_who_told_hears_how_it_ended() {
    let mut story = begin();
    let first = story.enter(0, "zhao", Op::Report(told("rubbish", "garden")));
    assert_eq!(first, ["raise report P3 garden", "ring wu zhao"]);
    story.pass(1_600);
    assert_eq!(story.enter(1_700, "qian", Op::Report(told("Rubbish", "garden"))), ["repeat +1"]);
    assert_eq!(
        story.enter(1_710, "wu", Op::Report(told("water", "garden"))),
        ["raise report P3 garden", "ring wu zhao"]
    );
    let id = story.alarms()[0].id.clone();
    let end = story.command(
        1_800,
        "wu",
        &id,
        Op::Resolve { outcome: Outcome::Real, note: String::new(), photos: vec![] },
    );
    assert_eq!(
        end,
        ["accepted wu", "resolved real", "close real resolved", "remind zhao qian report_result"]
    );
    assert!(story.alarms()[0].followers.contains_key(&officer("qian")));
}

#[test]
fn fifty_metres_and_half_an_hour_join_reports() {
    for (lat, seconds, count) in [(31.0004, 1_800, 1), (31.0005, 1_800, 2), (31.0004, 1_801, 2)] {
        let mut story = begin();
        let near = |lat| Report { place: None, position: here(lat), ..told("pothole", "garden") };
        story.enter(0, "wu", Op::Report(near(31.0)));
        story.enter(seconds, "li", Op::Report(near(lat)));
        assert_eq!(story.alarms().len(), count, "{lat} {seconds}");
    }
}

#[test]
fn a_report_from_nowhere_is_refused_with_words() {
    let mut story = begin();
    let nowhere = story.enter(0, "wu", Op::Report(told("rubbish", "moon")));
    assert!(nowhere[0].contains("there is no place moon"), "{nowhere:?}");
    let blank = story.enter(1, "wu", Op::Report(told("", "garden")));
    assert!(blank[0].contains("say what it is about"), "{blank:?}");
    assert!(story.alarms().is_empty());
}

fn note(id: &str, kind: NoteKind, digest: &str, category: &str) -> Input {
    let report = Report { text: "at the gate".into(), ..told(category, "garden") };
    let (source, id, digest) = ("command-room".into(), id.into(), digest.into());
    Input::Note(Note { source, id, digest, kind, report })
}

#[test]
fn a_note_is_taken_once_and_its_id_belongs_to_its_content() {
    let mut story = begin();
    let taken = ["raise dispatch_note P2 garden", "ring wu zhao", "noticed 17"];
    assert_eq!(story.input(0, note("17", NoteKind::Dispatch, "a", "dispute")), taken);
    assert_eq!(story.input(1, note("17", NoteKind::Dispatch, "a", "dispute")), NOTHING);
    let reused = story.input(2, note("17", NoteKind::Dispatch, "b", "quarrel"));
    assert_eq!(reused, ["raise webhook_fault P3 garden", "ring qian"]);
    let hazard = story.input(3, note("18", NoteKind::Hazard, "c", "wire"));
    assert_eq!(hazard, ["raise dispatch_note P3 garden", "ring wu zhao", "noticed 18"]);
    story.restart_from_snapshot();
    assert_eq!(story.input(4, note("18", NoteKind::Hazard, "c", "wire")), NOTHING);
    story.replays_the_same_under(RuleSettings::default());
}

#[test]
fn a_tip_is_for_the_officer_alone() {
    let mut story = begin();
    assert_eq!(
        story.input(0, note("1", NoteKind::Tip, "a", "tip")),
        ["raise tip P3 garden", "show sun", "noticed 1"]
    );
    let tip = story.only_alarm();
    let followers: Vec<&str> = tip.followers.keys().map(OfficerId::as_str).collect();
    assert_eq!(followers, ["sun"], "neither control room nor manager");
    let id = tip.id.clone();
    let look = story.command(1, "li", &id, Op::Note { text: "?".into() });
    assert_eq!(look, ["answer Forbidden"]);
}

#[test]
fn a_lost_child_is_told_to_everybody_and_erased_at_the_end() {
    let mut story = begin();
    let create = Op::Create {
        incident: String::new(),
        place: place("garden"),
        text: "red coat, six years".into(),
        photos: vec!["ab".repeat(32)],
    };
    assert_eq!(story.enter(0, "wu", create.clone()), ["answer Forbidden"], "officers make incidents");
    let everybody = "ring li qian sun wu zhao";
    assert_eq!(story.enter(1, "sun", create), ["raise lost_child P1 garden", everybody]);
    assert_eq!(story.only_alarm().evidence.len(), 1);
    let id = story.only_alarm().id.clone();
    story.command(2, "wu", &id, Op::Arrive);
    let end = story.command(
        60,
        "wu",
        &id,
        Op::Resolve { outcome: Outcome::Ok, note: "at the gate".into(), photos: vec![] },
    );
    assert_eq!(end, ["resolved ok", "close ok resolved", "erased"]);
    let over = story.only_alarm();
    assert!(over.evidence.is_empty() && !over.details.contains_key("text"));
    assert!(!serde_json::to_string(over).expect("JSON").contains("red coat"));
    story.replays_the_same_under(RuleSettings::default());
}

fn news(story: &Story, event: CustodyEvent, sha256: Option<&str>) -> Input {
    let (alarm, sha256) = (story.only_alarm().id.clone(), sha256.map(str::to_owned));
    Input::Evidence(EvidenceNews { alarm, number: 0, event, sha256, detail: String::new() })
}

fn export(sha256: Option<&str>) -> Op {
    Op::Export { number: None, sha256: sha256.map(str::to_owned) }
}

#[test]
fn evidence_is_handed_out_only_as_it_came_in() {
    let mut story = begin();
    story.say(0, "e1", throw(Some(0.9), clip()));
    let id = story.only_alarm().id.clone();
    let state = |story: &Story| story.only_alarm().details["evidence"].clone();
    assert_eq!(state(&story), "pending");
    let failed = news(&story, CustodyEvent::Failed, None);
    assert_eq!(story.input(5, failed), ["custody failed"]);
    assert_eq!(state(&story), "pending");
    let early = story.command(6, "li", &id, export(None));
    assert!(early[0] == "custody export_refused" && early[1].contains("evidence_pending"), "{early:?}");

    let held = news(&story, CustodyEvent::Held, Some("aa"));
    assert_eq!(story.input(10, held.clone()), ["custody held"]);
    assert_eq!(story.input(11, held), NOTHING, "told once");
    assert_eq!(state(&story), "complete");
    assert_eq!(story.command(12, "wu", &id, export(None)), ["answer Forbidden"]);
    assert_eq!(story.command(13, "li", &id, export(Some("aa"))), ["custody exported"]);
    let changed = story.command(14, "li", &id, export(Some("bb")));
    assert!(
        changed[0] == "custody export_refused" && changed[1].contains("evidence_mismatch"),
        "{changed:?}"
    );

    let other = news(&story, CustodyEvent::Held, Some("cc"));
    assert_eq!(story.input(20, other), ["custody mismatch"]);
    assert_eq!(state(&story), "mismatch");
    let refused = story.command(21, "li", &id, export(Some("aa")));
    assert!(refused[1].contains("evidence_mismatch"), "{refused:?}");
    assert_eq!(story.only_alarm().custody.len(), 7);
    assert_eq!(story.only_alarm().custody[1].sha256.as_deref(), None);
    story.decides_the_same_again();
    story.replays_the_same_under(RuleSettings::default());
}

#[test]
fn the_camera_that_repeats_a_clip_of_ours_does_not_double_it() {
    let mut story = begin();
    story.say(0, "e1", throw(Some(0.9), clip()));
    let held = news(&story, CustodyEvent::Held, Some("aa"));
    story.input(1, held);
    story.say(2, "e2", throw(Some(0.9), clip()));
    assert_eq!(story.only_alarm().evidence.len(), 1);
    assert_eq!(story.only_alarm().details["evidence"], "complete");
}

#[test]
fn a_review_ends_in_an_alarm_or_in_nothing_and_whoever_arrives_investigates() {
    let review = |outcome| Op::Review { outcome, note: String::new() };
    let mut story = begin();
    story.say(0, "e1", throw(None, None));
    let id = story.only_alarm().id.clone();
    assert!(story.command(10, "li", &id, Op::Investigate)[0].contains("review_first"));
    assert_eq!(story.command(20, "li", &id, review(None)), ["accepted li"]);
    let real = story.command(30, "li", &id, review(Some(Outcome::Real)));
    assert_eq!(real, ["stage confirmed", "upgrade P2 confirmed", "reopen Confirmed", "ring wu zhao"]);
    assert_eq!(story.command(90, "wu", &id, Op::Arrive), ["accepted wu", "arrived wu", "stage investigate"]);

    let mut story = begin();
    story.say(0, "e1", throw(None, None));
    let id = story.only_alarm().id.clone();
    let nothing = story.command(30, "li", &id, review(Some(Outcome::FalseAlarm)));
    assert_eq!(nothing, ["accepted li", "resolved false_alarm", "close false_alarm resolved"]);
}

#[test]
fn a_report_is_read_from_what_a_phone_sends() {
    let text = r#"{"cid":"c1","officer":"wu","op":"report","category":"Person hit","place":"7","text":"t"}"#;
    let command: Command = serde_json::from_str(text).expect("a command");
    assert_eq!(command.op.name(), "report");
    let unknown = r#"{"cid":"c1","officer":"wu","op":"report","category":"fire","plaec":"7"}"#;
    assert!(serde_json::from_str::<Command>(unknown).is_err());
}
