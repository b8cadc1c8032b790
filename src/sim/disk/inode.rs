//! One file's content twice: as running processes see it and as the medium holds it.

use crate::proto::{FileImage, Patch};

use super::ranges::ByteRanges;
use super::{SECTOR, Ticket};
use crate::sim::small_map::SmallMap;

/// A file's content, whatever its names are.
#[derive(Clone, Debug, Default)]
pub struct Inode {
    /// What processes read and write. It survives them, not a power loss.
    pub cache: FileImage,
    /// What is left after a power loss.
    pub durable: FileImage,
    /// Bytes written and not yet part of any sync.
    dirty: ByteRanges,
    /// Syncs under way, each with the content it will make durable.
    syncing: SmallMap<Ticket, SyncImage>,
}

/// What a sync will write. Not the whole image: while that lived, each write to the cache would copy what it shares with it.
#[derive(Clone, Debug)]
struct SyncImage {
    /// The file's length at submit.
    len: u64,
    /// All bytes not durable at submit, those of older syncs under way included: an answer of success covers them too.
    ranges: ByteRanges,
    /// The sectors they are in, as they were at submit: the device writes whole sectors. `None` while the cache has them as they were.
    sectors: Option<Patch>,
}

impl SyncImage {
    /// The cache is about to change.
    #[cold]
    fn keep(&mut self, cache: &FileImage) {
        self.sectors.get_or_insert_with(|| cache.patch(self.ranges.widened_to_sectors()));
    }
}

impl Inode {
    /// A file that lies on the medium already.
    pub fn durable(image: FileImage) -> Inode {
        Inode { cache: image.clone(), durable: image, ..Inode::default() }
    }

    pub fn write(&mut self, offset: u64, bytes: &[u8]) {
        self.syncing.values_mut().for_each(|sync| sync.keep(&self.cache));
        self.cache.write(offset, bytes);
        self.dirty.insert(offset..offset + bytes.len() as u64);
    }

    /// Cuts or extends the cached content. A sync under way writes its bytes first, as Linux waits for pages under write-back:
    /// afterwards it could bring back what was cut.
    pub fn set_len(&mut self, len: u64) {
        if let Some(youngest) = self.syncing.last_key() {
            self.finish_sync(youngest);
        }
        self.cache.set_len(len);
        self.dirty.cut(len);
    }

    pub fn is_syncing(&self) -> bool {
        self.syncing.last_key().is_some()
    }

    pub fn begin_sync(&mut self, ticket: Ticket) {
        let mut ranges = std::mem::take(&mut self.dirty);
        self.syncing.values().for_each(|older| ranges.add(&older.ranges));
        self.syncing.insert(ticket, SyncImage { len: self.cache.len(), ranges, sectors: None });
    }

    /// The bytes that were dirty at submit reach the medium. Nothing is left to do when a younger sync has written them.
    pub fn finish_sync(&mut self, ticket: Ticket) {
        let Some(SyncImage { len, ranges, sectors }) = self.syncing.remove(ticket) else { return };
        self.syncing.forget_up_to(ticket);
        self.durable.set_len(len);
        match sectors {
            Some(patch) => self.durable.apply(&patch),
            None => ranges.widened_to_sectors().for_each(|range| self.durable.copy_range(&self.cache, range)),
        }
        self.dirty.take_room(ranges);
    }

    /// The device refused the bytes. Linux then takes the pages for clean: processes still read them, nothing writes them again.
    pub fn fail_sync(&mut self, ticket: Ticket) {
        self.syncing.remove(ticket);
    }

    /// Nobody waits for the syncs under way any more; what they were to write is dirty again.
    pub fn abandon_syncs(&mut self) {
        for sync in std::mem::take(&mut self.syncing).values() {
            self.dirty.add(&sync.ranges);
        }
        self.dirty.cut(self.cache.len());
    }

    pub fn dirty(&self) -> &ByteRanges {
        &self.dirty
    }

    /// After a power loss: of the dirty sectors exactly `kept` had reached the medium, and processes will see what it holds.
    ///
    /// The file ends where its last kept byte does, unless it was longer before; `whole_len` keeps the unsynced length even without its bytes.
    pub fn lose_power(&mut self, kept: &[u64], whole_len: bool) {
        let kept_end = if whole_len { u64::MAX } else { kept.last().map_or(0, |sector| (sector + 1) * SECTOR) };
        self.durable.set_len(self.durable.len().max(self.cache.len().min(kept_end)));
        for sector in kept {
            self.durable.copy_range(&self.cache, sector * SECTOR..(sector + 1) * SECTOR);
        }
        *self = Inode::durable(self.durable.clone());
    }

    /// Flips the lowest `bits` bits from byte `offset` on, on the medium and in memory. Returns whether the file reaches that far anywhere.
    pub fn rot(&mut self, offset: u64, bits: u32) -> bool {
        for (at, mask) in flips(offset, bits) {
            let images = [&mut self.cache, &mut self.durable].into_iter().filter_map(|image| image.byte_mut(at));
            images.for_each(|byte| *byte ^= mask);
            self.syncing.values_mut().filter_map(|sync| sync.sectors.as_mut()?.byte_mut(at)).for_each(|byte| *byte ^= mask);
        }
        offset < self.cache.len().max(self.durable.len())
    }
}

/// The bytes that so many bits are in, each with what is to be flipped of it.
fn flips(offset: u64, bits: u32) -> impl Iterator<Item = (u64, u8)> {
    (0..bits.div_ceil(8)).map(move |byte| {
        let count = (bits - 8 * byte).min(8);
        (offset + u64::from(byte), (0xff_u16 >> (8 - count)) as u8)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sync_covers_what_was_dirty_at_submit_and_no_more() {
        let mut file = Inode::default();
        file.write(0, b"before");
        file.begin_sync(Ticket(1));
        file.write(6, b" after");
        assert!(file.durable.is_empty(), "submitting is not enough");
        file.finish_sync(Ticket(1));
        assert_eq!(file.durable.to_vec(), b"before");
        assert_eq!(file.dirty().count(), 6);
    }

    #[test]
    fn a_younger_sync_covers_an_older_one_that_is_still_under_way() {
        let mut file = Inode::default();
        file.write(0, b"old");
        file.begin_sync(Ticket(1));
        file.write(0, b"new, longer");
        file.begin_sync(Ticket(2));
        file.finish_sync(Ticket(2));
        assert_eq!(file.durable.to_vec(), b"new, longer");
        file.finish_sync(Ticket(1));
        assert_eq!(file.durable.to_vec(), b"new, longer", "the older image does not come back");
    }

    #[test]
    fn a_younger_sync_answers_for_the_bytes_of_an_older_one() {
        let mut file = Inode::default();
        file.write(0, &[1; 512]);
        file.begin_sync(Ticket(1));
        file.fail_sync(Ticket(1));
        file.write(512, &[2; 512]);
        file.begin_sync(Ticket(2));
        file.begin_sync(Ticket(3));
        file.finish_sync(Ticket(3));
        assert_eq!(file.durable.to_vec(), [[0; 512], [2; 512]].concat(), "also once the cache holds bytes nobody writes any more");
    }

    #[test]
    fn bytes_of_a_failed_sync_are_never_written() {
        let mut file = Inode::default();
        file.write(0, &[1; 1024]);
        file.begin_sync(Ticket(1));
        file.fail_sync(Ticket(1));
        file.write(1024, &[2; 512]);
        file.begin_sync(Ticket(2));
        file.finish_sync(Ticket(2));
        assert_eq!(file.cache.to_vec()[..1024], [1; 1024], "a process still reads them");
        assert_eq!(file.durable.to_vec(), [[0; 512], [0; 512], [2; 512]].concat(), "a hole, then what a later sync wrote");
    }

    #[test]
    fn an_abandoned_sync_leaves_its_bytes_dirty() {
        let mut file = Inode::default();
        file.write(0, b"abc");
        file.begin_sync(Ticket(1));
        file.write(2, b"de");
        file.abandon_syncs();
        assert_eq!(file.dirty().count(), 4);
        file.finish_sync(Ticket(1));
        assert!(file.durable.is_empty());
    }

    #[test]
    fn a_truncation_waits_for_the_sync_under_way() {
        let mut file = Inode::default();
        file.write(0, b"abc");
        file.begin_sync(Ticket(1));
        file.set_len(1);
        file.durable.set_len(1);
        file.finish_sync(Ticket(1));
        assert_eq!(file.durable.to_vec(), b"a", "the older image does not come back");
    }

    #[test]
    fn a_file_shares_its_pages_with_the_medium_after_a_sync() {
        let mut file = Inode::default();
        file.write(0, &[1; 9000]);
        file.begin_sync(Ticket(1));
        file.finish_sync(Ticket(1));
        assert_eq!(file.cache.pages_shared_with(&file.durable), 2, "all that are full");
        file.write(9000, &[2; 4000]);
        file.begin_sync(Ticket(2));
        file.finish_sync(Ticket(2));
        assert_eq!(file.cache.pages_shared_with(&file.durable), 3);
        assert_eq!(file.cache, file.durable);
    }

    #[test]
    fn rot_reaches_every_copy() {
        let mut file = Inode::durable(FileImage::from(&[0, 0, 0][..]));
        file.write(0, &[0]);
        file.begin_sync(Ticket(1));
        assert!(file.rot(1, 11));
        file.finish_sync(Ticket(1));
        assert_eq!((file.cache.to_vec(), file.durable.to_vec()), (vec![0, 0xff, 0x07], vec![0, 0xff, 0x07]));
        assert!(!file.rot(3, 1), "beyond the end");
    }
}
