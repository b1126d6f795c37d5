//! `people.toml`: names, telephone numbers, languages. Personal data: a file of its own, read at the edge,
//! never part of the registry that engine and journal see.
//!
//! Nothing here prints a name or a number: `Debug` counts, and faults name the key, not the value.

use crate::compound::{Language, read_language};
use crate::document::{Document, Node};
use crate::fault::{At, Faults};
use crate::folder::PEOPLE;
use crate::homes::Homes;
use crate::officers::Officers;
use crate::text::name_fault;
use std::collections::BTreeMap;
use std::fmt;
use wanglou_model::{OfficerId, PlaceId};

/// Names and ways to reach people: personal data.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct People {
    /// By officer's id.
    pub officers: BTreeMap<OfficerId, Person>,
    /// Residents of the homes that are watched, by the home's place.
    pub homes: BTreeMap<PlaceId, Person>,
}

/// One person.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// The name that screens show, such as 吴师傅.
    pub name: String,
    /// Digits only, with a leading `+` when written so.
    pub telephone: Option<String>,
    /// The language to speak to them in.
    pub language: Language,
    /// Name of a webhook of the gateway's configuration (a chat group, an SMS or voice gateway) that reaches
    /// them; never an address, which may hold a secret.
    pub webhook: Option<String>,
}

impl fmt::Debug for People {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "People {{ {} officers, {} homes }}", self.officers.len(), self.homes.len())
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Person { … }")
    }
}

/// What people are checked against; none of a file that could not be read.
#[derive(Clone, Copy)]
pub(crate) struct Known<'a> {
    pub(crate) officers: Option<&'a Officers>,
    pub(crate) homes: Option<&'a Homes>,
    /// The language of whoever has none of their own.
    pub(crate) language: Language,
}

/// People, and where each officer's webhook stands in the file.
#[derive(Default)]
pub(crate) struct Read {
    pub(crate) people: People,
    pub(crate) webhook_lines: BTreeMap<OfficerId, u32>,
}

pub(crate) fn read(text: &str, known: Known<'_>, faults: &mut Faults) -> Option<Read> {
    let document = Document::parse(PEOPLE, text, faults)?;
    let [officer, home] = document.root().only(&At::file(PEOPLE), ["officer", "home"], faults);
    let Read { mut people, mut webhook_lines } = Read::default();
    for entry in entries(officer, faults) {
        let id = match known.officers {
            Some(officers) => officers.find(entry.key, &entry.at, faults).map(|(id, _)| id),
            None => OfficerId::parse(entry.key).ok(),
        };
        let person = read_person(&entry, known.language, faults);
        let Some((id, (person, webhook_line))) = id.zip(person) else { continue };
        webhook_lines.extend(webhook_line.map(|line| (id.clone(), line)));
        people.officers.insert(id, person);
    }
    for entry in entries(home, faults) {
        let id = home_id(&entry, known.homes, faults);
        let person = read_person(&entry, known.language, faults);
        people.homes.extend(id.zip(person.map(|(person, _)| person)));
    }
    Some(Read { people, webhook_lines })
}

fn entries<'d>(node: Option<Node<'d>>, faults: &mut Faults) -> Vec<Node<'d>> {
    let table = node.as_ref().and_then(|node| node.table(faults));
    table.zip(node).map(|(table, node)| table.entries(&node.at)).unwrap_or_default()
}

fn home_id(entry: &Node<'_>, homes: Option<&Homes>, faults: &mut Faults) -> Option<PlaceId> {
    let Some(homes) = homes else { return PlaceId::parse(entry.key).ok() };
    let found = homes.homes.get_key_value(entry.key).map(|(id, _)| id.clone());
    if found.is_none() {
        faults.unknown(&entry.at, "home", entry.key, homes.homes.keys().map(PlaceId::as_str));
    }
    found
}

/// A person, and the line of their webhook.
fn read_person(entry: &Node<'_>, language: Language, faults: &mut Faults) -> Option<(Person, Option<u32>)> {
    let keys = ["name", "telephone", "language", "webhook"];
    let [name, telephone, own, webhook] = entry.table(faults)?.only(&entry.at, keys, faults);
    if name.is_none() {
        faults.error(&entry.at, "lacks the key name; write what screens shall show, such as \"王师傅\"");
    }
    let name = name.and_then(|node| read_name(&node, faults));
    let telephone = telephone.and_then(|node| read_telephone(&node, faults));
    let language = own.and_then(|node| read_language(&node, faults)).unwrap_or(language);
    let webhook_line = webhook.as_ref().and_then(|node| node.at.line);
    let webhook = webhook.and_then(|node| read_webhook(&node, faults));
    Some((Person { name: name?, telephone, language, webhook }, webhook_line))
}

fn read_name(node: &Node<'_>, faults: &mut Faults) -> Option<String> {
    let text = node.text(faults)?;
    let wrong = if text.is_empty() { Some("is empty".to_owned()) } else { name_fault(text) };
    match wrong {
        Some(message) => {
            faults.error(&node.at, message);
            None
        }
        None => Some(text.to_owned()),
    }
}

/// 3 to 15 digits (ITU-T E.164 has at most 15; short numbers inside a compound have 3), blanks and hyphens
/// between them, `+` before them.
fn read_telephone(node: &Node<'_>, faults: &mut Faults) -> Option<String> {
    let text = node.text(faults)?;
    let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')')).collect();
    let number = digits.strip_prefix('+').unwrap_or(&digits);
    if !(3..=15).contains(&number.len()) || !number.bytes().all(|b| b.is_ascii_digit()) {
        faults.error(
            &node.at,
            "must be a telephone number of 3 to 15 digits, in quotes, such as \"+86 10 0000 0000\"",
        );
        return None;
    }
    Some(digits)
}

fn read_webhook(node: &Node<'_>, faults: &mut Faults) -> Option<String> {
    let text = node.text(faults)?;
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if text.is_empty() || text.len() > 40 || !text.bytes().all(plain) {
        let message = "must be the name of a webhook of the gateway's configuration, such as \"duty-group\", \
                       never an address: lower-case letters, digits and hyphens";
        faults.error(&node.at, message);
        return None;
    }
    Some(text.to_owned())
}
