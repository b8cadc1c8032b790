//! Which files of a data directory are snapshots and logs, and which of them matter for a zxid. Source: `FileTxnLog.getLogFiles`,
//! `FileSnap.findNValidSnapshots`; storage reference §1, §6.

use crate::proto::{FileName, Zxid};

use super::format::{log_zxid, snapshot_zxid};

/// Its presence says that an empty database is fine. Source: `FileTxnSnapLog.restore`.
pub const INITIALIZE: &str = "initialize";

/// A listing by parts, each in the order of zxids.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    pub snapshots: Vec<DatedFile>,
    pub logs: Vec<DatedFile>,
    /// Whether there is a file [`INITIALIZE`].
    pub initialize: bool,
}

/// A file with a zxid in its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatedFile {
    pub zxid: Zxid,
    pub file: FileName,
    /// In bytes, padding included.
    pub size: u64,
}

impl Listing {
    pub fn of(files: &[(FileName, u64)]) -> Listing {
        let dated = |zxid_of: fn(&str) -> Option<Zxid>| {
            let with_zxid = |(file, size): &(FileName, u64)| Some(DatedFile { zxid: zxid_of(file)?, file: file.clone(), size: *size });
            let mut dated: Vec<DatedFile> = files.iter().filter_map(with_zxid).collect();
            // By number: the names are hexadecimal without leading zeros.
            dated.sort_by_key(|it| it.zxid);
            dated
        };
        let initialize = files.iter().any(|(file, _)| &**file == INITIALIZE);
        Listing { snapshots: dated(snapshot_zxid), logs: dated(log_zxid), initialize }
    }

    /// The logs that may hold `zxid` or something newer: the one with the greatest name that is not newer, and all after it.
    pub fn logs_from(&self, zxid: Zxid) -> &[DatedFile] {
        let newer = self.logs.partition_point(|log| log.zxid <= zxid);
        &self.logs[newer.saturating_sub(1)..]
    }

    /// The logs whose every transaction is newer than `zxid`, the newest first: in this order they may be deleted, and whatever a crash
    /// leaves is the beginning of a history.
    pub fn logs_after(&self, zxid: Zxid) -> impl Iterator<Item = &FileName> {
        self.logs.iter().rev().filter(move |log| log.zxid > zxid).map(|log| &log.file)
    }

    /// The snapshots newer than `zxid`, the newest first.
    pub fn snapshots_after(&self, zxid: Zxid) -> impl Iterator<Item = &DatedFile> {
        self.snapshots.iter().rev().filter(move |snapshot| snapshot.zxid > zxid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(names: &[&str]) -> Listing {
        Listing::of(&names.iter().map(|name| (FileName::from(*name), 7)).collect::<Vec<_>>())
    }

    fn names<'a>(files: impl IntoIterator<Item = &'a DatedFile>) -> Vec<&'a str> {
        files.into_iter().map(|it| &*it.file).collect()
    }

    #[test]
    fn files_are_found_by_the_number_in_their_name() {
        let files = listing(&["initialize", "version-2/log.100000001", "version-2/log.ff", "version-2/log.ff.tmp", "version-2/snapshot.a", "x"]);
        assert!(files.initialize);
        assert_eq!(names(&files.logs), ["version-2/log.ff", "version-2/log.100000001"]);
        assert_eq!(names(&files.snapshots), ["version-2/snapshot.a"]);
    }

    #[test]
    fn the_log_with_the_greatest_name_not_newer_comes_first() {
        let files = listing(&["version-2/log.1", "version-2/log.5", "version-2/log.9"]);
        assert_eq!(names(files.logs_from(Zxid(5))), ["version-2/log.5", "version-2/log.9"]);
        assert_eq!(names(files.logs_from(Zxid(8))), ["version-2/log.5", "version-2/log.9"]);
        assert_eq!(names(files.logs_from(Zxid(0))).len(), 3, "the oldest begins later: all of them");
        assert!(listing(&[]).logs_from(Zxid(8)).is_empty());
        assert_eq!(files.logs_after(Zxid(4)).map(|file| &**file).collect::<Vec<_>>(), ["version-2/log.9", "version-2/log.5"]);
    }
}
