//! Common Alerting Protocol 1.2: one message when an alarm is raised, one when it becomes more urgent, one when it ends.
//!
//! Source: OASIS Standard CAP-v1.2, 1 July 2010, sections 3.2 and 3.4 (elements, their order and their code values;
//! times without `Z`; no blanks, commas, `<` or `&` in identifiers).

use std::fmt::Write;
use wanglou_engine::Calendar;
use wanglou_model::{AlarmId, Fact, Outcome, Priority, Raised, Text, Timestamp};

/// What a message needs beside the fact.
pub trait Compound {
    /// The compound's id.
    fn id(&self) -> String;
    /// Its name.
    fn name(&self) -> Text;
    /// The name of a kind of alarm.
    fn title(&self, kind: &str) -> Text;
    /// Where a place is, from the outside in.
    fn area(&self, place: &wanglou_model::PlaceId) -> Text;
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its identifier: also a fit name of a file.
    pub identifier: String,
    /// The XML document.
    pub xml: String,
}

/// What a fact means to those outside; `None` for what stays inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum News {
    Raised,
    Upgraded,
    Ended(Outcome),
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "three facts matter outside; a new one stays inside until it is added"
)]
fn news(fact: &Fact) -> Option<News> {
    match fact {
        Fact::Raised(_) => Some(News::Raised),
        Fact::Upgraded { .. } => Some(News::Upgraded),
        Fact::Closed { outcome, .. } => Some(News::Ended(*outcome)),
        _ => None,
    }
}

/// Makes messages, and remembers which ones each alarm had: later ones refer to them.
#[derive(Debug)]
pub struct Messages<C> {
    compound: C,
    calendar: Calendar,
    sent: std::collections::BTreeMap<AlarmId, Vec<String>>,
}

impl<C: Compound> Messages<C> {
    /// For one compound.
    pub fn new(compound: C, calendar: Calendar) -> Self {
        Self { compound, calendar, sent: std::collections::BTreeMap::new() }
    }

    /// The message of a fact, if it is one for others.
    pub fn take(&mut self, wall: Timestamp, fact: &Fact, raised: Option<&Raised>) -> Option<Message> {
        if let Fact::Forgotten { alarm } = fact {
            self.sent.remove(alarm);
        }
        let (news, raised) = (news(fact)?, raised?);
        let sender = format!("wanglou@{}", fit(&self.compound.id()));
        let sent = self.time(wall);
        let before = self.sent.entry(raised.alarm.clone()).or_default();
        let identifier = format!("{}-{}", fit(raised.alarm.as_str()), before.len() + 1);
        let references = before.join(" ");
        before.push(format!("{sender},{identifier},{sent}"));
        let kind = if references.is_empty() { "Alert" } else { "Update" };
        let mut xml = String::from(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\">\n",
        );
        line(&mut xml, 1, "identifier", &identifier);
        line(&mut xml, 1, "sender", &sender);
        line(&mut xml, 1, "sent", &sent);
        line(&mut xml, 1, "status", if raised.test { "Test" } else { "Actual" });
        line(&mut xml, 1, "msgType", kind);
        line(&mut xml, 1, "scope", "Restricted");
        line(&mut xml, 1, "restriction", "for those who watch over this compound");
        if !references.is_empty() {
            line(&mut xml, 1, "references", &references);
        }
        for language in ["zh-CN", "en-US"] {
            self.info(&mut xml, news, raised, language);
        }
        xml.push_str("</alert>\n");
        Some(Message { identifier, xml })
    }

    fn info(&self, xml: &mut String, news: News, raised: &Raised, language: &str) {
        let said = |text: &Text| if language == "zh-CN" { text.zh.clone() } else { text.en.clone() };
        let title = said(&self.compound.title(raised.kind.as_str()));
        let (urgency, severity) = urgency(raised.priority);
        xml.push_str("  <info>\n");
        line(xml, 2, "language", language);
        line(xml, 2, "category", category(raised.kind.as_str()));
        line(xml, 2, "event", &title);
        if let News::Ended(_) = news {
            line(xml, 2, "responseType", "AllClear");
        }
        line(xml, 2, "urgency", if matches!(news, News::Ended(_)) { "Past" } else { urgency });
        line(xml, 2, "severity", severity);
        line(xml, 2, "certainty", certainty(news));
        line(xml, 2, "onset", &self.time(raised.first_at));
        line(xml, 2, "senderName", &said(&self.compound.name()));
        line(xml, 2, "headline", &format!("{} {title}", raised.priority.name()));
        line(xml, 2, "description", &said(&raised.reason.text));
        if let News::Ended(outcome) = news {
            parameter(xml, "outcome", outcome.name());
        }
        parameter(xml, "wanglou:alarm", raised.alarm.as_str());
        parameter(xml, "wanglou:kind", raised.kind.as_str());
        xml.push_str("    <area>\n");
        line(xml, 3, "areaDesc", &said(&self.compound.area(&raised.place)));
        xml.push_str("      <geocode>\n");
        line(xml, 4, "valueName", "wanglou:place");
        line(xml, 4, "value", raised.place.as_str());
        xml.push_str("      </geocode>\n    </area>\n  </info>\n");
    }

    /// As CAP wants it: seconds, a numeric offset.
    fn time(&self, wall: Timestamp) -> String {
        let whole = Timestamp(wall.0.div_euclid(1_000_000) * 1_000_000);
        self.calendar.format(whole)
    }
}

fn urgency(priority: Priority) -> (&'static str, &'static str) {
    match priority {
        Priority::P1 => ("Immediate", "Extreme"),
        Priority::P2 => ("Immediate", "Severe"),
        Priority::P3 => ("Expected", "Moderate"),
        Priority::P4 => ("Future", "Minor"),
    }
}

fn certainty(news: News) -> &'static str {
    match news {
        News::Raised | News::Upgraded => "Likely",
        News::Ended(Outcome::Real | Outcome::Complied | Outcome::Ok) => "Observed",
        News::Ended(Outcome::FalseAlarm | Outcome::Unfounded | Outcome::Duplicate | Outcome::Test) => {
            "Unlikely"
        }
        News::Ended(Outcome::Unverified) => "Unknown",
    }
}

/// Section 3.2.2, category.
fn category(kind: &str) -> &'static str {
    match kind {
        "smoke" | "gas" | "co" | "shed_heat" | "ebike_in_lift" | "ebike_parked" => "Fire",
        "living_alone" | "sos" | "home_temperature" => "Health",
        "lift_entrapment" => "Rescue",
        "intrusion" | "access" | "thrown_object" => "Security",
        "outage" | "device_fault" | "lift_fault" | "leak" | "manhole" => "Infra",
        "fire_lane" => "Transport",
        _ => "Safety",
    }
}

/// Without what identifiers may not have.
fn fit(text: &str) -> String {
    text.chars().map(|c| if c.is_whitespace() || ",<&".contains(c) { '_' } else { c }).collect()
}

fn parameter(xml: &mut String, name: &str, value: &str) {
    xml.push_str("    <parameter>\n");
    line(xml, 3, "valueName", name);
    line(xml, 3, "value", value);
    xml.push_str("    </parameter>\n");
}

fn line(xml: &mut String, depth: usize, element: &str, text: &str) {
    // Writing into a string does not fail.
    let _ = writeln!(xml, "{:width$}<{element}>{}</{element}>", "", escaped(text), width = depth * 2);
}

/// XML 1.0 has no other control characters than tab and line ends.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\t' | '\n' | '\r' => out.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
    out
}
