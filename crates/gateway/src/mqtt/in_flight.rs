//! Batches that the writer holds, and the packet identifiers to acknowledge when it has them on disk. Part of one
//! connection; gone with it.

use std::collections::VecDeque;

/// The batches of one connection that are handed over and not yet durable, oldest first.
#[derive(Debug)]
pub(super) struct InFlight {
    batches: VecDeque<Held>,
    bytes: usize,
    batches_max: usize,
    bytes_max: usize,
}

#[derive(Debug)]
struct Held {
    bytes: usize,
    packet_ids: Vec<u16>,
}

impl InFlight {
    pub(super) fn new(batches_max: usize, bytes_max: usize) -> InFlight {
        InFlight { batches: VecDeque::new(), bytes: 0, batches_max, bytes_max }
    }

    /// A batch goes to the writer.
    pub(super) fn push(&mut self, bytes: usize, packet_ids: Vec<u16>) {
        self.bytes += bytes;
        self.batches.push_back(Held { bytes, packet_ids });
    }

    /// A packet that the writer never sees (a marker, a rejected message) is acknowledged in its turn: behind
    /// the newest batch, or at once if there is none. Returns whether at once.
    pub(super) fn trail(&mut self, packet_id: u16) -> bool {
        match self.batches.back_mut() {
            Some(newest) => newest.packet_ids.push(packet_id),
            None => return true,
        }
        false
    }

    /// The oldest batches are durable: what to acknowledge, in receive order. `None` if so many are not here.
    pub(super) fn durable(&mut self, batches: usize) -> Option<impl Iterator<Item = u16>> {
        if batches > self.batches.len() {
            return None;
        }
        let done: Vec<Held> = self.batches.drain(..batches).collect();
        self.bytes -= done.iter().map(|held| held.bytes).sum::<usize>();
        Some(done.into_iter().flat_map(|held| held.packet_ids))
    }

    pub(super) fn has_room(&self) -> bool {
        self.batches.len() < self.batches_max && self.bytes < self.bytes_max
    }

    pub(super) fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    pub(super) fn batches(&self) -> usize {
        self.batches.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn durable(in_flight: &mut InFlight, batches: usize) -> Option<Vec<u16>> {
        in_flight.durable(batches).map(Iterator::collect)
    }

    #[test]
    fn acknowledgements_follow_in_receive_order_with_what_the_writer_never_sees() {
        let mut in_flight = InFlight::new(9, 900);
        assert!(in_flight.trail(1), "nothing before it");
        in_flight.push(10, vec![2, 3]);
        assert!(!in_flight.trail(4));
        in_flight.push(10, vec![]);
        in_flight.push(10, vec![5]);
        assert_eq!(durable(&mut in_flight, 1), Some(vec![2, 3, 4]));
        assert_eq!(durable(&mut in_flight, 2), Some(vec![5]));
        assert!(in_flight.is_empty());
    }

    #[test]
    fn more_than_was_handed_over_acknowledges_nothing() {
        let mut in_flight = InFlight::new(9, 900);
        in_flight.push(10, vec![1]);
        assert_eq!(durable(&mut in_flight, 2), None);
        assert_eq!(durable(&mut in_flight, 1), Some(vec![1]));
    }

    #[test]
    fn either_limit_closes_the_door_and_durable_batches_open_it() {
        let mut by_count = InFlight::new(2, 900);
        by_count.push(1, vec![]);
        assert!(by_count.has_room());
        by_count.push(1, vec![]);
        assert!(!by_count.has_room());
        assert_eq!(durable(&mut by_count, 1), Some(vec![]));
        assert!(by_count.has_room());

        let mut by_bytes = InFlight::new(9, 100);
        by_bytes.push(100, vec![]);
        assert!(!by_bytes.has_room());
    }
}
