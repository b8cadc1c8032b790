//! Entries in the order of their times, kept as one keeps appointments: those of today in their order, those of the days to come day by day in
//! no order, and what is a year ahead on a list of its own.
//!
//! A day has 256 µs and a year 64 days: nearly every packet, stage and operation of a disk has its turn within 16 ms, and costs the same
//! however many there are. Timers lie on the list, a heap; most of them are set again long before they are reached. A day of few entries is
//! a sorted list at hardly any cost, and one of many is still much smaller than a heap of them all.

use std::collections::BinaryHeap;

use crate::proto::Micros;

use super::Entry;

/// Days of a year: as many as the bits of a number.
const YEAR: u64 = 64;

/// See the module.
#[derive(Clone, Debug)]
pub struct Calendar {
    today: u64,
    /// All entries up to the end of today, the next one last.
    due: Vec<Entry>,
    /// The days to come, each at its number modulo [`YEAR`]: the first of its entries in `notes`.
    days: [Link; YEAR as usize],
    /// Which of them have entries.
    busy: u64,
    /// The entries of the days to come, as lists, and those that are free.
    notes: Vec<Note>,
    free: Link,
    /// What was at least a year ahead when it came.
    later: BinaryHeap<Entry>,
}

/// Another note, if there is one.
type Link = Option<u32>;

#[derive(Clone, Copy, Debug)]
struct Note {
    entry: Entry,
    next: Link,
}

impl Default for Calendar {
    fn default() -> Calendar {
        Calendar { today: 0, due: Vec::new(), days: [None; YEAR as usize], busy: 0, notes: Vec::new(), free: None, later: BinaryHeap::new() }
    }
}

impl Calendar {
    #[inline]
    pub fn push(&mut self, entry: Entry) {
        let day = day_of(entry.at);
        if day <= self.today {
            self.put_in_order(entry);
        } else if day - self.today <= YEAR {
            self.put_down(day, entry);
        } else {
            self.later.push(entry);
        }
    }

    /// The earliest entry.
    #[inline]
    pub fn peek(&mut self) -> Option<&Entry> {
        if self.due.is_empty() {
            self.turn_page();
        }
        self.due.last()
    }

    #[inline]
    pub fn pop(&mut self) -> Option<Entry> {
        self.peek()?;
        self.due.pop()
    }

    /// All entries, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        let note = |link: Link| link.map(|at| &self.notes[at as usize]);
        let day = move |first: &Link| std::iter::successors(note(*first), move |last| note(last.next));
        self.due.iter().chain(self.days.iter().flat_map(day).map(|note| &note.entry)).chain(&self.later)
    }

    /// Most have their turn soon: the end of the list is the place to begin to look.
    #[inline]
    fn put_in_order(&mut self, entry: Entry) {
        match self.due.iter().rposition(|other| other.is_after(&entry)) {
            Some(later) if later + 1 < self.due.len() => self.due.insert(later + 1, entry),
            None if !self.due.is_empty() => self.due.insert(0, entry),
            _ => self.due.push(entry),
        }
    }

    #[inline]
    fn put_down(&mut self, day: u64, entry: Entry) {
        let first = &mut self.days[(day % YEAR) as usize];
        let note = Note { entry, next: *first };
        match self.free {
            Some(at) => {
                let place = &mut self.notes[at as usize];
                self.free = place.next;
                *place = note;
                *first = Some(at);
            }
            None => {
                *first = Some(self.notes.len() as u32);
                self.notes.push(note);
            }
        }
        self.busy |= 1 << (day % YEAR);
    }

    /// Nothing is left of today: on to the next day with an entry, if there is any.
    fn turn_page(&mut self) {
        let tomorrow = self.today + 1;
        let free_days = u64::from(self.busy.rotate_right((tomorrow % YEAR) as u32).trailing_zeros());
        let next = (free_days < YEAR).then_some(tomorrow + free_days);
        let next_later = self.later.peek().map(|entry| day_of(entry.at));
        let Some(day) = next.into_iter().chain(next_later).min() else { return };
        self.today = day;
        if next == Some(day) {
            self.take_up(day);
        }
        while let Some(entry) = self.later.peek().filter(|entry| day_of(entry.at) <= day).copied() {
            self.later.pop();
            self.put_in_order(entry);
        }
    }

    /// The entries of a day, which is today now.
    fn take_up(&mut self, day: u64) {
        self.busy &= !(1 << (day % YEAR));
        let mut link = self.days[(day % YEAR) as usize].take();
        while let Some(at) = link {
            let Note { entry, next } = self.notes[at as usize];
            self.notes[at as usize].next = self.free;
            self.free = Some(at);
            self.put_in_order(entry);
            link = next;
        }
    }
}

#[inline]
fn day_of(time: Micros) -> u64 {
    time.0 / 256
}
