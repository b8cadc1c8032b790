//! What a power loss leaves: unsynced bytes and metadata are lost, kept or torn.

use std::collections::{BTreeMap, BTreeSet};

use crate::proto::FileName;
use crate::sim::Stream;

use super::SECTOR;
use super::files::{Files, Ino};
use super::inode::Inode;
use super::journal::Change;

/// What one power loss did, so that a run can tell whether it took anything at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PowerLoss {
    /// Unsynced bytes that are gone.
    pub bytes_lost: u64,
    /// Unsynced bytes that had reached the medium all the same.
    pub bytes_kept: u64,
    /// Files that lost some of their unsynced bytes and kept others, by their names before the loss.
    pub torn: Vec<FileName>,
    /// Creates, renames, truncations and deletions undone.
    pub metadata_lost: u64,
    /// Creates, renames, truncations and deletions that were not synced and hold all the same.
    pub metadata_kept: u64,
}

impl PowerLoss {
    /// Whether the disk looks any different to the next process.
    pub fn lost_anything(&self) -> bool {
        self.bytes_lost > 0 || self.metadata_lost > 0
    }
}

/// How a disk treats what it was not told to sync.
pub struct Manners<'a> {
    /// Metadata and sectors survive each on its own instead of in their order.
    pub loose: bool,
    /// Files to be torn for certain, if more than one sector is dirty.
    pub tear: &'a dyn Fn(&FileName) -> bool,
}

impl Files {
    /// The page cache is gone. Metadata first: it decides which files there are.
    pub fn power_loss(&mut self, manners: &Manners, stream: &mut Stream) -> PowerLoss {
        self.abandon_syncs();
        let mut report = PowerLoss::default();
        let names_before: BTreeMap<Ino, FileName> = self.names.iter().map(|(name, ino)| (*ino, name.clone())).collect();
        self.lose_metadata(manners.loose, stream, &mut report);
        self.names = self.durable_names.clone();
        let still_named: BTreeSet<Ino> = self.names.values().copied().collect();
        for (ino, inode) in &mut self.inodes {
            let name = names_before.get(ino);
            if !still_named.contains(ino) {
                report.bytes_lost += name.map_or(0, |_| inode.dirty().count());
                continue;
            }
            let torn = inode.lose_unsynced(manners.loose, name.is_some_and(manners.tear), stream, &mut report);
            report.torn.extend(name.filter(|_| torn).cloned());
        }
        self.forget_nameless();
        report
    }

    /// Of the pending metadata a beginning survives (drawn), or on a loose disk any part of it.
    fn lose_metadata(&mut self, loose: bool, stream: &mut Stream, report: &mut PowerLoss) {
        let pending = self.journal.drain();
        let beginning = stream.below(pending.len() as u64 + 1);
        let survives = |at: usize| if loose { stream.chance(500_000) } else { (at as u64) < beginning };
        let fates: Vec<bool> = (0..pending.len()).map(survives).collect();
        let survivors: Vec<Change> = pending.into_iter().zip(&fates).filter(|(_, survives)| **survives).map(|(change, _)| change).collect();
        report.metadata_kept += survivors.len() as u64;
        report.metadata_lost += (fates.len() - survivors.len()) as u64;
        self.make_durable(survivors);
    }
}

impl Inode {
    /// Decides which dirty sectors had been written. Returns whether the file is torn.
    fn lose_unsynced(&mut self, loose: bool, tear: bool, stream: &mut Stream, report: &mut PowerLoss) -> bool {
        let sectors = self.dirty().sectors();
        let kept = surviving_sectors(&sectors, loose, tear, stream);
        let bytes_kept: u64 = kept.iter().map(|sector| self.dirty().count_within(sector * SECTOR..(sector + 1) * SECTOR)).sum();
        report.bytes_kept += bytes_kept;
        report.bytes_lost += self.dirty().count() - bytes_kept;
        let whole_len = loose && !sectors.is_empty() && stream.chance(500_000);
        self.lose_power(&kept, whole_len);
        !kept.is_empty() && kept.len() < sectors.len()
    }
}

/// A usual disk writes the sectors of a file in their order: none, all or a beginning is there, a third of the time each.
/// A loose disk has written any of them. One sector is always whole: the device promises that much.
fn surviving_sectors(sectors: &[u64], loose: bool, tear: bool, stream: &mut Stream) -> Vec<u64> {
    let all = sectors.len() as u64;
    if all == 0 {
        return Vec::new();
    }
    let beginning = if tear && all > 1 {
        1 + stream.below(all - 1)
    } else if loose {
        return sectors.iter().copied().filter(|_| stream.chance(500_000)).collect();
    } else {
        match stream.below(3) {
            0 => 0,
            1 => all,
            _ => stream.below(all + 1),
        }
    };
    sectors[..beginning as usize].to_vec()
}
