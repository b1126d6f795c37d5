//! What decoding remembers from one message to the next: nothing, but for formats whose messages cannot be read
//! without an earlier one. The caller owns it, hands it to every call in the order of the messages, and keeps it
//! with its snapshot; the same messages in the same order give the same state.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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

/// A metric as its birth described it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Metric {
    pub(crate) name: String,
    pub(crate) datatype: u32,
}

impl DecodeState {
    /// Nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.births.is_empty()
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
