//! `wanglou quarantine`: what the gateway heard and nobody understood.

use super::Ended;
use super::local::Place;
use crate::cli::say::{out, remark, say};
use crate::quarantine::{Entry, Why};
use crate::views;
use anyhow::{Context, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args as ClapArgs, Subcommand};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use wanglou_model::rfc3339_micros;

/// Of a reason or a sample, a list shows so many characters.
const LISTED_CHARS: usize = 100;

/// Show what nobody understood: topics without a profile, malformed messages, devices that are not in the list.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  wanglou quarantine list --config config/gateway.toml
  wanglou quarantine list --config config/gateway.toml --why unmatched
  wanglou quarantine show --config config/gateway.toml acme/7/front/state
  wanglou quarantine export --config config/gateway.toml --out samples.jsonl
  wanglou quarantine export --config config/gateway.toml acme/7/front/state | wanglou profile suggest --sample -

Where it comes from: the gateway of this configuration, if it runs on this machine; otherwise what it left on disk, which
is written once a minute and at a stop: only a crash costs its last minute. Standard error says which.

Kept are 1,000 topics, of each the first 2 KiB of its latest message, as long as bodies are ([retention] bodies_days).
Topics that no profile subscribes to are sampled: their counts and rates are of the samples.")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// One line for each topic, the latest first: how many, how often, since when, why, and a sample.
    List(List),
    /// Everything about one topic, with its sample in full.
    Show(Show),
    /// Samples as JSON lines, for files and other programs.
    Export(Export),
}

#[derive(Debug, ClapArgs)]
struct Source {
    /// The gateway's file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

#[derive(Debug, ClapArgs)]
struct List {
    #[command(flatten)]
    source: Source,
    /// Only those that are here for this reason.
    #[arg(long, value_enum)]
    why: Option<Only>,
    /// One JSON object a line, for other programs.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, ClapArgs)]
struct Show {
    #[command(flatten)]
    source: Source,
    /// The topic, as the list has it.
    topic: String,
    /// As one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, ClapArgs)]
struct Export {
    #[command(flatten)]
    source: Source,
    /// Only these topics; all without any.
    topics: Vec<String>,
    /// Only those that are here for this reason.
    #[arg(long, value_enum)]
    why: Option<Only>,
    /// Into this file, which must not be there yet; otherwise to standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// [`Why`], as it is typed.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Only {
    /// No profile knows the topic or the payload.
    Unmatched,
    /// A profile knows it, and it is malformed.
    Rejected,
    /// It is understood, and the device is not in devices.csv.
    Unregistered,
}

impl Only {
    fn is(self, why: Why) -> bool {
        match self {
            Only::Unmatched => why == Why::Unmatched,
            Only::Rejected => why == Why::Rejected,
            Only::Unregistered => why == Why::Unregistered,
        }
    }
}

impl Args {
    /// Reads the quarantine and prints.
    ///
    /// # Errors
    /// When neither a gateway nor its data can be read, or a topic is not there.
    pub async fn run(self) -> anyhow::Result<Ended> {
        match self.verb {
            Verb::List(list) => list.run().await,
            Verb::Show(show) => show.run().await,
            Verb::Export(export) => export.run().await,
        }
    }
}

impl List {
    async fn run(self) -> anyhow::Result<Ended> {
        let all = entries(&self.source.config).await?;
        let chosen: Vec<&Entry> = all.iter().filter(|entry| chosen(self.why, entry)).collect();
        for entry in &chosen {
            if self.json {
                say!("{}", as_json(entry))?;
            } else {
                out().write_all(listed(entry).as_bytes())?;
            }
        }
        if !self.json {
            let count = |why: Why| all.iter().filter(|entry| entry.why == why).count();
            say!(
                "{} of {} topics: {} unmatched, {} rejected, {} unregistered",
                chosen.len(),
                all.len(),
                count(Why::Unmatched),
                count(Why::Rejected),
                count(Why::Unregistered)
            )?;
        }
        Ok(Ended::Well)
    }
}

impl Show {
    async fn run(self) -> anyhow::Result<Ended> {
        let all = entries(&self.source.config).await?;
        let entry = find(&all, &self.topic)?;
        if self.json {
            say!("{}", as_json(entry))?;
        } else {
            out().write_all(shown(entry, &self.source.config).as_bytes())?;
        }
        Ok(Ended::Well)
    }
}

impl Export {
    async fn run(self) -> anyhow::Result<Ended> {
        let all = entries(&self.source.config).await?;
        let mut picked = Vec::new();
        for topic in &self.topics {
            picked.push(find(&all, topic)?);
        }
        if self.topics.is_empty() {
            picked.extend(all.iter().filter(|entry| chosen(self.why, entry)));
        }
        let lines: String = picked.iter().map(|entry| format!("{}\n", as_json(entry))).collect();
        match &self.out {
            None => out().write_all(lines.as_bytes())?,
            Some(path) => {
                let file = std::fs::File::create_new(path);
                let mut file = file.with_context(|| format!("{} cannot be made", path.display()))?;
                file.write_all(lines.as_bytes())?;
                say!("{} samples in {}", picked.len(), path.display())?;
            }
        }
        Ok(Ended::Well)
    }
}

fn chosen(why: Option<Only>, entry: &Entry) -> bool {
    why.is_none_or(|only| only.is(entry.why))
}

/// From the gateway that runs, or from what it left. The latest first.
pub(super) async fn entries(config: &Path) -> anyhow::Result<Vec<Entry>> {
    let place = Place::of(config)?;
    if place.is_running().await {
        let answer = place.post("/api/local/quarantine", &json!({})).await?;
        return serde_json::from_value(answer).context("the gateway answers in another format");
    }
    remark!("no gateway runs here: this is what the last one left in {}", place.data.display());
    left(&place.data)
}

/// What the last gateway left in its data directory. The latest first.
pub(super) fn left(data: &Path) -> anyhow::Result<Vec<Entry>> {
    let folder = data.join("views");
    let mut left =
        views::left_samples(&folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    left.sort_by(|a, b| b.last_at.cmp(&a.last_at).then_with(|| a.topic.cmp(&b.topic)));
    Ok(left)
}

fn find<'a>(all: &'a [Entry], topic: &str) -> anyhow::Result<&'a Entry> {
    let Some(found) = all.iter().find(|entry| entry.topic == topic) else {
        bail!("{topic:?} is not in the quarantine; `wanglou quarantine list` names the topics that are");
    };
    Ok(found)
}

/// Two lines and a half for a list.
fn listed(entry: &Entry) -> String {
    let sample = match entry.text() {
        Ok(text) => short(text),
        Err(hex) => format!("hex {}", short(&hex)),
    };
    format!(
        "{}\n  {} · {} messages, {} a minute, last {}\n  {}\n  {sample}\n",
        safe(&entry.topic),
        entry.why.name(),
        entry.count,
        entry.rate_per_min(),
        rfc3339_micros::format(entry.last_at),
        short(&entry.reason.text.en),
    )
}

fn shown(entry: &Entry, config: &Path) -> String {
    let (what, text) = match entry.text() {
        Ok(text) => ("text", text.to_owned()),
        Err(hex) => ("hex", hex),
    };
    let cut = if entry.is_cut() {
        format!(", of which the first {} are kept: not enough to try it out", entry.sample.len())
    } else {
        String::new()
    };
    let mut lines = format!(
        "topic    {}\nwhy      {}: {}\nheard    {} messages, {} a minute, first {}, last {}\n",
        safe(&entry.topic),
        entry.why.name(),
        safe(&entry.reason.text.en),
        entry.count,
        entry.rate_per_min(),
        rfc3339_micros::format(entry.first_at),
        rfc3339_micros::format(entry.last_at),
    );
    if let Some(profile) = &entry.profile {
        lines += &format!("profile  {profile}\n");
    }
    lines += &format!("payload  {} bytes{cut}; as {what}:\n{}\n", entry.bytes, safe(&text));
    lines + &format!("next     {}\n", next_step(entry, config))
}

/// What a property manager does now.
fn next_step(entry: &Entry, config: &Path) -> String {
    let config = config.display();
    match entry.why {
        Why::Unmatched => format!(
            "wanglou quarantine export --config {config} {} | wanglou profile suggest --sample -",
            quoted(&safe(&entry.topic))
        ),
        Why::Rejected => "look at the device: what it sends is not what its profile reads".to_owned(),
        Why::Unregistered => "add one line for it to devices.csv, then reload".to_owned(),
    }
}

/// A word of a shell's line.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/_-.:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// What a device says goes to a terminal: nothing in it may command that.
pub(super) fn safe(text: &str) -> String {
    let odd = |c: char| {
        (c.is_control() && c != '\n')
            || ('\u{202a}'..='\u{202e}').contains(&c)
            || ('\u{2066}'..='\u{2069}').contains(&c)
    };
    text.chars().map(|c| if odd(c) { '\u{fffd}' } else { c }).collect()
}

fn short(text: &str) -> String {
    let mut line: String = safe(text).replace('\n', " ");
    if let Some((end, _)) = line.char_indices().nth(LISTED_CHARS) {
        line.truncate(end);
        line.push('…');
    }
    line
}

/// A sample as one line: what `profile suggest --sample` reads.
fn as_json(entry: &Entry) -> Value {
    let mut line = json!({
        "topic": entry.topic,
        "why": entry.why.name(),
        "reason": entry.reason.text.en,
        "profile": entry.profile,
        "count": entry.count,
        "rate_per_min": entry.rate_per_min(),
        "first_at": rfc3339_micros::format(entry.first_at),
        "last_at": rfc3339_micros::format(entry.last_at),
        "bytes": entry.bytes,
        "cut": entry.is_cut(),
    });
    match std::str::from_utf8(&entry.sample) {
        Ok(text) => line["payload_text"] = text.into(),
        Err(_) => line["payload_base64"] = STANDARD.encode(&entry.sample).into(),
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use wanglou_model::{Reason, Timestamp};

    fn entry(topic: &str, sample: &[u8], bytes: u64) -> Entry {
        Entry {
            topic: topic.into(),
            why: Why::Unmatched,
            reason: Reason::new("unmatched", "", "no profile has this topic"),
            profile: None,
            count: 30,
            first_at: Timestamp::from_millis(1_772_413_200_000),
            last_at: Timestamp::from_millis(1_772_413_800_000),
            sample: sample.to_vec(),
            bytes,
        }
    }

    #[test]
    fn a_list_says_how_many_how_often_and_what() {
        let words = listed(&entry("acme/7/front", br#"{"open":1}"#, 10));
        assert_eq!(
            words,
            "acme/7/front\n  unmatched · 30 messages, 3 a minute, last 2026-03-02T01:10:00Z\n  no profile has this topic\n  {\"open\":1}\n"
        );
    }

    #[test]
    fn a_sample_is_exported_byte_for_byte_and_says_when_it_is_cut() {
        let line = as_json(&entry("t", b"\xff\x00", 2));
        assert_eq!((&line["payload_base64"], &line["cut"]), (&json!("/wA="), &json!(false)));
        let line = as_json(&entry("t", "{\"a\":\"中\"}".as_bytes(), 4000));
        assert_eq!((&line["payload_text"], &line["cut"]), (&json!("{\"a\":\"中\"}"), &json!(true)));
    }

    #[test]
    fn a_device_cannot_command_the_terminal_or_the_shell() {
        let words = shown(&entry("a\u{1b}[2J b'c", b"\x1b[31m{}\xe2\x80\xae", 9), Path::new("g.toml"));
        assert!(!words.contains('\u{1b}') && !words.contains('\u{202e}'), "{words}");
        assert!(words.contains(r"b'\''c'"), "{words}");
    }

    #[test]
    fn samples_are_text_where_they_are_and_digits_otherwise() {
        assert_eq!(entry("t", "中".as_bytes(), 3).text(), Ok("中"));
        assert_eq!(entry("t", &"a中".as_bytes()[..3], 4).text(), Ok("a"), "a cut character is left out");
        assert_eq!(entry("t", b"\xff\x01", 2).text(), Err("ff01".to_owned()));
    }
}
