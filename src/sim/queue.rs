//! The queue of wake-ups, ordered by (time, sequence).

use std::cmp::Ordering;

use crate::proto::{Micros, Timer};

use super::calendar::Calendar;

/// Place of a node in the world's table.
pub type NodeIndex = u16;

/// Place of a stage among those of its node.
pub type StageIndex = u16;

/// Whom an entry wakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// The head of one direction of a connection arrives; direction 0 runs from the dialler to the acceptor.
    Deliver {
        slot: u32,
        direction: u8,
    },
    /// A dial's request or its answer arrives.
    Dial {
        slot: u32,
    },
    /// A dial has waited for as long as its dialler allowed.
    DialTimeout {
        slot: u32,
        generation: u32,
    },
    /// One direction of a connection could not move its bytes for the whole retransmission time.
    Retransmission {
        slot: u32,
        direction: u8,
        generation: u32,
    },
    /// A sender that blocked may write again.
    WindowOpen {
        slot: u32,
        direction: u8,
        generation: u32,
    },
    Datagram {
        slot: u32,
    },
    Timer {
        node: NodeIndex,
        timer: Timer,
    },
    Stage {
        node: NodeIndex,
        stage: StageIndex,
    },
    Disk {
        node: NodeIndex,
        ticket: u64,
    },
    /// The supervisor starts a process again that exited in life `life`; or a server boots for the first time (`life` 0).
    Start {
        node: NodeIndex,
        life: u32,
    },
    /// A fault that was set for a time ends.
    EndFault {
        key: u64,
    },
}

/// A wake-up in the queue. It counts only while what it wakes still names `seq` as its entry: entries are never taken out, they go stale.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub at: Micros,
    pub seq: u64,
    pub wake: Wake,
}

impl Entry {
    /// Time and sequence number as one number: a comparison without a branch.
    #[inline]
    fn key(&self) -> u128 {
        u128::from(self.at.0) << 64 | u128::from(self.seq)
    }

    #[inline]
    pub fn is_after(&self, other: &Entry) -> bool {
        self.key() > other.key()
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Entry) -> bool {
        self.seq == other.seq
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Entry) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Reversed, since `BinaryHeap` gives the greatest first.
impl Ord for Entry {
    fn cmp(&self, other: &Entry) -> Ordering {
        other.key().cmp(&self.key())
    }
}

/// The entries, each with a number of its own.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    calendar: Calendar,
    seq: u64,
}

impl Queue {
    /// Adds an entry and returns its sequence number, by which its owner recognises it.
    #[inline]
    pub fn push(&mut self, at: Micros, wake: Wake) -> u64 {
        self.seq += 1;
        self.push_back(Entry { at, seq: self.seq, wake });
        self.seq
    }

    /// Puts an entry back as it was.
    #[inline]
    pub fn push_back(&mut self, entry: Entry) {
        self.calendar.push(entry);
    }

    #[inline]
    pub fn pop(&mut self) -> Option<Entry> {
        self.calendar.pop()
    }

    #[inline]
    pub fn peek(&mut self) -> Option<&Entry> {
        self.calendar.peek()
    }

    /// All entries, stale ones too, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.calendar.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn earliest_first_then_first_come() {
        let mut queue = Queue::default();
        let start = |node| Wake::Start { node, life: 0 };
        queue.push(Micros(5), start(1));
        queue.push(Micros(3), start(2));
        queue.push(Micros(5), start(3));
        queue.push(Micros(3), start(4));
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|entry| entry.wake).collect();
        assert_eq!(order, [start(2), start(4), start(1), start(3)]);
    }

    /// Whatever comes between two pops, the order is that of a sorted list.
    #[test]
    fn pops_pushes_and_looks_in_any_order() {
        let (mut queue, mut sorted, mut state) = (Queue::default(), Vec::new(), 1_u64);
        for round in 0..2_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let dice = state >> 33;
            match dice % 8 {
                0..3 => {
                    // Long past, today, within the year, and later.
                    let ahead = [97, 9_700, 970_000][(dice >> 8) as usize % 3];
                    let at = Micros((dice >> 10) % ahead + if dice & 64 == 0 { 0 } else { 500 * round });
                    sorted.push((at, queue.push(at, Wake::Start { node: 0, life: 0 })));
                    sorted.sort_unstable();
                }
                3 => assert_eq!(queue.peek().map(|entry| (entry.at, entry.seq)), sorted.first().copied(), "round {round}"),
                4 => {
                    let mut entries: Vec<_> = queue.iter().map(|entry| (entry.at, entry.seq)).collect();
                    entries.sort_unstable();
                    assert_eq!(entries, sorted, "round {round}");
                }
                5 => {
                    if let Some(entry) = queue.pop() {
                        queue.push_back(entry);
                    }
                }
                _ => {
                    let expected = if sorted.is_empty() { None } else { Some(sorted.remove(0)) };
                    assert_eq!(queue.pop().map(|entry| (entry.at, entry.seq)), expected, "round {round}");
                }
            }
        }
    }

    /// They are copied from list to list.
    #[test]
    fn entries_stay_small() {
        assert!(size_of::<Entry>() <= 32, "{}", size_of::<Entry>());
    }
}
