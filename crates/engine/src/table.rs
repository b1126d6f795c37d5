//! A map for the path that every message takes: one hash instead of eleven comparisons of ids. Its order is
//! nobody's business: it is written sorted, and cannot be iterated otherwise.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// Keys of a compound's registry: nobody outside chooses them, so a fixed seed is safe, and runs are the same.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Table<K: Eq + Hash, V>(HashMap<K, V, foldhash::quality::FixedState>);

impl<K: Eq + Hash, V> Default for Table<K, V> {
    fn default() -> Self {
        Self(HashMap::with_hasher(foldhash::quality::FixedState::default()))
    }
}

impl<K: Eq + Hash + Ord + Clone, V> Table<K, V> {
    pub(crate) fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.0.get(key)
    }

    pub(crate) fn get_mut<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.0.get_mut(key)
    }

    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.0.insert(key, value)
    }

    pub(crate) fn remove<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.0.remove(key)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The value of a key, made where there is none.
    pub(crate) fn entry(&mut self, key: &K) -> &mut V
    where
        V: Default,
    {
        self.0.entry(key.clone()).or_default()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keeps what `keep` says, asked in the order of the keys.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        let mut gone = Vec::new();
        self.each_mut(|key, value| {
            if !keep(key, value) {
                gone.push(key.clone());
            }
        });
        for key in gone {
            self.0.remove(&key);
        }
    }

    /// Everything, in the order of the keys.
    pub(crate) fn sorted(&self) -> Vec<(&K, &V)> {
        #[expect(clippy::disallowed_methods, reason = "sorted at once")]
        let mut all: Vec<_> = self.0.iter().collect();
        all.sort_unstable_by(|a, b| a.0.cmp(b.0));
        all
    }

    /// Calls `each` with everything, in the order of the keys.
    pub(crate) fn each_mut(&mut self, mut each: impl FnMut(&K, &mut V)) {
        let mut all: Vec<_> = self.0.iter_mut().collect();
        all.sort_unstable_by(|a, b| a.0.cmp(b.0));
        for (key, value) in all {
            each(key, value);
        }
    }
}

impl<K: Eq + Hash + Ord + Clone + Serialize, V: Serialize> Serialize for Table<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.sorted())
    }
}

impl<'de, K: Eq + Hash + Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for Table<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        HashMap::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_in_the_order_of_its_keys_whatever_the_order_of_insertion() {
        let (mut up, mut down) = (Table::default(), Table::default());
        for n in 0..100 {
            up.insert(n, n * n);
            down.insert(99 - n, (99 - n) * (99 - n));
        }
        let text = serde_json::to_string(&up).expect("json");
        assert!(text.starts_with(r#"{"0":0,"1":1,"2":4"#), "{text}");
        assert_eq!(text, serde_json::to_string(&down).expect("json"));
        assert_eq!(serde_json::from_str::<Table<u32, u32>>(&text).expect("a table"), up);
    }
}
