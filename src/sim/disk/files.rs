//! The file system: names, inodes, and the order in which changes of them reach the medium.

use std::collections::{BTreeMap, BTreeSet};

use crate::proto::{DiskError, FileImage, FileName};
use crate::sim::Stream;

use super::Ticket;
use super::inode::Inode;
use super::journal::{Change, Journal};

/// The number of a file, which stays when its name changes. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ino(pub u64);

/// All files of a disk, in the page cache and on the medium.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// Every file that has a name in the page cache, on the medium or in the journal.
    pub(super) inodes: BTreeMap<Ino, Inode>,
    /// Names as processes see them.
    pub(super) names: BTreeMap<FileName, Ino>,
    /// Names as a power loss leaves them.
    pub(super) durable_names: BTreeMap<FileName, Ino>,
    /// What makes `names` of `durable_names`.
    pub(super) journal: Journal,
    next_ino: u64,
}

/// A sync under way.
#[derive(Clone, Copy, Debug)]
pub struct SyncJob {
    ino: Ino,
    ticket: Ticket,
    /// Metadata changed before this place of the journal was submitted before the sync.
    position: u64,
}

impl Files {
    pub fn lookup(&self, name: &str) -> Result<Ino, DiskError> {
        self.names.get(name).copied().ok_or(DiskError::NotFound)
    }

    pub fn image(&self, ino: Ino) -> &FileImage {
        &self.inode(ino).cache
    }

    pub fn names(&self) -> impl Iterator<Item = &FileName> + Clone {
        self.names.keys()
    }

    /// Space taken by the files processes see, in bytes.
    pub fn allocated(&self) -> u64 {
        self.cached().map(|(_, image)| image.allocated()).sum()
    }

    /// Files as processes see them, in the order of their names.
    pub fn cached(&self) -> impl Iterator<Item = (&FileName, &FileImage)> {
        self.names.iter().map(|(name, ino)| (name, &self.inode(*ino).cache))
    }

    /// Files as a power loss would leave them if nothing unsynced survived.
    pub fn durable(&self) -> impl Iterator<Item = (&FileName, &FileImage)> {
        self.durable_names.iter().map(|(name, ino)| (name, &self.inode(*ino).durable))
    }

    /// A new file that is durable from the start, in place of one that has the name.
    pub fn install(&mut self, name: FileName, image: FileImage) {
        let ino = self.new_inode(Inode::durable(image));
        self.names.insert(name.clone(), ino);
        self.durable_names.insert(name, ino);
        self.forget_nameless();
    }

    pub fn create(&mut self, name: &FileName) {
        match self.names.get(name) {
            Some(&ino) => self.set_len(ino, 0),
            None => {
                let ino = self.new_inode(Inode::default());
                self.change(Change::Link { name: name.clone(), ino });
            }
        }
    }

    pub fn write(&mut self, ino: Ino, offset: u64, bytes: &[u8]) {
        self.inode_mut(ino).write(offset, bytes);
    }

    /// Lengthens the file in the page cache alone, as a write does whose bytes went astray.
    pub fn grow(&mut self, ino: Ino, len: u64) {
        let cache = &mut self.inode_mut(ino).cache;
        cache.set_len(cache.len().max(len));
    }

    pub fn truncate(&mut self, name: &FileName, len: u64) -> Result<(), DiskError> {
        self.set_len(self.lookup(name)?, len);
        Ok(())
    }

    pub fn rename(&mut self, from: &FileName, to: &FileName) -> Result<(), DiskError> {
        let ino = self.lookup(from)?;
        if from != to {
            self.change(Change::Rename { from: from.clone(), to: to.clone(), ino });
        }
        Ok(())
    }

    pub fn delete(&mut self, name: &FileName) -> Result<(), DiskError> {
        let ino = self.lookup(name)?;
        self.change(Change::Unlink { name: name.clone(), ino });
        Ok(())
    }

    pub fn begin_sync(&mut self, ino: Ino, ticket: Ticket) -> SyncJob {
        self.inode_mut(ino).begin_sync(ticket);
        SyncJob { ino, ticket, position: self.journal.position() }
    }

    /// Metadata older than the sync becomes durable, then the file's bytes.
    ///
    /// A loose disk writes the file's own metadata, and that of other files by chance: nothing but a sync of the folder would
    /// force it, and ZooKeeper never syncs a folder (storage reference §3, §9.7).
    pub fn finish_sync(&mut self, job: SyncJob, loose: bool, stream: &mut Stream) {
        if !self.journal.is_empty() {
            let durable_now = self.journal.take(job.position, |change| !loose || change.ino() == job.ino || stream.chance(500_000));
            self.make_durable(durable_now);
        }
        if let Some(inode) = self.inodes.get_mut(&job.ino) {
            inode.finish_sync(job.ticket);
        }
    }

    /// The bytes are lost. Metadata is not touched: it waits for the next sync.
    pub fn fail_sync(&mut self, job: SyncJob) {
        if let Some(inode) = self.inodes.get_mut(&job.ino) {
            inode.fail_sync(job.ticket);
        }
    }

    pub fn abandon_syncs(&mut self) {
        self.inodes.values_mut().for_each(Inode::abandon_syncs);
    }

    /// Applies changes to the medium, in order.
    pub(super) fn make_durable(&mut self, changes: Vec<Change>) {
        let mut lose_a_name = Vec::new();
        for change in &changes {
            match change {
                Change::SetLen { ino, len } => self.inode_mut(*ino).durable.set_len(*len),
                Change::Link { name, .. } | Change::Rename { to: name, .. } => lose_a_name.extend(self.durable_names.get(name)),
                Change::Unlink { ino, .. } => lose_a_name.push(*ino),
            }
            apply(&mut self.durable_names, change);
        }
        lose_a_name.into_iter().for_each(|ino| self.forget_if_nameless(ino));
    }

    /// A sync under way writes its bytes first ([`Inode::set_len`]), and what was cut before them before that: it must not cut them, too.
    fn set_len(&mut self, ino: Ino, len: u64) {
        if self.inode(ino).is_syncing() {
            let older = |change: &Change| matches!(change, Change::SetLen { ino: of, .. } if *of == ino);
            let older = self.journal.take(self.journal.position(), older);
            self.make_durable(older);
        }
        self.inode_mut(ino).set_len(len);
        self.journal.push(Change::SetLen { ino, len });
    }

    fn change(&mut self, change: Change) {
        apply(&mut self.names, &change);
        self.journal.push(change);
    }

    /// Drops inodes no name leads to, now or after any power loss.
    pub(super) fn forget_nameless(&mut self) {
        let named = self.names.values().chain(self.durable_names.values()).copied();
        let reachable: BTreeSet<Ino> = named.chain(self.journal.pending().map(Change::ino)).collect();
        self.inodes.retain(|ino, _| reachable.contains(ino));
    }

    /// The same for one that has lost a name on the medium. Most changes take none away, and a disk may have thousands of files.
    fn forget_if_nameless(&mut self, ino: Ino) {
        let mut named = self.names.values().chain(self.durable_names.values()).copied().chain(self.journal.pending().map(Change::ino));
        if !named.any(|named| named == ino) {
            self.inodes.remove(&ino);
        }
    }

    fn new_inode(&mut self, inode: Inode) -> Ino {
        let ino = Ino(self.next_ino);
        self.next_ino += 1;
        self.inodes.insert(ino, inode);
        ino
    }

    fn inode(&self, ino: Ino) -> &Inode {
        &self.inodes[&ino]
    }

    pub(super) fn inode_mut(&mut self, ino: Ino) -> &mut Inode {
        self.inodes.get_mut(&ino).expect("a file that has a name has an inode")
    }
}

/// A name is taken away only from the file the change is about: on a loose disk an older change may be missing.
fn apply(names: &mut BTreeMap<FileName, Ino>, change: &Change) {
    let mut take_away = |name: &FileName, ino: Ino| {
        if names.get(name) == Some(&ino) {
            names.remove(name);
        }
    };
    match change {
        Change::Link { name, ino } => {
            names.insert(name.clone(), *ino);
        }
        Change::Rename { from, to, ino } => {
            take_away(from, *ino);
            names.insert(to.clone(), *ino);
        }
        Change::Unlink { name, ino } => take_away(name, *ino),
        Change::SetLen { .. } => {}
    }
}
