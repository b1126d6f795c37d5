//! The figures as text for people, CSV for spreadsheets, JSON for programs. All three say the same.

use super::figures::{Buckets, Figures, KindFigures, Rate};
use std::fmt::Write;

/// One JSON object.
///
/// # Errors
/// Never, but for a fault of the program.
pub fn json(figures: &Figures) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(figures).map(|text| text + "\n")
}

/// One figure a line: `section,name,figure,value`.
pub fn csv(figures: &Figures) -> String {
    let mut out = String::from("section,name,figure,value\n");
    let mut row = |section: &str, name: &str, figure: &str, value: String| {
        let cells = [section, name, figure, &value].map(cell);
        out.push_str(&(cells.join(",") + "\n"));
    };
    row("report", "month", "is", figures.month.clone());
    row("report", "zone", "is", figures.zone.clone());
    row("report", "journal_from", "is", figures.journal_from.clone().unwrap_or_else(|| "n/a".to_owned()));
    row("report", "left_out", "alarms", figures.left_out.to_string());
    for kind in std::iter::once(&figures.all).chain(&figures.kinds) {
        row("kind", &kind.kind, "alarms", kind.alarms.to_string());
        for (level, count) in (1..).zip(kind.priorities) {
            row("kind", &kind.kind, &format!("p{level}"), count.to_string());
        }
        row("kind", &kind.kind, "last_year", kind.last_year.to_string());
        row("kind", &kind.kind, "change_pct", figure(kind.change_pct));
        for (name, buckets) in times(kind) {
            for (limit, within) in buckets.limits_s.iter().zip(buckets.within) {
                row("kind", &kind.kind, &format!("{name}_le_{limit}_s"), within.to_string());
            }
            row("kind", &kind.kind, &format!("{name}_later"), buckets.later.to_string());
            row("kind", &kind.kind, &format!("{name}_never"), buckets.never.to_string());
        }
    }
    for week in &figures.weeks {
        row("week", &week.week, "alarms", week.alarms.to_string());
        for (kind, count) in &week.kinds {
            row("week", &week.week, kind, count.to_string());
        }
    }
    for (section, rates) in
        [("false_by_rule", &figures.false_by_rule), ("false_by_device", &figures.false_by_device)]
    {
        for rate in rates {
            row(section, &rate.name, "false_alarms", rate.false_alarms.to_string());
            row(section, &rate.name, "judged", rate.judged.to_string());
            row(section, &rate.name, "rate_pct", figure(rate.rate_pct));
        }
    }
    for officer in &figures.load.officers {
        let name = &officer.officer;
        row("load", name, "pushes", officer.pushes.to_string());
        row("load", name, "per_day", format!("{:.1}", officer.per_day));
        row("load", name, "busiest_10_min", officer.busiest_10_min.to_string());
        row("load", name, "flood_min", officer.flood_min.to_string());
        row("load", name, "flood_pct", figure(officer.flood_pct));
    }
    for (level, share) in (1..).zip(figures.load.priority_pct) {
        row("load", "all", &format!("p{level}_pct"), figure(share));
    }
    for (name, count) in &figures.load.chattering {
        row("chattering", name, "alarms", count.to_string());
    }
    row("load", "all", "stale", figures.load.stale.to_string());
    out
}

/// A cell of CSV after RFC 4180. What a spreadsheet would take for a formula gets an apostrophe before it.
fn cell(text: &str) -> String {
    let formula =
        text.starts_with(['=', '+', '@', '\t']) || (text.starts_with('-') && text.parse::<f64>().is_err());
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

fn figure(value: Option<f64>) -> String {
    value.map_or_else(|| "n/a".to_owned(), |value| format!("{value:.1}"))
}

fn times(kind: &KindFigures) -> [(&'static str, &Buckets); 3] {
    [("accepted", &kind.accepted), ("set_out", &kind.set_out), ("resolved", &kind.resolved)]
}

/// Tables for people.
pub fn text(figures: &Figures) -> String {
    let mut out = String::new();
    let all = &figures.all;
    let since = figures.journal_from.as_deref().unwrap_or("nothing is written");
    let mut line = |text: String| out.push_str(&(text.trim_end().to_owned() + "\n"));
    line(format!("Report for {} ({}); the journal begins: {since}", figures.month, figures.zone));
    line(format!(
        "{} alarms; the same month last year {}, change {}",
        all.alarms,
        all.last_year,
        change(all.change_pct)
    ));
    line(format!("left out: {} tests, drills and alarms on trial", figures.left_out));
    line(String::new());
    line(format!(
        "{:<22}{:>8}{:>6}{:>6}{:>6}{:>6}{:>11}{:>9}",
        "By type", "alarms", "P1", "P2", "P3", "P4", "last year", "change"
    ));
    for kind in figures.kinds.iter().chain(std::iter::once(all)) {
        let [p1, p2, p3, p4] = kind.priorities;
        line(format!(
            "{:<22}{:>8}{p1:>6}{p2:>6}{p3:>6}{p4:>6}{:>11}{:>9}",
            kind.kind,
            kind.alarms,
            kind.last_year,
            change(kind.change_pct)
        ));
    }
    for (n, (title, units)) in TIMES.iter().enumerate() {
        line(String::new());
        let heads: String = units.iter().map(|unit| format!("{unit:>9}")).collect();
        line(format!("{title:<22}{heads}{:>8}{:>8}", "later", "never"));
        for kind in figures.kinds.iter().chain(std::iter::once(all)) {
            let (_, buckets) = times(kind)[n];
            let within: String = buckets.within.iter().map(|count| format!("{count:>9}")).collect();
            line(format!("{:<22}{within}{:>8}{:>8}", kind.kind, buckets.later, buckets.never));
        }
    }
    line(String::new());
    line(format!("{:<22}{:>8}", "By week", "alarms"));
    for week in &figures.weeks {
        let kinds: Vec<String> = week.kinds.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        line(format!("{:<22}{:>8}  {}", week.week, week.alarms, kinds.join(", ")));
    }
    rates(&mut line, "False alarms by rule", &figures.false_by_rule);
    rates(&mut line, "False alarms by device", &figures.false_by_device);
    load(&mut line, figures);
    out
}

const TIMES: [(&str, [&str; 4]); 3] = [
    ("Accepted within", ["≤30 s", "≤60 s", "≤120 s", "≤180 s"]),
    ("Set out within", ["≤5 min", "≤10 min", "≤15 min", "≤30 min"]),
    ("Resolved within", ["≤30 min", "≤1 h", "≤2 h", "≤4 h"]),
];

fn change(pct: Option<f64>) -> String {
    pct.map_or_else(|| "n/a".to_owned(), |pct| format!("{pct:+.1} %"))
}

fn rates(line: &mut impl FnMut(String), title: &str, rates: &[Rate]) {
    line(String::new());
    line(format!("{title:<34}{:>8}{:>8}{:>9}", "false", "judged", "rate"));
    for rate in rates {
        let pct = rate.rate_pct.map_or_else(|| "n/a".to_owned(), |pct| format!("{pct:.1} %"));
        line(format!("{:<34}{:>8}{:>8}{pct:>9}", rate.name, rate.false_alarms, rate.judged));
    }
}

fn load(line: &mut impl FnMut(String), figures: &Figures) {
    line(String::new());
    line(format!(
        "{:<22}{:>8}{:>9}{:>13}{:>11}{:>9}",
        "Load (ISA-18.2)", "pushes", "per day", "most in 10'", "flood min", "flood"
    ));
    for officer in &figures.load.officers {
        let pct = officer.flood_pct.map_or_else(|| "n/a".to_owned(), |pct| format!("{pct:.1} %"));
        line(format!(
            "{:<22}{:>8}{:>9.1}{:>13}{:>11}{pct:>9}",
            officer.officer, officer.pushes, officer.per_day, officer.busiest_10_min, officer.flood_min
        ));
    }
    let mut shares = String::new();
    for (level, share) in (1..).zip(figures.load.priority_pct) {
        let share = share.map_or_else(|| "n/a".to_owned(), |share| format!("{share:.1} %"));
        let _ = write!(shares, "  P{level} {share}");
    }
    line(format!("priorities:{shares}"));
    line(format!("open for more than a day: {}", figures.load.stale));
    for (name, count) in &figures.load.chattering {
        line(format!("chattering: {name} ({count})"));
    }
}
