//! `site.toml`: the compound itself.

use crate::document::{Document, Node};
use crate::fault::{At, Faults};
use crate::folder::SITE;
use crate::text::{id, name_text};
use serde::Serialize;
use std::collections::BTreeMap;
use wanglou_model::{GridId, SiteId, Text};

/// A language of the screens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// Simplified Chinese.
    #[default]
    Zh,
    /// English.
    En,
}

/// What `site.toml` says; parts that it says wrongly are missing.
pub(crate) struct Head {
    pub(crate) id: Option<SiteId>,
    pub(crate) name: Option<Text>,
    pub(crate) zone: Option<String>,
    pub(crate) language: Language,
    pub(crate) grids: BTreeMap<GridId, Text>,
}

pub(crate) fn read(text: &str, faults: &mut Faults) -> Option<Head> {
    let document = Document::parse(SITE, text, faults)?;
    let at = At::file(SITE);
    let keys = ["id", "name", "zone", "language", "grid"];
    let [id_node, name, zone, language, grids] = document.root().only(&at, keys, faults);
    Some(Head {
        id: required(id_node, "id", "demo", faults).and_then(|node| site_id(&node, faults)),
        name: required(name, "name", "Our compound", faults).and_then(|node| read_name(&node, faults)),
        zone: required(zone, "zone", "Asia/Shanghai", faults).and_then(|node| read_zone(&node, faults)),
        language: language.and_then(|node| read_language(&node, faults)).unwrap_or_default(),
        grids: grids.map(|node| read_grids(&node, faults)).unwrap_or_default(),
    })
}

fn required<'d>(node: Option<Node<'d>>, key: &str, example: &str, faults: &mut Faults) -> Option<Node<'d>> {
    if node.is_none() {
        faults.error(&At::key(SITE, key, None), format!("is missing; write {key} = {example:?}, say"));
    }
    node
}

/// A site's id is part of topics and file names: lower-case letters, digits, hyphens.
fn site_id(node: &Node<'_>, faults: &mut Faults) -> Option<SiteId> {
    let text = node.text(faults)?;
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if !text.bytes().all(plain) {
        faults.error(&node.at, "must be lower-case letters, digits and hyphens, such as \"west-lake-2\"");
        return None;
    }
    id(SiteId::parse, text, &node.at, faults)
}

/// `"one name"` for both languages, or `{ zh = "…", en = "…" }`.
fn read_name(node: &Node<'_>, faults: &mut Faults) -> Option<Text> {
    if !node.is_table() {
        let text = node.text(faults)?;
        return name_text(text, "", &node.at, faults);
    }
    let [zh, en] = node.table(faults)?.only(&node.at, ["zh", "en"], faults);
    let mut text =
        |part: Option<Node<'_>>| part.and_then(|part| part.text(faults)).unwrap_or_default().to_owned();
    let (zh, en) = (text(zh), text(en));
    name_text(&zh, &en, &node.at, faults)
}

fn read_zone(node: &Node<'_>, faults: &mut Faults) -> Option<String> {
    let text = node.text(faults)?;
    let zones = jiff::tz::TimeZoneDatabase::bundled();
    match zones.get(text) {
        Ok(zone) => Some(zone.iana_name().unwrap_or(text).to_owned()),
        Err(_) => {
            let names: Vec<String> = zones.available().map(|name| name.to_string()).collect();
            faults.unknown(&node.at, "time zone", text, names.iter().map(String::as_str));
            None
        }
    }
}

/// `"zh"` or `"en"`.
pub(crate) fn read_language(node: &Node<'_>, faults: &mut Faults) -> Option<Language> {
    match node.text(faults)? {
        "zh" | "zh-CN" => Some(Language::Zh),
        "en" => Some(Language::En),
        _ => {
            faults.error(&node.at, "must be \"zh\" or \"en\"");
            None
        }
    }
}

fn read_grids(node: &Node<'_>, faults: &mut Faults) -> BTreeMap<GridId, Text> {
    let Some(table) = node.table(faults) else { return BTreeMap::new() };
    let entries = table.entries(&node.at);
    let mut grid = |entry: &Node<'_>| {
        let name = read_name(entry, faults);
        Some((id(GridId::parse, entry.key, &entry.at, faults)?, name.unwrap_or_default()))
    };
    entries.iter().filter_map(&mut grid).collect()
}
