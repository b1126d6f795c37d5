//! A map of a few entries: one allocation of just their size, where a tree's first node has room for eleven.

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;

/// Sorted by key; written as a map.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Few<K, V>(Vec<(K, V)>);

impl<K, V> Default for Few<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Ord + Clone, V> Few<K, V> {
    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.0.iter_mut().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    /// The value of a key, made where there is none.
    pub(crate) fn entry(&mut self, key: &K) -> &mut V
    where
        V: Default,
    {
        let index = match self.0.iter().position(|(known, _)| known == key) {
            Some(index) => index,
            None => {
                let index = self.0.partition_point(|(known, _)| known < key);
                self.0.reserve_exact(1);
                self.0.insert(index, (key.clone(), V::default()));
                index
            }
        };
        &mut self.0[index].1
    }

    /// These entries, which are sorted by their keys, each once.
    pub(crate) fn of_sorted(entries: Vec<(K, V)>) -> Self {
        Self(entries)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.0.iter_mut().map(|(_, value)| value)
    }

    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        self.0.retain_mut(|(key, value)| keep(key, value));
    }
}

impl<K: Serialize, V: Serialize> Serialize for Few<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>> Deserialize<'de> for Few<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<K, V>(PhantomData<(K, V)>);
        impl<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>> Visitor<'de> for Entries<K, V> {
            type Value = Vec<(K, V)>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(entries)
            }
        }
        let mut entries = deserializer.deserialize_map(Entries::<K, V>(PhantomData))?;
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        entries.shrink_to_fit();
        Ok(Self(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_same_map_in_whatever_order_it_was_filled_and_read() {
        let (mut up, mut down) = (Few::default(), Few::default());
        for n in 0..5_u32 {
            *up.entry(&n) = n * n;
            *down.entry(&(4 - n)) = (4 - n) * (4 - n);
        }
        assert_eq!(up, down);
        assert_eq!(serde_json::to_string(&up).expect("json"), r#"{"0":0,"1":1,"2":4,"3":9,"4":16}"#);
        let shuffled: Few<u32, u32> =
            serde_json::from_str(r#"{"3":9,"0":0,"4":16,"2":4,"1":1}"#).expect("a map");
        assert_eq!(shuffled, up);
        up.retain(|key, _| key % 2 == 0);
        assert_eq!((up.get(&3), up.get(&4), up.is_empty()), (None, Some(&16), false));
    }
}
