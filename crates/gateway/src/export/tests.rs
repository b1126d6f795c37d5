//! Every format against a few facts; CAP against the rules of its schema, written down here from the standard twice: as a table,
//! and as an XML schema that xmllint judges by.

use super::cap::{Compound, Messages};
use super::*;
use wanglou_engine::Calendar;
use wanglou_model::{AlarmKind, Canary, Ladder, Outcome, PlaceId, Priority, Reason, StopsAt, Text};

fn text(zh: &str, en: &str) -> Text {
    Text { zh: zh.to_owned(), en: en.to_owned() }
}

fn ladder() -> Ladder {
    Ladder {
        rungs: Vec::new(),
        repeat: Span::secs(60),
        on_scene: Span::secs(600),
        stops_at: StopsAt::Acceptance,
    }
}

fn raised(id: &str, kind: &str, test: bool) -> Raised {
    Raised {
        alarm: AlarmId::parse(id).expect("an id"),
        kind: AlarmKind::parse(kind).expect("a kind"),
        key: "k".into(),
        place: PlaceId::parse("3/1/door").expect("a place"),
        priority: Priority::P2,
        reason: Reason::new("smoke", "烟感 <1> & 报警", "smoke <1> & heat, \"loud\"\u{7}"),
        first_at: Timestamp(1_772_442_000_000_000),
        count: 1,
        stage: None,
        ladder: ladder(),
        merge: Span::secs(1),
        mark: None,
        test,
        devices: vec![],
        evidence: vec![],
        details: Default::default(),
        incident: None,
        config: "c".into(),
    }
}

/// A life: raised, more urgent, over; and a canary beside it.
fn life() -> Vec<(Timestamp, Fact)> {
    let raised = raised("al_1", "smoke", false);
    let alarm = raised.alarm.clone();
    let at = |seconds: i64| Timestamp(1_772_442_000_000_000 + seconds * 1_000_000);
    let reason = Reason::new("more", "更多", "more");
    vec![
        (at(0), Fact::Raised(Box::new(raised))),
        (at(1), Fact::Canary(Canary { run: 1, n: 1 })),
        (
            at(5),
            Fact::Upgraded {
                alarm: alarm.clone(),
                priority: Priority::P1,
                ladder: ladder(),
                reason: reason.clone(),
            },
        ),
        (at(60), Fact::Closed { alarm: alarm.clone(), outcome: Outcome::Real, reason }),
        (at(90), Fact::Forgotten { alarm }),
    ]
}

fn calendar() -> Calendar {
    Calendar::new("Asia/Shanghai").expect("a zone")
}

fn told<T>(wanted: Wanted, make: &mut dyn FnMut(&Told<'_>) -> T) -> Vec<T> {
    let (mut follow, mut made) = (Follow::default(), Vec::new());
    for (at, fact) in life() {
        let taken: Result<(), ()> = follow.take(at, &fact, wanted, &mut |told| {
            made.push(make(told));
            Ok(())
        });
        assert_eq!(taken, Ok(()));
    }
    made
}

const ALL: Wanted = Wanted { from: None, until: None };

#[test]
fn json_lines_have_the_time_of_the_compound_and_no_canary() {
    let lines = told(ALL, &mut |told| json_line(&calendar(), told).expect("JSON"));
    assert_eq!(lines.len(), 4);
    let first: serde_json::Value = serde_json::from_str(&lines[0]).expect("JSON");
    assert_eq!(first["time"], "2026-03-02T17:00:00+08:00");
    assert_eq!(
        (&first["fact"], &first["alarm"], &first["kind"]),
        (&"raised".into(), &"al_1".into(), &"smoke".into())
    );
    assert!(!lines.join("").contains("canary"));
}

#[test]
fn rows_know_the_alarm_of_each_fact_until_it_is_forgotten() {
    let rows = told(ALL, &mut |told| csv_row(&calendar(), told).expect("JSON"));
    for (row, priority) in rows.iter().zip(["P2", "P1", "P1", "P1"]) {
        assert_eq!(row[2..6], ["al_1", "smoke", priority, "3/1/door"].map(String::from), "{row:?}");
    }
    assert_eq!(
        rows.iter().map(|row| row[1].as_str()).collect::<Vec<_>>(),
        ["raised", "upgraded", "closed", "forgotten"]
    );
    let said: serde_json::Value = serde_json::from_str(&rows[2][7]).expect("JSON");
    assert_eq!(said["outcome"], "real");
}

#[test]
fn only_the_time_that_was_asked_for() {
    let second = |seconds: i64| Some(Timestamp(1_772_442_000_000_000 + seconds * 1_000_000));
    let wanted = Wanted { from: second(5), until: second(60) };
    assert_eq!(told(wanted, &mut |told| csv_row(&calendar(), told).expect("JSON")[1].clone()), ["upgraded"]);
}

struct Demo;

impl Compound for Demo {
    fn id(&self) -> String {
        "demo".into()
    }
    fn name(&self) -> Text {
        text("示范小区", "Demo compound")
    }
    fn title(&self, kind: &str) -> Text {
        text("烟雾", kind)
    }
    fn area(&self, _: &PlaceId) -> Text {
        text("3号楼 1单元", "Building 3, entrance 1")
    }
}

fn messages() -> Vec<cap::Message> {
    let mut messages = Messages::new(Demo, calendar());
    told(ALL, &mut |told| messages.take(told.wall, told.fact, told.raised)).into_iter().flatten().collect()
}

#[test]
fn an_alarms_life_is_three_messages_that_refer_to_each_other() {
    let messages = messages();
    assert_eq!(
        messages.iter().map(|m| m.identifier.as_str()).collect::<Vec<_>>(),
        ["al_1-1", "al_1-2", "al_1-3"]
    );
    assert!(messages[0].xml.contains("<msgType>Alert</msgType>") && !messages[0].xml.contains("references"));
    let first = "wanglou@demo,al_1-1,2026-03-02T17:00:00+08:00";
    assert!(messages[1].xml.contains(&format!("<references>{first}</references>")));
    assert!(messages[1].xml.contains("<severity>Extreme</severity>"), "more urgent");
    assert!(messages[2].xml.contains(&format!("{first} wanglou@demo,al_1-2,")), "both before it");
    assert!(
        messages[2].xml.contains("<responseType>AllClear</responseType>") && messages[2].xml.contains("Past")
    );
    assert!(
        messages[0].xml.contains("smoke &lt;1&gt; &amp; heat, \"loud\"</description>"),
        "{}",
        messages[0].xml
    );
}

/// `alert` and `info` of the schema: element, how often at least, at most, and what it may hold.
enum Holds {
    Text,
    Id,
    Time,
    Code(&'static [&'static str]),
    Group(&'static [(&'static str, usize, usize, Holds)]),
}

const MANY: usize = usize::MAX;
const NAMED: Holds = Holds::Group(&[("valueName", 1, 1, Holds::Text), ("value", 1, 1, Holds::Text)]);
const AREA: Holds = Holds::Group(&[
    ("areaDesc", 1, 1, Holds::Text),
    ("polygon", 0, MANY, Holds::Text),
    ("circle", 0, MANY, Holds::Text),
    ("geocode", 0, MANY, NAMED),
    ("altitude", 0, 1, Holds::Text),
    ("ceiling", 0, 1, Holds::Text),
]);
const CATEGORY: Holds = Holds::Code(&[
    "Geo",
    "Met",
    "Safety",
    "Security",
    "Rescue",
    "Fire",
    "Health",
    "Env",
    "Transport",
    "Infra",
    "CBRNE",
    "Other",
]);
const RESPONSE: Holds = Holds::Code(&[
    "Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None",
]);
const INFO: Holds = Holds::Group(&[
    ("language", 0, 1, Holds::Text),
    ("category", 1, MANY, CATEGORY),
    ("event", 1, 1, Holds::Text),
    ("responseType", 0, MANY, RESPONSE),
    ("urgency", 1, 1, Holds::Code(&["Immediate", "Expected", "Future", "Past", "Unknown"])),
    ("severity", 1, 1, Holds::Code(&["Extreme", "Severe", "Moderate", "Minor", "Unknown"])),
    ("certainty", 1, 1, Holds::Code(&["Observed", "Likely", "Possible", "Unlikely", "Unknown"])),
    ("audience", 0, 1, Holds::Text),
    ("eventCode", 0, MANY, NAMED),
    ("effective", 0, 1, Holds::Time),
    ("onset", 0, 1, Holds::Time),
    ("expires", 0, 1, Holds::Time),
    ("senderName", 0, 1, Holds::Text),
    ("headline", 0, 1, Holds::Text),
    ("description", 0, 1, Holds::Text),
    ("instruction", 0, 1, Holds::Text),
    ("web", 0, 1, Holds::Text),
    ("contact", 0, 1, Holds::Text),
    ("parameter", 0, MANY, NAMED),
    ("area", 0, MANY, AREA),
]);
const ALERT: &[(&str, usize, usize, Holds)] = &[
    ("identifier", 1, 1, Holds::Id),
    ("sender", 1, 1, Holds::Id),
    ("sent", 1, 1, Holds::Time),
    ("status", 1, 1, Holds::Code(&["Actual", "Exercise", "System", "Test", "Draft"])),
    ("msgType", 1, 1, Holds::Code(&["Alert", "Update", "Cancel", "Ack", "Error"])),
    ("source", 0, 1, Holds::Text),
    ("scope", 1, 1, Holds::Code(&["Public", "Restricted", "Private"])),
    ("restriction", 0, 1, Holds::Text),
    ("addresses", 0, 1, Holds::Text),
    ("code", 0, MANY, Holds::Text),
    ("note", 0, 1, Holds::Text),
    ("references", 0, 1, Holds::Text),
    ("incidents", 0, 1, Holds::Text),
    ("info", 0, MANY, INFO),
];

/// The children of an element's content: name and content each. Elements without attributes, which is all we write.
fn children(mut content: &str) -> Result<Vec<(&str, &str)>, String> {
    let mut found = Vec::new();
    while let Some(start) = content.find('<') {
        let rest = &content[start + 1..];
        let name = &rest[..rest.find('>').ok_or("a tag without end")?];
        let end = format!("</{name}>");
        let inner = &rest[name.len() + 1..];
        let length = inner.find(&end).ok_or_else(|| format!("<{name}> does not end"))?;
        found.push((name, &inner[..length]));
        content = &inner[length + end.len()..];
    }
    Ok(found)
}

fn holds(path: &str, content: &str, rule: &Holds) -> Result<(), String> {
    let wrong = |why: &str| Err(format!("{path}: {content:?} {why}"));
    match rule {
        Holds::Group(rules) => return group(path, content, rules),
        _ if content.contains('<') => return wrong("has elements"),
        Holds::Text if content.trim().is_empty() => return wrong("is empty"),
        Holds::Text => {}
        Holds::Id if content.is_empty() || content.contains([' ', ',', '<', '&']) => {
            return wrong("is no id");
        }
        Holds::Id => {}
        Holds::Time => {
            let shape: String = content.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
            if !["9999-99-99T99:99:99+99:99", "9999-99-99T99:99:99-99:99"].contains(&shape.as_str()) {
                return wrong("is no dateTime as CAP has it");
            }
        }
        Holds::Code(codes) if !codes.contains(&content) => return wrong("is no code value"),
        Holds::Code(_) => {}
    }
    Ok(())
}

fn group(path: &str, content: &str, rules: &[(&str, usize, usize, Holds)]) -> Result<(), String> {
    let children = children(content)?;
    let mut at = 0;
    for (name, least, most, rule) in rules {
        let mut count = 0;
        while let Some((_, inner)) = children.get(at).filter(|(found, _)| found == name) {
            holds(&format!("{path}/{name}"), inner, rule)?;
            (at, count) = (at + 1, count + 1);
        }
        if count < *least || count > *most {
            return Err(format!("{path}/{name} is there {count} times"));
        }
    }
    match children.get(at) {
        Some((name, _)) => Err(format!("{path}/{name} is unknown, or out of order")),
        None => Ok(()),
    }
}

fn valid(xml: &str) -> Result<(), String> {
    let start = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\">\n";
    let inner = xml.strip_prefix(start).and_then(|rest| rest.trim_end().strip_suffix("</alert>"));
    group("alert", inner.ok_or("no alert of CAP 1.2")?, ALERT)
}

#[test]
fn every_message_is_what_the_schema_allows() {
    for message in messages() {
        assert_eq!(valid(&message.xml), Ok(()), "{}", message.xml);
    }
    let mut messages = Messages::new(Demo, calendar());
    let kinds = [
        "manhole",
        "ebike_in_lift",
        "living_alone",
        "thrown_object",
        "outage",
        "lift_entrapment",
        "fire_lane",
        "noise",
    ];
    for kind in kinds {
        for test in [false, true] {
            let raised = raised(&format!("al_{kind}_{test}"), kind, test);
            let fact = Fact::Raised(Box::new(raised.clone()));
            let message = messages.take(Timestamp(1), &fact, Some(&raised)).expect("a message");
            assert_eq!(valid(&message.xml), Ok(()), "{}", message.xml);
            assert_eq!(message.xml.contains("<status>Test</status>"), test);
        }
    }
}

#[test]
fn the_check_of_the_schema_can_fail() {
    let good = messages()[1].xml.clone();
    for (from, to, says) in [
        ("<status>Actual</status>", "<status>Real</status>", "no code value"),
        ("<scope>Restricted</scope>", "", "alert/scope is there 0 times"),
        ("+08:00</sent>", "Z</sent>", "no dateTime"),
        ("<urgency>", "<hurry>", "does not end"),
        ("<identifier>al_1-2", "<identifier>al 1", "no id"),
        (
            "<msgType>Update</msgType>\n  <scope>Restricted</scope>",
            "<scope>Restricted</scope>\n  <msgType>Update</msgType>",
            "msgType is there 0 times",
        ),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good, "{from}");
        let why = valid(&bad).expect_err(from);
        assert!(why.contains(says), "{from}: {why}");
    }
}

/// By `xmllint` (libxml2) and cap-1.2.xsd beside this file, which share nothing with the check above. `None`: it is not
/// installed.
fn by_schema(xml: &str) -> Option<Result<(), String>> {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/src/export/cap-1.2.xsd");
    let mut command = Command::new("xmllint");
    command.args(["--noout", "--nonet", "--schema", schema, "-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        started => started.expect("xmllint starts"),
    };
    child.stdin.take().expect("piped").write_all(xml.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Some(if output.status.success() { Ok(()) } else { Err(said) })
}

/// Every kind, level and end, with words that must be escaped.
fn every_sort() -> Vec<String> {
    use Outcome::{Complied, Duplicate, FalseAlarm, Ok as Fine, Real, Test, Unfounded, Unverified};
    let kinds = [
        "manhole",
        "smoke",
        "sos",
        "lift_entrapment",
        "intrusion",
        "outage",
        "fire_lane",
        "noise",
        "shed_heat",
    ];
    let mut messages = Messages::new(Demo, calendar());
    let mut made = Vec::new();
    for (number, outcome) in
        [Real, FalseAlarm, Test, Duplicate, Complied, Unfounded, Fine, Unverified].into_iter().enumerate()
    {
        for (kind, priority) in kinds.iter().zip(Priority::ALL.iter().cycle()) {
            let mut raised = raised(&format!("al_{kind}_{number}"), kind, outcome == Test);
            raised.priority = *priority;
            let alarm = raised.alarm.clone();
            let reason = Reason::new("over", "结束", "over");
            for fact in [Fact::Raised(Box::new(raised.clone())), Fact::Closed { alarm, outcome, reason }] {
                made.extend(messages.take(Timestamp(1_772_442_000_000_000), &fact, Some(&raised)));
            }
        }
    }
    made.into_iter().map(|message| message.xml).collect()
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that skips says so")]
fn every_message_is_valid_by_an_xml_schema() {
    let mut all: Vec<String> = messages().into_iter().map(|message| message.xml).collect();
    all.extend(every_sort());
    assert!(all.len() > 140, "{}", all.len());
    for xml in &all {
        match by_schema(xml) {
            None => {
                eprintln!(
                    "SKIPPED: no xmllint here, so no message was held against the XML schema (apt install libxml2-utils)"
                );
                return;
            }
            Some(judged) => assert_eq!(judged, Ok(()), "{xml}"),
        }
    }
    // What the schema must not let through.
    for (from, to, says) in [
        ("<status>Actual</status>", "<status>Real</status>", "enumeration"),
        ("  <scope>Restricted</scope>\n", "", "This element is not expected"),
        ("+08:00</sent>", "Z</sent>", "pattern"),
        ("-02T17", "-32T17", "not a valid value"),
        ("<identifier>al_1-2", "<identifier>al 1", "pattern"),
        ("<category>Fire</category>", "<category>Flood</category>", "enumeration"),
        ("wanglou@demo,al_1-1,", "al_1-1,", "pattern"),
        ("<areaDesc>", "<areaDesc/><areaDesc>", "areaDesc"),
        ("cap:1.2", "cap:1.1", "No matching global declaration"),
        ("</headline>", "</headline><headline>again</headline>", "This element is not expected"),
        ("</alert>", "", "parser error"),
    ] {
        let good = &all[1];
        let bad = good.replacen(from, to, 1);
        assert_ne!(&bad, good, "{from}");
        let why = by_schema(&bad).expect("it was there before").expect_err(from);
        assert!(why.contains(says), "{from}: {why}");
    }
}
