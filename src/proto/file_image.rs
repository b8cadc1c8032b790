//! The bytes of one file as a value: cheap to copy, cheap to append to, sparse.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Bytes of a page, the unit that copies share.
const PAGE: u64 = 4096;

/// Pages of a group. A change copies one page and the group's pointers to its siblings, never the file.
const GROUP: u64 = 64;

type Page = [u8; PAGE as usize];
type Group = [Option<Arc<Page>>; GROUP as usize];

/// The content of a file at one moment. A clone shares every page; changing either copies only the pages changed.
///
/// Pages never written are holes: they read as zeros and take no space, so a log preallocated to 64 MiB costs what was logged.
/// Two images are equal when their bytes are, holes or not.
#[derive(Clone, Default)]
pub struct FileImage {
    len: u64,
    /// By group number. Bytes of a page at or beyond `len` are zero.
    groups: BTreeMap<u64, Arc<Group>>,
}

/// Bytes of a file at one moment. Whole pages are shared with it, not copied.
#[derive(Clone, Debug, Default)]
pub struct Patch(Vec<Piece>);

/// A part of a page, or all of it.
#[derive(Clone, Debug)]
enum Piece {
    Page { index: u64, page: Arc<Page> },
    Bytes { offset: u64, bytes: Box<[u8]> },
}

impl FileImage {
    pub fn len(&self) -> u64 {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Fills `buffer` from byte `offset` on; returns how many bytes there were before the end of the file.
    pub fn read(&self, offset: u64, buffer: &mut [u8]) -> usize {
        let there = self.len.saturating_sub(offset).min(buffer.len() as u64) as usize;
        self.read_zero_filled(offset, &mut buffer[..there]);
        there
    }

    /// The whole content; for files known to be small.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.len as usize];
        self.read(0, &mut bytes);
        bytes
    }

    /// Puts `bytes` at `offset`, growing the file when they reach past its end. No bytes, no growth.
    pub fn write(&mut self, offset: u64, bytes: &[u8]) {
        let mut rest = bytes;
        for part in pages_of(offset..offset + bytes.len() as u64) {
            let (now, later) = rest.split_at((part.end - part.start) as usize);
            self.page_mut(part.start / PAGE)[within_page(&part)].copy_from_slice(now);
            self.len = self.len.max(part.end);
            rest = later;
        }
    }

    /// Cuts the file, or extends it by a hole.
    pub fn set_len(&mut self, len: u64) {
        if len < self.len {
            self.forget_pages_from(len.div_ceil(PAGE));
            let kept = (len % PAGE) as usize;
            if kept > 0 && self.page(len / PAGE).is_some() {
                self.page_mut(len / PAGE)[kept..].fill(0);
            }
        }
        self.len = len;
    }

    /// Takes the bytes of `range` from `other`, zeros where it ends; neither grows nor shortens this file. Whole pages become shared, and those
    /// that are the same once their end is taken.
    pub fn copy_range(&mut self, other: &FileImage, range: Range<u64>) {
        for part in pages_of(range.start..range.end.min(self.len)) {
            let (index, within) = (part.start / PAGE, within_page(&part));
            let theirs = other.page(index);
            if part.end - part.start == PAGE {
                self.set_page(index, theirs.cloned());
                continue;
            }
            match theirs {
                Some(theirs) => self.page_mut(index)[within].copy_from_slice(&theirs[within_page(&part)]),
                None => self.page_mut(index)[within].fill(0),
            }
            if part.end.is_multiple_of(PAGE) && self.page(index) == theirs {
                self.set_page(index, theirs.cloned());
            }
        }
    }

    /// What is in `ranges` now, as far as the file reaches.
    pub fn patch(&self, ranges: impl Iterator<Item = Range<u64>>) -> Patch {
        let parts = ranges.flat_map(|range| pages_of(range.start..range.end.min(self.len)));
        Patch(parts.map(|part| self.piece(part)).collect())
    }

    fn piece(&self, part: Range<u64>) -> Piece {
        match self.page(part.start / PAGE) {
            Some(page) if part.end - part.start == PAGE => Piece::Page { index: part.start / PAGE, page: page.clone() },
            Some(page) => Piece::Bytes { offset: part.start, bytes: page[within_page(&part)].into() },
            None => Piece::Bytes { offset: part.start, bytes: vec![0; (part.end - part.start) as usize].into() },
        }
    }

    /// Writes a patch that ends within the file.
    pub fn apply(&mut self, patch: &Patch) {
        for piece in &patch.0 {
            match piece {
                Piece::Page { index, page } => self.set_page(*index, Some(page.clone())),
                Piece::Bytes { offset, bytes } => self.write(*offset, bytes),
            }
        }
    }

    /// A byte to be changed in place; `None` beyond the end.
    pub fn byte_mut(&mut self, offset: u64) -> Option<&mut u8> {
        (offset < self.len).then(|| &mut self.page_mut(offset / PAGE)[(offset % PAGE) as usize])
    }

    /// Bytes of disk space taken: whole pages, holes not counted.
    pub fn allocated(&self) -> u64 {
        let pages = |group: &Group| group.iter().flatten().count() as u64;
        self.groups.values().map(|group| pages(group) * PAGE).sum()
    }

    /// How many of the `len` bytes at `offset` can be written when only `free` bytes of space are left.
    pub fn fits(&self, offset: u64, len: u64, free: u64) -> u64 {
        let mut pages_left = free / PAGE;
        for part in pages_of(offset..offset + len) {
            if self.page(part.start / PAGE).is_none() {
                if pages_left == 0 {
                    return part.start - offset;
                }
                pages_left -= 1;
            }
        }
        len
    }

    /// How many pages the two have in common, in one place and not merely equal.
    #[cfg(test)]
    pub fn pages_shared_with(&self, other: &FileImage) -> usize {
        let same = |index| self.page(index).zip(other.page(index)).is_some_and(|(ours, theirs)| Arc::ptr_eq(ours, theirs));
        (0..self.len.div_ceil(PAGE)).filter(|index| same(*index)).count()
    }

    fn read_zero_filled(&self, offset: u64, buffer: &mut [u8]) {
        let mut rest = buffer;
        for part in pages_of(offset..offset + rest.len() as u64) {
            let (now, later) = rest.split_at_mut((part.end - part.start) as usize);
            match self.page(part.start / PAGE) {
                Some(page) => now.copy_from_slice(&page[within_page(&part)]),
                None => now.fill(0),
            }
            rest = later;
        }
    }

    fn page(&self, index: u64) -> Option<&Arc<Page>> {
        self.groups.get(&(index / GROUP))?[(index % GROUP) as usize].as_ref()
    }

    fn slot(&mut self, index: u64) -> &mut Option<Arc<Page>> {
        let group = self.groups.entry(index / GROUP).or_insert_with(|| Arc::new([const { None }; GROUP as usize]));
        &mut Arc::make_mut(group)[(index % GROUP) as usize]
    }

    fn page_mut(&mut self, index: u64) -> &mut Page {
        Arc::make_mut(self.slot(index).get_or_insert_with(|| Arc::new([0; PAGE as usize])))
    }

    fn set_page(&mut self, index: u64, page: Option<Arc<Page>>) {
        if page.is_some() || self.page(index).is_some() {
            *self.slot(index) = page;
        }
    }

    fn forget_pages_from(&mut self, first: u64) {
        self.groups.split_off(&first.div_ceil(GROUP));
        if let Some(group) = self.groups.get_mut(&(first / GROUP)) {
            Arc::make_mut(group)[(first % GROUP) as usize..].fill(None);
        }
    }
}

impl Patch {
    /// A byte to be changed in place, if the patch has it.
    pub fn byte_mut(&mut self, at: u64) -> Option<&mut u8> {
        self.0.iter_mut().find_map(|piece| match piece {
            Piece::Page { index, page } if at / PAGE == *index => Some(&mut Arc::make_mut(page)[(at % PAGE) as usize]),
            Piece::Bytes { offset, bytes } => bytes.get_mut(usize::try_from(at.checked_sub(*offset)?).ok()?),
            Piece::Page { .. } => None,
        })
    }
}

impl From<&[u8]> for FileImage {
    fn from(bytes: &[u8]) -> FileImage {
        let mut image = FileImage::default();
        image.write(0, bytes);
        image
    }
}

impl PartialEq for FileImage {
    fn eq(&self, other: &FileImage) -> bool {
        let same_group = |number: &u64| match (self.groups.get(number), other.groups.get(number)) {
            (Some(one), Some(other)) if Arc::ptr_eq(one, other) => true,
            (one, other) => same_group(one, other),
        };
        self.len == other.len && self.groups.keys().chain(other.groups.keys()).all(same_group)
    }
}

impl Eq for FileImage {}

/// Shows the size: the bytes of a log help nobody in a test failure.
impl fmt::Debug for FileImage {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "FileImage({} bytes)", self.len)
    }
}

/// The range cut at page boundaries.
fn pages_of(range: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    let mut at = range.start;
    std::iter::from_fn(move || {
        let part = at..range.end.min((at / PAGE + 1) * PAGE);
        at = part.end;
        (part.start < part.end).then_some(part)
    })
}

/// Where a part that lies within one page is in that page.
fn within_page(part: &Range<u64>) -> Range<usize> {
    let start = part.start % PAGE;
    start as usize..(start + part.end - part.start) as usize
}

fn same_group(one: Option<&Arc<Group>>, other: Option<&Arc<Group>>) -> bool {
    let page = |group: Option<&Arc<Group>>, index: usize| group.and_then(|group| group[index].clone());
    let same_page = |index| match (page(one, index), page(other, index)) {
        (Some(one), Some(other)) => Arc::ptr_eq(&one, &other) || one == other,
        (Some(page), None) | (None, Some(page)) => page.iter().all(|byte| *byte == 0),
        (None, None) => true,
    };
    (0..GROUP as usize).all(same_page)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pages(image: &FileImage) -> Vec<u64> {
        image
            .groups
            .iter()
            .flat_map(|(number, group)| (0..GROUP).filter(|index| group[*index as usize].is_some()).map(move |index| number * GROUP + index))
            .collect()
    }

    #[test]
    fn a_clone_shares_everything_and_a_change_copies_one_page() {
        let mut image = FileImage::from(&[7; 1_000_000][..]);
        let before = image.clone();
        assert!(Arc::ptr_eq(&image.groups[&0], &before.groups[&0]));

        image.write(image.len(), b"one more record");
        let last = 1_000_000 / PAGE;
        for index in 0..last {
            assert!(Arc::ptr_eq(image.page(index).unwrap(), before.page(index).unwrap()), "page {index}");
        }
        assert!(!Arc::ptr_eq(image.page(last).unwrap(), before.page(last).unwrap()));
        assert_eq!(before.len(), 1_000_000);
        assert!(Arc::ptr_eq(&image.groups[&0], &before.groups[&0]), "a group not touched stays shared");
    }

    #[test]
    fn an_image_alone_appends_in_place() {
        let mut image = FileImage::from(&b"abc"[..]);
        let page = Arc::as_ptr(image.page(0).unwrap());
        image.write(3, b"def");
        assert_eq!(Arc::as_ptr(image.page(0).unwrap()), page);
    }

    #[test]
    fn holes_read_as_zeros_and_take_no_space() {
        let mut log = FileImage::from(&b"ZKLG"[..]);
        log.set_len(64 << 20);
        log.write((64 << 20) - 1, &[0]);
        assert_eq!((log.len(), log.allocated()), (64 << 20, 2 * PAGE));
        let mut bytes = [9; 8];
        assert_eq!(log.read(2, &mut bytes), 8);
        assert_eq!(&bytes, b"LG\0\0\0\0\0\0");
        assert_eq!(log.read((64 << 20) - 3, &mut bytes), 3, "short at the end");
    }

    #[test]
    fn what_was_cut_off_does_not_come_back() {
        let mut image = FileImage::from(&[1; 3 * PAGE as usize][..]);
        image.set_len(5000);
        image.set_len(3 * PAGE);
        assert!(image.to_vec()[5000..].iter().all(|byte| *byte == 0));
        assert_eq!(pages(&image), [0, 1]);
    }

    #[test]
    fn equality_is_about_bytes() {
        let mut hole = FileImage::default();
        hole.set_len(10_000);
        assert_eq!(hole, FileImage::from(&[0; 10_000][..]));
        assert_ne!(hole, FileImage::from(&[0; 9_999][..]));
        hole.write(5_000, &[1]);
        assert_ne!(hole, FileImage::from(&[0; 10_000][..]));
    }

    #[test]
    fn a_write_fits_as_far_as_there_are_pages() {
        let image = FileImage::from(&[1; 100][..]);
        assert_eq!(image.fits(100, 1_000, 0), 1_000, "the page is there already");
        assert_eq!(image.fits(100, 5_000, 0), PAGE - 100);
        assert_eq!(image.fits(100, 5_000, PAGE), 5_000);
    }

    #[derive(Clone, Debug)]
    enum Change {
        Write(u64, Vec<u8>),
        SetLen(u64),
        CopyRange(u64, u64),
        /// Writes what another file has there, kept as a patch meanwhile.
        Patch(u64, u64),
    }

    fn change() -> impl Strategy<Value = Change> {
        let place = || 0..300_000u64;
        prop_oneof![
            (place(), prop::collection::vec(any::<u8>(), 0..9_000)).prop_map(|(offset, bytes)| Change::Write(offset, bytes)),
            place().prop_map(Change::SetLen),
            (place(), 0..20_000u64).prop_map(|(start, len)| Change::CopyRange(start, start + len)),
            (0..100_000u64, 0..20_000u64).prop_map(|(start, len)| Change::Patch(start, start + len)),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Pages, groups, holes and sharing are invisible: an image behaves like a vector of bytes.
        #[test]
        fn an_image_is_a_vector_of_bytes(changes in prop::collection::vec(change(), 1..12)) {
            let other = FileImage::from(&(0..100_000u32).map(|at| at as u8).collect::<Vec<u8>>()[..]);
            let source = other.to_vec();
            let (mut image, mut model) = (FileImage::default(), Vec::new());
            for change in changes {
                let shared = image.clone();
                match &change {
                    Change::Write(offset, bytes) => {
                        image.write(*offset, bytes);
                        let (start, end) = (*offset as usize, *offset as usize + bytes.len());
                        if !bytes.is_empty() {
                            model.resize(model.len().max(end), 0);
                            model[start..end].copy_from_slice(bytes);
                        }
                    }
                    Change::SetLen(len) => {
                        image.set_len(*len);
                        model.resize(*len as usize, 0);
                    }
                    Change::Patch(start, end) => {
                        let patch = other.patch(std::iter::once(*start..*end));
                        let end = (*end as usize).min(source.len());
                        image.set_len(image.len().max(end as u64));
                        image.apply(&patch);
                        model.resize(model.len().max(end), 0);
                        model[*start as usize..end].copy_from_slice(&source[*start as usize..end]);
                    }
                    Change::CopyRange(start, end) => {
                        image.copy_range(&other, *start..*end);
                        for at in *start as usize..(*end as usize).min(model.len()) {
                            model[at] = source.get(at).copied().unwrap_or(0);
                        }
                    }
                }
                drop(shared);
                prop_assert_eq!(&image.to_vec(), &model);
                prop_assert_eq!(&image, &FileImage::from(&model[..]));
            }
        }
    }
}
