//! A map for what there is little of: what is under way on a disk, the timers of a node.

/// A list in the order of its keys. With a handful of entries looking through them is faster than any tree.
#[derive(Clone, Debug)]
pub struct SmallMap<K, V>(Vec<(K, V)>);

impl<K, V> Default for SmallMap<K, V> {
    fn default() -> SmallMap<K, V> {
        SmallMap(Vec::new())
    }
}

impl<K: Copy + Ord, V> SmallMap<K, V> {
    /// Puts the value in place of what the key had before.
    #[inline]
    pub fn insert(&mut self, key: K, value: V) {
        match self.get_mut(key) {
            Some(there) => *there = value,
            None => {
                let place = self.0.iter().rposition(|(there, _)| *there < key).map_or(0, |before| before + 1);
                self.0.insert(place, (key, value));
            }
        }
    }

    #[inline]
    pub fn get(&self, key: K) -> Option<&V> {
        self.0.iter().find(|(there, _)| *there == key).map(|(_, value)| value)
    }

    #[inline]
    pub fn get_mut(&mut self, key: K) -> Option<&mut V> {
        self.0.iter_mut().find(|(there, _)| *there == key).map(|(_, value)| value)
    }

    #[inline]
    pub fn remove(&mut self, key: K) -> Option<V> {
        let index = self.0.iter().position(|(there, _)| *there == key)?;
        Some(self.0.remove(index).1)
    }

    /// Takes out all entries whose keys are not larger than `key`.
    #[inline]
    pub fn forget_up_to(&mut self, key: K) {
        self.0.retain(|(there, _)| *there > key);
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    pub fn last_key(&self) -> Option<K> {
        self.0.last().map(|(key, _)| *key)
    }

    pub fn iter(&self) -> impl Iterator<Item = (K, &V)> {
        self.0.iter().map(|(key, value)| (*key, value))
    }

    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.0.iter().map(|(_, value)| value)
    }

    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.0.iter_mut().map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_in_order_and_every_key_is_there_once() {
        let mut map = SmallMap::default();
        for key in [5, 1, 9, 3, 9, 1] {
            map.insert(key, 10 * key);
        }
        map.insert(3, 7);
        assert_eq!(map.iter().map(|(key, value)| (key, *value)).collect::<Vec<_>>(), [(1, 10), (3, 7), (5, 50), (9, 90)]);
        assert_eq!((map.remove(5), map.remove(5), map.get(3), map.last_key()), (Some(50), None, Some(&7), Some(9)));
        map.forget_up_to(3);
        assert_eq!(map.values().collect::<Vec<_>>(), [&90]);
    }
}
