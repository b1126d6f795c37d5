//! What each metric is for: the source of docs/metrics.md.

use super::Metrics;
use std::fmt::Write;

/// What Prometheus takes it for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only ever goes up; look at its rate.
    Counter,
    /// What it is now.
    Gauge,
    /// How often which size, for quantiles.
    Histogram,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        }
    }
}

/// One metric as it was registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// The help that Prometheus shows.
    pub help: String,
    /// Its labels.
    pub labels: Vec<String>,
}

impl Described {
    /// By the end of its name, as Prometheus' conventions have it.
    fn unit(&self) -> &'static str {
        match self.name.as_str() {
            name if name.contains("_seconds") => "seconds",
            name if name.contains("_bytes") => "bytes",
            _ => "count",
        }
    }
}

/// Which values a label can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// These.
    Of(&'static [&'static str]),
    /// Names that are written in the program, at most so many.
    Program(&'static str, usize),
    /// Names from the configuration, at most so many.
    Configured(&'static str, usize),
}

impl Values {
    /// Whether a value is one of them, as far as that can be told here.
    pub fn allow(self, value: &str) -> bool {
        match self {
            Values::Of(values) => values.contains(&value),
            // Never what came from outside: an id, a topic, a name with anything else in it.
            Values::Program(..) | Values::Configured(..) => {
                value.len() <= 64
                    && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
            }
        }
    }

    /// How many there can be.
    pub fn at_most(self) -> usize {
        match self {
            Values::Of(values) => values.len(),
            Values::Program(_, at_most) | Values::Configured(_, at_most) => at_most,
        }
    }

    fn words(self) -> String {
        match self {
            Values::Of(values) => values
                .iter()
                .map(|value| format!("`{value}`"))
                .collect::<Vec<_>>()
                .join(", ")
                .replace("``", "empty"),
            Values::Program(what, at_most) | Values::Configured(what, at_most) => {
                format!("{what}; at most {at_most}")
            }
        }
    }
}

/// The labels of a metric with their values; `*` stands for every metric that is not named for that label.
const LABELS: &[(&str, &str, Values)] = &[
    ("*", "lane", Values::Of(&["alarm", "bulk", "discovery"])),
    ("*", "priority", Values::Of(&["", "P1", "P2", "P3", "P4"])),
    ("*", "profile", Values::Configured("profiles in the folder, or empty", 501)),
    (
        "wanglou_messages_total",
        "result",
        Values::Of(&["observed", "ignored", "unmatched", "rejected", "unregistered"]),
    ),
    ("wanglou_evidence_reads_total", "result", Values::Program("`shown`, or why not", 16)),
    ("wanglou_observations_total", "kind", Values::Program("kinds of reading (docs/canonical.md)", 64)),
    ("wanglou_alarms_raised_total", "kind", Values::Program("kinds of alarm (docs/rules.md)", 96)),
    ("*", "queue", Values::Of(&["requests", "alarm", "bulk"])),
    ("*", "rung", Values::Of(&["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"])),
    ("*", "answer", Values::Of(&["ok", "taken", "changed", "gone", "forbidden", "invalid"])),
    ("*", "why", Values::Program("why a socket was closed", 24)),
    ("*", "reach", Values::Of(&["reachable", "unreachable"])),
    (
        "*",
        "outcome",
        Values::Of(&[
            "real",
            "false_alarm",
            "test",
            "duplicate",
            "complied",
            "unfounded",
            "ok",
            "unverified",
        ]),
    ),
    ("*", "liveness", Values::Of(&["live", "unknown", "event_only", "never_heard"])),
    ("*", "channel", Values::Of(&["webhook", "sms", "voice", "push"])),
    ("*", "ended", Values::Of(&["done", "failed", "unknown"])),
    ("*", "concern", Values::Program("what makes the health page red", 16)),
    ("*", "stage", Values::Of(&["publish", "intake", "receipt"])),
    ("*", "certificate", Values::Of(&["https", "broker", "broker_authority"])),
    ("*", "feed", Values::Of(&["cloudevents", "home_assistant", "mqtt", "observations"])),
    ("wanglou_feed_news_total", "result", Values::Of(&["told", "dropped"])),
    ("*", "version", Values::Program("the program's version", 1)),
];

/// The values that a label of a metric can have; `None` for one that nobody has bounded.
pub fn values(metric: &str, label: &str) -> Option<Values> {
    let of = |wanted: &str| LABELS.iter().find(|(name, found, _)| *name == wanted && *found == label);
    of(metric).or_else(|| of("*")).map(|(_, _, values)| *values)
}

/// Which question a metric answers.
const QUESTIONS: &[(&str, &str)] = &[
    (
        "wanglou_messages_total",
        "What comes in, and is it understood? A vendor's update shows as `rejected` or `unmatched`.",
    ),
    ("wanglou_lane_messages_total", "How much comes in on each lane?"),
    ("wanglou_observations_total", "What do devices say, and how much of it is of kind `unknown`?"),
    ("wanglou_ingest_seconds", "How long does a message wait from the socket to the disk?"),
    ("wanglou_journal_commit_seconds", "Is the disk fast enough? Every alarm waits for one commit."),
    (
        "wanglou_journal_commit_records",
        "How much is committed at once? Many at once means that the disk is what limits.",
    ),
    ("wanglou_queue_depth", "Does the writer keep up?"),
    ("wanglou_journal_bytes", "How long will the disk last?"),
    ("wanglou_journal_position", "Does the journal go on? Its rate is records a second."),
    ("wanglou_alarms_raised_total", "Which kinds of alarm come, how urgent, and is one of them chattering?"),
    ("wanglou_alarms_closed_total", "How many alarms are false?"),
    ("wanglou_alarms_open", "What is open now?"),
    ("wanglou_ladder_rungs_total", "How far up do ladders go before somebody accepts?"),
    ("wanglou_alarm_receipt_seconds", "How fast does an alarm reach a phone?"),
    ("wanglou_alarm_acceptance_seconds", "How fast does a person take it?"),
    ("wanglou_commands_total", "Are people's taps taken, and why not?"),
    ("wanglou_sockets", "How many phones are connected?"),
    ("wanglou_sockets_closed_total", "Why do phones lose their connection?"),
    ("wanglou_sessions", "How many phones are logged in at all?"),
    ("wanglou_devices", "Which share of the devices can be heard?"),
    ("wanglou_duty_people", "Who is on duty, and could be told now?"),
    ("wanglou_broker_path_up", "Is each lane connected and drained?"),
    ("wanglou_qos0_messages_total", "Who sends life-safety messages that a broker may drop?"),
    ("wanglou_clock_synchronised", "Does a time server keep the clock right?"),
    ("wanglou_clock_trusted", "Is silence judged?"),
    ("wanglou_effects_total", "Do the other channels work?"),
    ("wanglou_evidence_reads_total", "Can people see the pictures of alarms?"),
    ("wanglou_home_reads_total", "How often do people look up who lives somewhere?"),
    ("wanglou_concern", "Why is the health page red?"),
    ("wanglou_quarantine_topics", "How many topics does nobody understand yet?"),
    ("wanglou_canary_seconds", "Would an alarm come through at this moment, and how fast?"),
    ("wanglou_canary_failures_total", "If not, where does it stop?"),
    ("wanglou_certificate_end_time_seconds", "When must a certificate be renewed at the latest?"),
    ("wanglou_backup_age_seconds", "How much would be lost with this machine?"),
    ("wanglou_backup_every_seconds", "How old may the newest backup become?"),
    ("wanglou_backup_bytes", "What does a backup take?"),
    ("wanglou_backup_failures_total", "Can backups be made?"),
    ("wanglou_feed_news_total", "Do other systems hear of alarms?"),
    ("wanglou_feed_behind_seconds", "How late do they hear of them?"),
    ("wanglou_build_info", "Which version runs?"),
    ("wanglou_start_time_seconds", "Since when, and does it restart often?"),
];

/// Which question a metric answers; `None` for one that nobody asked for.
pub fn question(metric: &str) -> Option<&'static str> {
    QUESTIONS.iter().find(|(name, _)| *name == metric).map(|(_, question)| *question)
}

/// The page docs/metrics.md.
pub fn markdown(metrics: &Metrics) -> String {
    let mut page = String::from(
        "# Metrics\n\nWritten by `wanglou metrics --markdown` from the program; a test keeps it equal. They are scraped at `[metrics] \
         listen`.\nUnits are base units. A label has the values of the second table and no other: nothing that a device or a person \
         sends\nbecomes one, so the number of series is bounded.\n\n| metric | type | unit | labels | the question that it answers |\n\
         |---|---|---|---|---|\n",
    );
    for metric in metrics.described() {
        let labels = metric.labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ");
        let (name, kind, unit) = (&metric.name, metric.kind.name(), metric.unit());
        let question = question(name).unwrap_or_default();
        // Writing into a string does not fail.
        let _ = writeln!(page, "| `{name}` | {kind} | {unit} | {labels} | {question} {} |", metric.help);
    }
    page.push_str("\n## Labels\n\n| label | of | values |\n|---|---|---|\n");
    for (metric, label, values) in LABELS {
        let of = if *metric == "*" { "every metric that has it".to_owned() } else { format!("`{metric}`") };
        let _ = writeln!(page, "| `{label}` | {of} | {} |", values.words());
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn every_metric_answers_a_question_and_every_question_has_its_metric() {
        let metrics = Metrics::default();
        let names: Vec<&str> = metrics.described().iter().map(|metric| metric.name.as_str()).collect();
        for name in &names {
            assert!(question(name).is_some(), "{name} answers no question: add one, or take it away");
        }
        for (name, _) in QUESTIONS {
            assert!(names.contains(name), "{name} is no metric any more");
        }
        for (name, _, _) in LABELS.iter().filter(|(name, _, _)| *name != "*") {
            assert!(names.contains(name), "{name} is no metric any more");
        }
    }

    #[test]
    fn every_label_is_bounded_and_all_series_together_are_few() {
        let metrics = Metrics::default();
        let mut series = 0;
        for metric in metrics.described() {
            let mut of_one = 1;
            for label in &metric.labels {
                let values = values(&metric.name, label);
                of_one *=
                    values.unwrap_or_else(|| panic!("{}{{{label}}} has no bound", metric.name)).at_most();
            }
            series += of_one;
        }
        assert!(series < 5_000, "{series} series at worst");
    }

    #[test]
    fn names_and_units_follow_the_conventions() {
        for metric in Metrics::default().described() {
            let name = &metric.name;
            assert!(
                name.starts_with("wanglou_")
                    && name
                        .bytes()
                        .all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte.is_ascii_digit()),
                "{name}"
            );
            assert_eq!(name.ends_with("_total"), metric.kind == Kind::Counter, "{name}");
            assert!(metric.help.ends_with('.'), "{name}: {}", metric.help);
        }
    }

    #[test]
    fn what_came_from_outside_is_no_value_of_a_label() {
        let profile = values("wanglou_messages_total", "profile").expect("bounded");
        assert!(profile.allow("zigbee2mqtt") && profile.allow(""));
        assert!(
            !profile.allow("zigbee2mqtt/home-3-1203/door")
                && !profile.allow("王师傅")
                && !profile.allow("a b")
        );
        assert!(!values("wanglou_messages_total", "result").expect("bounded").allow("other"));
    }

    /// `WANGLOU_UPDATE=1 cargo test -p wanglou-gateway catalogue` writes the page anew.
    #[test]
    fn the_docs_say_what_the_program_says() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md");
        let page = markdown(&Metrics::default());
        if std::env::var_os("WANGLOU_UPDATE").is_some_and(|value| value == "1") {
            std::fs::write(&path, &page).expect("written");
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(
            found, page,
            "docs/metrics.md is not what the program says; WANGLOU_UPDATE=1 writes it anew"
        );
    }
}
