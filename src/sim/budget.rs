//! The fault budget: which faults ZooKeeper promises to survive, and which it does not. Source: ZooKeeper Internals (guarantees), storage
//! reference §3, §9.
//!
//! Within the budget a violation is a bug, of ZooKeeper or of this model. Beyond it a violation may be the fault's own doing. Generated
//! faults stay within; a scenario may go beyond on purpose, and `zoolab run` says so.

use super::Action;
use super::disk::DiskFault;

/// One kind of fault, and what may be expected under it.
#[derive(Debug, PartialEq, Eq)]
pub struct BudgetRow {
    /// The verbs of the action grammar that it is about, or a setting.
    pub faults: &'static str,
    /// Whether ZooKeeper promises to survive it.
    pub within: bool,
    /// What is promised, or why nothing is.
    pub promise: &'static str,
}

const PROCESSES: BudgetRow = BudgetRow {
    faults: "crash, restart, start",
    within: true,
    promise: "any servers, at any time: no acknowledged write is lost; the ensemble serves while a quorum runs",
};
const POWER: BudgetRow = BudgetRow {
    faults: "power-loss, disk tear",
    within: true,
    promise: "any servers, even all at once: what was fsynced is there, what was acknowledged was fsynced by a quorum",
};
const PAUSES: BudgetRow = BudgetRow {
    faults: "pause, clock",
    within: true,
    promise: "any servers, for any time: nothing depends on clocks but how soon a dead peer is noticed and a session expires",
};
const LINKS: BudgetRow = BudgetRow {
    faults: "partition, cut, hold, slow, reset, lose",
    within: true,
    promise: "any links: a server without a quorum commits nothing; connections stay in order, as TCP keeps them",
};
const FAILING_DISKS: BudgetRow = BudgetRow {
    faults: "disk fail-read, fail-write, fail-fsync, full, slow",
    within: true,
    promise: "any disks, as long as they say so: a server that cannot write stops, and acknowledges nothing that it could not write",
};
const UNREPAIRED_LOG: BudgetRow = BudgetRow {
    faults: "disk fail-fsync, then crash before the server has cut its log back, then power-loss",
    within: false,
    promise: "the page cache still holds what the fsync lost: the next process believes it, and its own fsync of that succeeds",
};
const WIPED_DISKS: BudgetRow = BudgetRow {
    faults: "wipe",
    within: false,
    promise: "a server that forgot what it acknowledged and promised still counts: a write that one other server holds may be outvoted",
};
const ROTTEN_DISKS: BudgetRow = BudgetRow {
    faults: "disk rot, misdirect",
    within: false,
    promise: "a checksum finds most of it, and the server refuses to start; a record whose length or end is hit passes for the end of the log",
};
const LOOSE_DISKS: BudgetRow = BudgetRow {
    faults: "disk loose",
    within: false,
    promise: "ZooKeeper never syncs a folder, so a new log, an epoch or a snapshot may be gone after a power loss although its bytes were synced",
};
const UNFORCED_LOG: BudgetRow = BudgetRow {
    faults: "forceSync=no",
    within: false,
    promise: "acknowledged writes are in the page cache only: a power loss of a quorum loses them",
};

/// The whole table, what is promised first.
pub const FAULT_BUDGET: [&BudgetRow; 10] =
    [&PROCESSES, &POWER, &PAUSES, &LINKS, &FAILING_DISKS, &UNREPAIRED_LOG, &WIPED_DISKS, &ROTTEN_DISKS, &LOOSE_DISKS, &UNFORCED_LOG];

/// The row of three faults that are survived each by itself: a failed fsync, then a crash, then a power loss of one server.
pub const FAILED_FSYNC_FORGOTTEN: &BudgetRow = &UNREPAIRED_LOG;

/// The row of a log that is not forced (`forceSync=no`).
pub const FORCE_SYNC_OFF: &BudgetRow = &UNFORCED_LOG;

/// The row that an action falls under; `None` when it is no fault.
pub fn budget_row(action: &Action) -> Option<&'static BudgetRow> {
    Some(match action {
        Action::Crash(_) | Action::Restart(_) | Action::Start(_) => &PROCESSES,
        Action::PowerLoss(_) => &POWER,
        Action::Pause { .. } | Action::Clock { .. } => &PAUSES,
        Action::Partition(_) | Action::Cut { .. } | Action::Hold { .. } | Action::Slow { .. } | Action::Reset(..) | Action::Lose { .. } => &LINKS,
        Action::Wipe(_) => &WIPED_DISKS,
        Action::Disk { fault, .. } => return disk_row(fault),
        _ => return None,
    })
}

fn disk_row(fault: &DiskFault) -> Option<&'static BudgetRow> {
    match fault {
        DiskFault::Fail { .. } | DiskFault::Full { .. } | DiskFault::Slow { .. } => Some(&FAILING_DISKS),
        DiskFault::Tear { .. } => Some(&POWER),
        DiskFault::Rot { .. } | DiskFault::Misdirect { .. } => Some(&ROTTEN_DISKS),
        DiskFault::Loose => Some(&LOOSE_DISKS),
        DiskFault::Behave => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::disk::DISK_FAULTS;

    fn row(text: &str) -> Option<&'static BudgetRow> {
        budget_row(&Action::parse(text).unwrap_or_else(|error| panic!("{text}: {}", error.message)))
    }

    /// Every disk fault of the grammar is named in the row that it falls under.
    #[test]
    fn the_table_names_every_disk_fault() {
        for (form, _) in DISK_FAULTS {
            let verb = form.split(' ').next().expect("a form has a verb");
            let operands = match verb {
                "rot" | "misdirect" => " log.newest",
                "slow" => " 1ms",
                _ => "",
            };
            match row(&format!("disk s1 {verb}{operands}")) {
                Some(row) => assert!(row.faults.contains(verb), "{verb} falls under `{}`", row.faults),
                None => assert_eq!(verb, "behave"),
            }
        }
    }

    #[test]
    fn what_ends_a_fault_is_none() {
        for text in ["heal", "quiet", "resume s1", "mend s1 -> s2", "release s1 -> s2"] {
            assert_eq!(row(text), None, "{text}");
        }
    }

    #[test]
    fn disks_that_lie_are_beyond_it() {
        for (text, within) in [("crash s1", true), ("power-loss s1", true), ("wipe s1", false), ("disk s1 loose", false), ("disk s1 full", true)] {
            assert_eq!(row(text).map(|row| row.within), Some(within), "{text}");
        }
    }
}
