//! What is known of each device, by its number in the registry: with every message one look into a plain list.

use crate::few::Few;
use crate::senses::DeviceSeen;
use crate::table::Table;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::Arc;
use wanglou_model::{DeviceId, Site};

/// The devices of a configuration, numbered in the order of their ids.
#[derive(Debug, Default)]
pub(crate) struct DeviceList {
    ids: Vec<DeviceId>,
    numbers: Table<DeviceId, u32>,
}

impl DeviceList {
    pub(crate) fn of(site: &Site) -> Self {
        let ids: Vec<DeviceId> = site.devices.keys().cloned().collect();
        let mut numbers = Table::default();
        for (number, id) in (0..).zip(&ids) {
            numbers.insert(id.clone(), number);
        }
        Self { ids, numbers }
    }

    pub(crate) fn number(&self, id: &DeviceId) -> Option<u32> {
        self.numbers.get(id).copied()
    }
}

/// What is known of each; nothing is known of one that is as by default.
#[derive(Debug, Clone, Default)]
pub(crate) struct DevicesSeen {
    list: Arc<DeviceList>,
    seen: Vec<DeviceSeen>,
    /// Of those that the list does not have: before there is one, and after a device was taken out of it.
    others: Few<DeviceId, DeviceSeen>,
}

impl DevicesSeen {
    /// From now on the devices are numbered so.
    pub(crate) fn number_by(&mut self, list: &Arc<DeviceList>) {
        if Arc::ptr_eq(&self.list, list) {
            return;
        }
        // Both are in the order of the ids, so one walk along both finds everybody's number.
        let known: Vec<_> = self.sorted().into_iter().map(|(id, seen)| (id.clone(), *seen)).collect();
        let mut numbers = list.ids.iter().enumerate().peekable();
        let mut seen = vec![DeviceSeen::default(); list.ids.len()];
        let mut others = Vec::new();
        for (id, known) in known {
            while numbers.next_if(|(_, listed)| **listed < id).is_some() {}
            match numbers.next_if(|(_, listed)| **listed == id) {
                Some((number, _)) => seen[number] = known,
                None => others.push((id, known)),
            }
        }
        *self = Self { list: Arc::clone(list), seen, others: Few::of_sorted(others) };
    }

    pub(crate) fn get(&self, id: &DeviceId) -> Option<&DeviceSeen> {
        let seen = match self.list.number(id) {
            Some(number) => self.seen.get(number as usize),
            None => self.others.get(id),
        };
        seen.filter(|seen| **seen != DeviceSeen::default())
    }

    pub(crate) fn entry(&mut self, id: &DeviceId) -> &mut DeviceSeen {
        match self.list.number(id) {
            Some(number) => &mut self.seen[number as usize],
            None => self.others.entry(id),
        }
    }

    /// The one with a number of the list.
    pub(crate) fn numbered(&mut self, number: u32) -> &mut DeviceSeen {
        &mut self.seen[number as usize]
    }

    /// Everything that is known, in the order of the ids.
    pub(crate) fn sorted(&self) -> Vec<(&DeviceId, &DeviceSeen)> {
        let mut all: Vec<_> = self.list.ids.iter().zip(&self.seen).chain(self.others.iter()).collect();
        all.retain(|(_, seen)| **seen != DeviceSeen::default());
        if !self.others.is_empty() {
            all.sort_unstable_by_key(|(id, _)| *id);
        }
        all
    }
}

impl Serialize for DevicesSeen {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.sorted())
    }
}

/// Reads what is known; the list comes with the configuration.
impl<'de> Deserialize<'de> for DevicesSeen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self { others: Few::deserialize(deserializer)?, ..Self::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wanglou_model::Timestamp;

    fn id(name: &str) -> DeviceId {
        DeviceId::parse(name).expect("an id")
    }

    fn list(names: &[&str]) -> Arc<DeviceList> {
        let ids: Vec<DeviceId> = names.iter().map(|name| id(name)).collect();
        let mut list = DeviceList { ids: ids.clone(), numbers: Table::default() };
        for (number, id) in (0..).zip(ids) {
            list.numbers.insert(id, number);
        }
        Arc::new(list)
    }

    #[test]
    fn what_is_known_stays_with_its_device_whatever_its_number() {
        let mut devices = DevicesSeen::default();
        for (name, at) in [("b", 2), ("d", 4), ("a", 1)] {
            devices.entry(&id(name)).heard = Some(Timestamp(at));
        }
        let text = serde_json::to_string(&devices).expect("json");
        for names in [&["a", "b", "c", "d"][..], &["b", "c"], &[], &["0", "a", "d", "e"]] {
            devices.number_by(&list(names));
            let heard = ["a", "b", "c", "d"].map(|name| devices.get(&id(name)).and_then(|seen| seen.heard));
            assert_eq!(heard, [Some(Timestamp(1)), Some(Timestamp(2)), None, Some(Timestamp(4))]);
            assert_eq!(serde_json::to_string(&devices).expect("json"), text);
        }
        let read: DevicesSeen = serde_json::from_str(&text).expect("reads");
        assert_eq!(read.sorted(), devices.sorted());
        devices.numbered(3).heard = Some(Timestamp(9));
        assert_eq!(devices.get(&id("e")).and_then(|seen| seen.heard), Some(Timestamp(9)));
    }
}
