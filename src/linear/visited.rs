//! Where the search has been.

use super::hash::mix;

/// What is the same in two configurations from which the search goes on alike: 128 bits.
pub type Key = (u64, u64);

/// A set of keys: open addressing, half full at most.
pub struct Visited {
    cells: Vec<Key>,
    used: usize,
}

/// No configuration: the second half of a key ends in the number of a state, and there are never so many.
const FREE: Key = (u64::MAX, u64::MAX);

impl Visited {
    pub fn new() -> Visited {
        Visited { cells: vec![FREE; 256], used: 0 }
    }

    /// Whether the key is new.
    #[inline]
    pub fn insert(&mut self, key: Key) -> bool {
        debug_assert_ne!(key, FREE);
        let at = place(&self.cells, key);
        if self.cells[at] == key {
            return false;
        }
        self.cells[at] = key;
        self.used += 1;
        if self.used * 2 > self.cells.len() {
            self.grow();
        }
        true
    }

    #[cold]
    fn grow(&mut self) {
        let larger = vec![FREE; self.cells.len() * 2];
        for key in std::mem::replace(&mut self.cells, larger).into_iter().filter(|key| *key != FREE) {
            let at = place(&self.cells, key);
            self.cells[at] = key;
        }
    }

    /// What it takes, or is about to take while it grows.
    pub fn bytes(&self) -> usize {
        growing(self.cells.len(), self.used * 2) * size_of::<Key>()
    }
}

/// How many cells a table has; if so many in use make it grow soon, how many it and the one twice as large will have together.
pub fn growing(cells: usize, used: usize) -> usize {
    if used > cells / 8 * 7 { cells * 3 } else { cells }
}

/// Where `key` stands, or would.
#[inline]
fn place(cells: &[Key], key: Key) -> usize {
    let mask = cells.len() - 1;
    let mut at = mix(key.0, key.1) as usize & mask;
    while cells[at] != key && cells[at] != FREE {
        at = (at + 1) & mask;
    }
    at
}
