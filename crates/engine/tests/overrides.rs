//! Thresholds that are other in a zone and at some hours.

mod story;

use story::*;
use wanglou_engine::{OVERRIDES_MAX, Override, RuleSettings, Setup, SetupError};
use wanglou_model::*;

/// Two covers, the second of which names a zone.
fn site() -> Site {
    let mut site = empty_site();
    for cover in ["cover/1", "cover/2"] {
        add_place(&mut site, cover, PlaceKind::Cover);
        add_device(&mut site, &cover.replace('/', "-"), cover, Purpose::Cover, |_| {});
    }
    add_place(&mut site, "drain/1", PlaceKind::Zone);
    if let Some(cover) = site.places.get_mut(&place("cover/2")) {
        cover.zone = Some(place("drain/1"));
    }
    add_team(&mut site);
    site
}

fn rules(text: &str) -> RuleSettings {
    let overrides: Vec<Override> = serde_json::from_str(text).expect("overrides");
    RuleSettings { overrides, ..RuleSettings::default() }
}

fn tilt(degrees: f64) -> Reading {
    Reading::Cover { tilt_deg: Some(degrees), moved: None, open: None }
}

/// Both covers stand at 12° for a minute; which of them is an alarm?
fn open_at(rules: &RuleSettings, second: i32) -> Vec<String> {
    let mut story = Story::begin(site(), rules.clone());
    for cover in ["cover-1", "cover-2"] {
        story.say(second, cover, tilt(12.0));
    }
    story.pass(second + 60);
    story.decides_the_same_again();
    story.alarms().iter().map(|alarm| alarm.place.to_string()).collect()
}

const NOBODY: [&str; 0] = [];
/// 09:00 and 22:00.
const NIGHT: i32 = 13 * 3600;

#[test]
fn a_zone_has_its_own_threshold_and_so_has_an_hour() {
    assert_eq!(open_at(&RuleSettings::default(), 0), NOBODY);
    let zone = rules(r#"[{"zone": "drain/1", "manhole": {"open_deg": 10.0}}]"#);
    assert_eq!(open_at(&zone, 0), ["cover/2"], "that names the zone");
    let inside = rules(r#"[{"zone": "cover/1", "manhole": {"open_deg": 10.0}}]"#);
    assert_eq!(open_at(&inside, 0), ["cover/1"]);
    let night = rules(r#"[{"from": "22:00", "until": "06:00", "manhole": {"open_deg": 10.0}}]"#);
    assert_eq!(open_at(&night, NIGHT - 120), NOBODY, "21:58");
    assert_eq!(open_at(&night, NIGHT), ["cover/1", "cover/2"]);
}

#[test]
fn a_later_override_lies_over_an_earlier_one() {
    let both = rules(
        r#"[{"manhole": {"open_deg": 10.0}}, {"zone": "drain/1", "manhole": {"open_deg": 14.0, "settle_s": 5}}]"#,
    );
    assert_eq!(open_at(&both, 0), ["cover/1"]);
}

#[test]
fn what_makes_no_sense_is_refused_with_words() {
    let refused = |text: &str| match Setup::new(site(), rules(text), "c".into(), vec![]) {
        Err(SetupError::Override(error)) => error.to_string(),
        other => panic!("{text}: {other:?}"),
    };
    for (text, words) in [
        (r#"[{"manhole": {"open_dge": 10}}]"#, "override 1: unknown field `open_dge`"),
        (
            r#"[{"manhole": {"open_deg": 9}}, {"manhoel": {"open_deg": 10}}]"#,
            "override 2: unknown field `manhoel`",
        ),
        (r#"[{"manhole": {"open_deg": "ten"}}]"#, "override 1: invalid type"),
        (r#"[{"zone": "moon", "manhole": {"open_deg": 10}}]"#, "there is no place \"moon\""),
        (r#"[{"from": "22:00", "manhole": {"open_deg": 10}}]"#, "from and until go together"),
        (
            r#"[{"from": "22:00", "until": "24:00", "manhole": {"open_deg": 10}}]"#,
            "from and until go together",
        ),
        (r#"[{"zone": "drain/1"}]"#, "changes nothing"),
    ] {
        let error = refused(text);
        assert!(error.contains(words), "{error} / {words}");
    }
    let many = serde_json::json!(vec![serde_json::json!({"manhole": {"open_deg": 10}}); OVERRIDES_MAX + 1]);
    assert!(refused(&many.to_string()).contains("at most 32"));
}
