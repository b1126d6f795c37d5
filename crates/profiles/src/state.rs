//! What decoding remembers from one message to the next: nothing, but for formats whose messages cannot be read
//! without an earlier one, and for profiles that pair an end with its beginning. The caller owns it, hands it to every call in the order of the messages, and keeps it
//! with its snapshot; the same messages in the same order give the same state.

use crate::limits::{DEVICE_BYTES_MAX, PAIR_BYTES_MAX, PAIRS_MAX};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Edge nodes whose births are remembered; the one unheard for longest goes.
pub(crate) const NODES_MAX: usize = 256;
/// Aliases of one edge node and its devices; of more the message is refused.
pub(crate) const ALIASES_MAX: usize = 1024;
/// Names of all aliases of one edge node together, in bytes.
pub(crate) const ALIAS_BYTES_MAX: usize = 64 << 10;

/// What earlier messages told that later ones need.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DecodeState {
    /// Sparkplug B: births by `group/node`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) births: BTreeMap<String, Births>,
    /// What beginnings named, by profile and pair.
    #[serde(default, skip_serializing_if = "Pairs::is_empty")]
    pub(crate) pairs: Pairs,
    /// Counts what was heard, to know who is unheard for longest.
    #[serde(default)]
    heard: u64,
}

/// What the births of an edge node and of its devices said.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Births {
    /// The number of this birth, which its death repeats.
    #[serde(default)]
    pub(crate) bd_seq: Option<u64>,
    /// Aliases to names and types.
    #[serde(default)]
    pub(crate) aliases: BTreeMap<u64, Metric>,
    #[serde(default)]
    bytes: usize,
    #[serde(default)]
    heard: u64,
}

/// What beginnings named that their ends may leave out.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Pairs {
    known: BTreeMap<String, Named>,
    /// In the order in which they began.
    order: VecDeque<String>,
}

/// What was named: the device, and texts by kind and field.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Named {
    pub(crate) device: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    texts: BTreeMap<String, String>,
}

impl Named {
    /// What a field of a kind was called.
    pub(crate) fn text(&self, kind: &str, field: &str) -> Option<&str> {
        self.texts.get(&format!("{kind}.{field}")).map(String::as_str)
    }
}

impl Pairs {
    fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    fn key(profile: &str, pair: &str) -> String {
        format!("{profile}/{pair}")
    }

    /// What an earlier message with this pair named.
    pub(crate) fn get(&self, profile: &str, pair: &str) -> Option<&Named> {
        self.known.get(&Self::key(profile, pair))
    }

    /// Remembers what a message named, beside what earlier ones of the pair did. Texts that are too long together
    /// are left out, and so is a pair that is.
    pub(crate) fn remember(
        &mut self,
        profile: &str,
        pair: &str,
        device: &str,
        kind: &str,
        texts: &[(&str, String)],
    ) {
        if pair.len() > DEVICE_BYTES_MAX {
            return;
        }
        let key = Self::key(profile, pair);
        if !self.known.contains_key(&key) {
            if self.order.len() >= PAIRS_MAX
                && let Some(first) = self.order.pop_front()
            {
                self.known.remove(&first);
            }
            self.order.push_back(key.clone());
        }
        let named = self.known.entry(key).or_default();
        device.clone_into(&mut named.device);
        for (field, text) in texts {
            let field = format!("{kind}.{field}");
            let others = named.texts.iter().filter(|(known, _)| **known != field);
            let bytes: usize = others.map(|(known, text)| known.len() + text.len()).sum();
            if bytes + field.len() + text.len() <= PAIR_BYTES_MAX {
                named.texts.insert(field, text.clone());
            }
        }
    }
}

/// A metric as its birth described it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Metric {
    pub(crate) name: String,
    pub(crate) datatype: u32,
}

impl DecodeState {
    /// Nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.births.is_empty() && self.pairs.is_empty()
    }

    /// Was a birth of the edge node, or of one of its devices, heard?
    pub(crate) fn knows(&self, node: &str) -> bool {
        self.births.contains_key(node)
    }

    /// The births of an edge node that is heard now.
    pub(crate) fn births_of(&mut self, node: &str) -> Option<&mut Births> {
        self.heard += 1;
        let births = self.births.get_mut(node)?;
        births.heard = self.heard;
        Some(births)
    }

    /// An edge node is born: what it said before is forgotten.
    pub(crate) fn born(&mut self, node: &str) -> &mut Births {
        self.heard += 1;
        if self.births.len() >= NODES_MAX && !self.births.contains_key(node) {
            let oldest = self.births.iter().min_by_key(|(_, births)| births.heard);
            if let Some(oldest) = oldest.map(|(node, _)| node.clone()) {
                self.births.remove(&oldest);
            }
        }
        let births = self.births.entry(node.to_owned()).or_default();
        *births = Births { heard: self.heard, ..Births::default() };
        births
    }
}

impl Births {
    /// Remembers an alias.
    ///
    /// # Errors
    /// When the edge node has too many of them.
    pub(crate) fn remember(&mut self, alias: u64, name: &str, datatype: u32) -> Result<(), String> {
        let known = self.aliases.get(&alias).map(|metric| metric.name.len());
        let bytes = self.bytes - known.unwrap_or(0) + name.len();
        if bytes > ALIAS_BYTES_MAX || (known.is_none() && self.aliases.len() >= ALIASES_MAX) {
            return Err(format!(
                "more than {ALIASES_MAX} aliases of one edge node, or more than {ALIAS_BYTES_MAX} bytes of names"
            ));
        }
        self.bytes = bytes;
        self.aliases.insert(alias, Metric { name: name.to_owned(), datatype });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_the_limit_the_edge_node_unheard_for_longest_is_forgotten() {
        let mut state = DecodeState::default();
        for n in 0..NODES_MAX {
            state.born(&format!("g/{n}"));
        }
        assert!(state.births_of("g/0").is_some(), "heard again");
        state.born("g/new");
        assert!(state.knows("g/0") && state.knows("g/new") && !state.knows("g/1"));
        assert_eq!(state.births.len(), NODES_MAX);
    }

    #[test]
    fn at_the_limit_the_pair_that_began_first_is_forgotten() {
        let mut pairs = Pairs::default();
        let text = |text: &str| [("zone", text.to_owned())];
        for n in 0..PAIRS_MAX {
            pairs.remember("p", &n.to_string(), "cam", "object", &text("east"));
        }
        pairs.remember("p", "0", "cam", "object", &text("west"));
        pairs.remember("p", "new", "cam", "object", &text("x"));
        assert_eq!(pairs.get("p", "0"), None, "also if it was heard again");
        assert_eq!(pairs.get("p", "1").and_then(|named| named.text("object", "zone")), Some("east"));
        assert_eq!((pairs.known.len(), pairs.order.len()), (PAIRS_MAX, PAIRS_MAX));
        pairs.remember("p", "new", "cam", "object", &text(&"x".repeat(PAIR_BYTES_MAX)));
        assert_eq!(pairs.get("p", "new").and_then(|named| named.text("object", "zone")), Some("x"));
        pairs.remember("p", &"k".repeat(DEVICE_BYTES_MAX + 1), "cam", "object", &[]);
        assert_eq!(pairs.known.len(), PAIRS_MAX, "too long a pair is none");
    }

    #[test]
    fn one_edge_node_cannot_have_more_aliases_or_longer_names_than_allowed() {
        let mut state = DecodeState::default();
        let births = state.born("g/n");
        for alias in 0..ALIASES_MAX as u64 {
            births.remember(alias, "x", 1).expect("room");
        }
        assert!(births.remember(u64::MAX, "x", 1).is_err());
        births.remember(0, "again", 1).expect("the same alias takes no room");
        assert!(births.remember(0, &"x".repeat(ALIAS_BYTES_MAX), 1).is_err());
    }
}
