//! Things as numbers: equal things have the same one.

use std::hash::Hash;

use super::hash::hash;
use super::visited::growing;

/// Distinct things, numbered from 0 in the order in which they came.
pub struct Interner<T> {
    items: Vec<T>,
    /// Number plus 1 by hash, open addressing, half full at most; 0 is free.
    cells: Vec<u32>,
}

impl<T: Eq + Hash> Interner<T> {
    pub fn new() -> Interner<T> {
        Interner { items: Vec::new(), cells: vec![0; 16] }
    }

    /// The number of `item`, and whether it is new.
    pub fn add(&mut self, item: T) -> (u32, bool) {
        match self.find(&item) {
            Ok(number) => (number, false),
            Err(cell) => (self.insert(cell, item), true),
        }
    }

    /// The number of a thing that is copied only if it is new.
    pub fn add_copy(&mut self, item: &T) -> u32
    where
        T: Clone,
    {
        self.find(item).unwrap_or_else(|cell| self.insert(cell, item.clone()))
    }

    pub fn items(&self) -> &[T] {
        &self.items
    }

    pub fn into_items(self) -> Vec<T> {
        self.items
    }

    /// Beside what the things themselves hold.
    pub fn bytes(&self) -> usize {
        growing(self.items.capacity(), self.items.len()) * size_of::<T>() + self.cells.len() * size_of::<u32>()
    }

    /// Its number, or the cell where that belongs.
    fn find(&self, item: &T) -> Result<u32, usize> {
        let mask = self.cells.len() - 1;
        let mut at = hash(item) as usize & mask;
        while let Some(number) = self.cells[at].checked_sub(1) {
            if self.items[number as usize] == *item {
                return Ok(number);
            }
            at = (at + 1) & mask;
        }
        Err(at)
    }

    fn insert(&mut self, cell: usize, item: T) -> u32 {
        self.items.push(item);
        let count = self.items.len() as u32;
        self.cells[cell] = count;
        if self.items.len() * 2 > self.cells.len() {
            self.grow();
        }
        count - 1
    }

    #[cold]
    fn grow(&mut self) {
        let mask = self.cells.len() * 4 - 1;
        self.cells = vec![0; mask + 1];
        for (number, item) in self.items.iter().enumerate() {
            let mut at = hash(item) as usize & mask;
            while self.cells[at] != 0 {
                at = (at + 1) & mask;
            }
            self.cells[at] = number as u32 + 1;
        }
    }
}
