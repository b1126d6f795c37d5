//! JSON Pointers (RFC 6901), many of them laid together as one tree.

use crate::limits::KEYS_PER_OBJECT_MAX;

/// A parsed JSON Pointer: its reference tokens, unescaped. No tokens: the whole body.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Pointer(pub(crate) Vec<String>);

impl Pointer {
    /// Parses `""`, `/contact`, `/rxInfo/0/rssi`, with `~0` for `~` and `~1` for `/`.
    ///
    /// # Errors
    /// Words for the author of the file.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let Some(rest) = text.strip_prefix('/') else {
            return Err(format!("the pointer {text:?} must begin with a slash, such as \"/contact\""));
        };
        let tokens = rest.split('/').map(unescape_token).collect::<Result<Vec<_>, _>>()?;
        if tokens.len() > 16 {
            return Err(format!("the pointer {text:?} has more than 16 steps"));
        }
        Ok(Self(tokens))
    }
}

fn unescape_token(token: &str) -> Result<String, String> {
    let mut out = String::with_capacity(token.len());
    let mut chars = token.chars();
    while let Some(c) = chars.next() {
        match (c, c == '~') {
            (_, false) => out.push(c),
            (_, true) => match chars.next() {
                Some('0') => out.push('~'),
                Some('1') => out.push('/'),
                Some(_) | None => return Err(format!("in {token:?} write ~0 for ~ and ~1 for /")),
            },
        }
    }
    Ok(out)
}

/// One step of a [`Trie`].
#[derive(Debug, Clone, Default)]
pub(crate) struct Node {
    /// Where the value that stands here is put.
    pub(crate) slot: Option<u16>,
    /// Keys of an object that lead on, sorted by length, then text.
    keys: Vec<Key>,
    /// `keys[by_len[n]..by_len[n + 1]]` are those of length n.
    by_len: Vec<u8>,
    /// Positions of an array that lead on, ascending.
    indices: Vec<(u32, u16)>,
    /// Any other key in this object is an error.
    pub(crate) closed: bool,
}

/// A key of an object that leads on.
#[derive(Debug, Clone)]
struct Key {
    /// Its first eight bytes, see [`head`].
    head: u64,
    text: Box<str>,
    next: u16,
}

/// The first eight bytes of a key as a number, a shorter one filled up with zeros: most keys are told apart, and
/// short ones recognised, by comparing two numbers.
#[inline]
fn head(key: &[u8]) -> u64 {
    match key.first_chunk::<8>() {
        Some(chunk) => u64::from_le_bytes(*chunk),
        None => key.iter().rev().fold(0, |head, byte| (head << 8) | u64::from(*byte)),
    }
}

impl Node {
    pub(crate) fn has_keys(&self) -> bool {
        !self.keys.is_empty() || self.closed
    }

    pub(crate) fn has_indices(&self) -> bool {
        !self.indices.is_empty()
    }

    /// The step behind a key, with the key's number in this object.
    #[inline]
    pub(crate) fn key(&self, key: &str) -> Option<(usize, u16)> {
        let from = usize::from(*self.by_len.get(key.len())?);
        let until = usize::from(*self.by_len.get(key.len() + 1)?);
        let same_length = self.keys.get(from..until)?;
        if same_length.is_empty() {
            return None;
        }
        let head = head(key.as_bytes());
        let same = |known: &Key| known.head == head && (key.len() <= 8 || *known.text == *key);
        let found = same_length.iter().position(same)?;
        Some((from + found, same_length[found].next))
    }

    /// The step behind a position of an array.
    #[inline]
    pub(crate) fn index(&self, index: u32) -> Option<u16> {
        self.indices.iter().find(|(known, _)| *known == index).map(|(_, next)| *next)
    }

    fn seal(&mut self) {
        self.keys.sort_by(|a, b| (a.text.len(), &a.text).cmp(&(b.text.len(), &b.text)));
        self.indices.sort_unstable();
        let longest = self.keys.last().map_or(0, |key| key.text.len());
        if self.keys.is_empty() {
            return;
        }
        let shorter = |n: usize| self.keys.iter().filter(|key| key.text.len() < n).count();
        // KEYS_PER_OBJECT_MAX keeps the count within a byte.
        self.by_len = (0..=longest + 1).map(|n| u8::try_from(shorter(n)).unwrap_or(u8::MAX)).collect();
    }
}

/// Pointers as a tree of steps; node 0 is the whole body.
#[derive(Debug, Clone)]
pub(crate) struct Trie {
    nodes: Vec<Node>,
    slots: u16,
}

impl Default for Trie {
    fn default() -> Self {
        Self { nodes: vec![Node::default()], slots: 0 }
    }
}

impl Trie {
    /// How many slots a scan fills.
    pub(crate) fn slots(&self) -> usize {
        usize::from(self.slots)
    }

    /// The slot of a pointer, the same one whenever it is asked for.
    ///
    /// # Errors
    /// Words for the author when one object would be read by too many keys.
    pub(crate) fn slot(&mut self, pointer: &Pointer) -> Result<u16, String> {
        let mut at = 0_u16;
        for token in &pointer.0 {
            at = self.step(at, token)?;
        }
        let node = &mut self.nodes[usize::from(at)];
        if let Some(slot) = node.slot {
            return Ok(slot);
        }
        let slot = self.slots;
        node.slot = Some(slot);
        self.slots = slot.checked_add(1).ok_or("too many pointers in one message")?;
        Ok(slot)
    }

    /// A slot that no pointer leads to, for what its owner puts there.
    ///
    /// # Errors
    /// Words for the author when there are too many slots.
    pub(crate) fn spare_slot(&mut self) -> Result<u16, String> {
        let slot = self.slots;
        self.slots = slot.checked_add(1).ok_or("too many pointers in one message")?;
        Ok(slot)
    }

    /// Makes any other key in the object at `pointer` an error. The pointer must lead somewhere already.
    pub(crate) fn close(&mut self) {
        self.nodes[0].closed = true;
    }

    fn step(&mut self, at: u16, token: &str) -> Result<u16, String> {
        let node = &self.nodes[usize::from(at)];
        if let Some(key) = node.keys.iter().find(|key| &*key.text == token) {
            return Ok(key.next);
        }
        if node.keys.len() >= KEYS_PER_OBJECT_MAX {
            return Err(format!("more than {KEYS_PER_OBJECT_MAX} keys of one object are read"));
        }
        let next = u16::try_from(self.nodes.len()).map_err(|_| "too many pointers in one message")?;
        let node = &mut self.nodes[usize::from(at)];
        node.keys.push(Key { head: head(token.as_bytes()), text: token.into(), next });
        if let Ok(index) = token.parse::<u32>() {
            node.indices.push((index, next));
        }
        self.nodes.push(Node::default());
        Ok(next)
    }

    /// Makes it ready for scanning.
    pub(crate) fn seal(&mut self) {
        self.nodes.iter_mut().for_each(Node::seal);
    }

    #[inline]
    pub(crate) fn node(&self, at: u16) -> &Node {
        &self.nodes[usize::from(at)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_parsed_as_rfc_6901_says() {
        let steps = |text: &str| Pointer::parse(text).map(|pointer| pointer.0);
        assert_eq!(steps(""), Ok(vec![]));
        assert_eq!(steps("/a/0/b~1c~0d"), Ok(vec!["a".into(), "0".into(), "b/c~d".into()]));
        assert_eq!(steps("/"), Ok(vec![String::new()]));
        assert!(steps("contact").is_err());
        assert!(steps("/a~2").is_err());
    }

    #[test]
    fn the_same_pointer_has_the_same_slot_and_unknown_keys_lead_nowhere() {
        let mut trie = Trie::default();
        let mut slot = |text: &str| trie.slot(&Pointer::parse(text).expect("valid")).expect("room");
        let first = slot("/a/b");
        assert_eq!(slot("/a/b"), first);
        assert_ne!(slot("/a"), first);
        trie.seal();
        let root = trie.node(0);
        let (_, next) = root.key("a").expect("known");
        assert!(trie.node(next).key("b").is_some());
        for unknown in ["", "b", "aa", "averyveryverylongkey"] {
            assert_eq!(root.key(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn keys_that_begin_alike_are_told_apart() {
        let mut trie = Trie::default();
        let names = ["contact", "contact1", "contact12", "contact13", "contact\0", "contac\0", "", "\0"];
        let slots: Vec<u16> =
            names.iter().map(|name| trie.slot(&Pointer(vec![(*name).to_owned()])).expect("room")).collect();
        trie.seal();
        for (name, slot) in names.iter().zip(slots) {
            let (_, next) = trie.node(0).key(name).expect("known");
            assert_eq!(trie.node(next).slot, Some(slot), "{name:?}");
        }
        assert_eq!(trie.node(0).key("contact14"), None);
        assert_eq!(trie.node(0).key("\0\0"), None);
    }
}
