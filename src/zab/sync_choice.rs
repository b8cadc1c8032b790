//! How a leader brings a learner up to date: DIFF, TRUNC or SNAP. A pure function of what both have. Source: `LearnerHandler.syncFollower`,
//! `queueCommittedProposals`; zab reference §4, whose rows and letters are used here.

use std::sync::Arc;

use crate::bugs::{Bug, Bugs};
use crate::proto::{Proposal, Zxid};
use crate::trace::SyncHow;

/// What the leader has, at one instant.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// lastProcessedZxid of its tree.
    pub last: Zxid,
    /// The last zxid it proposed; (epoch, 0) before the first.
    pub last_proposed: Zxid,
    /// The committed transactions it keeps in memory, oldest first.
    pub committed: &'a [Arc<Proposal>],
    /// What its log on disk holds from the peer's zxid on.
    pub log: LogPart<'a>,
    /// `forceSnapshotSync`.
    pub force_snapshot: bool,
}

/// The leader's own log, as far as it was asked for.
#[derive(Clone, Copy, Debug)]
pub enum LogPart<'a> {
    /// Nobody has looked yet.
    Unread,
    /// It cannot serve: too large next to a snapshot, unreadable, begins behind the peer, or not to be used at all.
    Unusable,
    /// What the files hold from the one on that the peer's zxid belongs in, in order, committed or not.
    Read(&'a [Arc<Proposal>]),
}

/// What is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncPlan {
    pub how: SyncHow,
    /// Of the packet: TRUNC keeps what is up to it; DIFF's only informs; for SNAP that of the tree when it is sent.
    pub zxid: Zxid,
    /// To follow as PROPOSAL and COMMIT each.
    pub txns: Vec<Arc<Proposal>>,
    /// What is proposed or committed behind this zxid is forwarded from now on.
    pub forward_after: Zxid,
    /// Row of the table that decided, 1 to 6.
    pub row: u8,
}

/// The decision, or the wish to see the log first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    ReadLog,
    Plan(SyncPlan),
}

/// Chooses for a learner whose history ends at `peer`.
pub fn choose(peer: Zxid, leader: &Standing, bugs: Bugs) -> Choice {
    let Standing { last, committed, .. } = *leader;
    let min = committed.first().map_or(last, |oldest| oldest.zxid());
    let max = committed.last().map_or(last, |newest| newest.zxid());
    let plan = |row, how, zxid, forward_after| Choice::Plan(SyncPlan { how, zxid, txns: Vec::new(), forward_after, row });
    if leader.force_snapshot {
        return plan(1, SyncHow::Snap, last, last);
    }
    if is_level(peer, leader, bugs) {
        // ZOOKEEPER-1465: a leader that keeps nothing in memory sends everything.
        let how = if bugs.has(Bug::Zk1465) && committed.is_empty() { SyncHow::Snap } else { SyncHow::Diff };
        return plan(2, how, peer, peer);
    }
    if peer > max && !is_new_epoch(peer) {
        // ZOOKEEPER-508: forwarding starts from where the learner was, not from where it is cut back to.
        return plan(3, SyncHow::Trunc, max, if bugs.has(Bug::Zk508) { peer } else { max });
    }
    if min <= peer && peer <= max {
        let mut walk = Walk::new(peer, max, bugs);
        walk.over(committed, None);
        return Choice::Plan(walk.finish(4, last));
    }
    if peer < min {
        match leader.log {
            LogPart::Unread => return Choice::ReadLog,
            LogPart::Unusable | LogPart::Read([]) => {}
            LogPart::Read(log) => {
                if let Some(found) = walk_log(peer, min, max, log, committed, last, bugs) {
                    return Choice::Plan(found);
                }
            }
        }
        return plan(5, SyncHow::Snap, last, last);
    }
    plan(6, SyncHow::Snap, last, last)
}

/// Row 2: the learner has exactly what the leader has processed.
fn is_level(peer: Zxid, leader: &Standing, bugs: Bugs) -> bool {
    // ZOOKEEPER-1319: compared with lastProposed, which the new leader has left at zero; so an empty learner is taken for a level one.
    peer == leader.last || bugs.has(Bug::Zk1319) && peer == leader.last_proposed
}

/// No transaction has this zxid: the counter half is zero.
fn is_new_epoch(zxid: Zxid) -> bool {
    zxid.counter() == 0
}

/// Row 5: from the log up to what memory holds, then from memory. `None` when there is a gap between them.
fn walk_log(peer: Zxid, min: Zxid, max: Zxid, log: &[Arc<Proposal>], committed: &[Arc<Proposal>], last: Zxid, bugs: Bugs) -> Option<SyncPlan> {
    let mut walk = Walk::new(peer, max, bugs);
    walk.over(log, Some(max));
    if walk.queued < min {
        return None;
    }
    // The second walk begins at the last one queued: what both hold is sent once.
    walk.peer = walk.queued;
    walk.over(committed, None);
    Some(walk.finish(5, last))
}

/// `queueCommittedProposals`: one pass over transactions in zxid order that finds the point where the histories part.
struct Walk {
    peer: Zxid,
    max: Zxid,
    bugs: Bugs,
    /// DIFF or TRUNC with its zxid, once the pass has come to the peer's zxid (`needOpPacket`).
    header: Option<(SyncHow, Zxid)>,
    txns: Vec<Arc<Proposal>>,
    /// The last zxid queued; the peer's own at first.
    queued: Zxid,
}

impl Walk {
    fn new(peer: Zxid, max: Zxid, bugs: Bugs) -> Walk {
        Walk { peer, max, bugs, header: None, txns: Vec::new(), queued: peer }
    }

    fn over(&mut self, txns: &[Arc<Proposal>], up_to: Option<Zxid>) {
        let mut previous = Zxid::UNTRUSTED;
        for txn in txns.iter().take_while(|txn| up_to.is_none_or(|limit| txn.zxid() <= limit)) {
            let zxid = txn.zxid();
            if zxid < self.peer {
                previous = zxid;
                continue;
            }
            if self.header.is_none() {
                self.header = self.part_at(zxid, previous);
                if self.header.is_none() {
                    return;
                }
            }
            // 4e; what is not newer was queued before, or is the peer's own last one.
            if zxid > self.queued {
                self.txns.push(txn.clone());
                self.queued = zxid;
            }
        }
    }

    /// 4a to 4d, at the first transaction not older than the peer's last one. `None`: no TRUNC reaches over the border of an epoch.
    fn part_at(&self, zxid: Zxid, previous: Zxid) -> Option<(SyncHow, Zxid)> {
        // ZOOKEEPER-1154: nobody looks whether the peer's last zxid is one of the leader's.
        let is_common = zxid == self.peer || self.bugs.has(Bug::Zk1154);
        if is_common || is_new_epoch(self.peer) {
            Some((SyncHow::Diff, self.max))
        } else {
            (zxid.epoch() == self.peer.epoch()).then_some((SyncHow::Trunc, previous))
        }
    }

    fn finish(self, row: u8, last: Zxid) -> SyncPlan {
        let Walk { peer, max, header, txns, queued, .. } = self;
        // A peer that is at (epoch, 0), and nothing was proposed since: an empty DIFF.
        let level = is_new_epoch(peer).then_some((SyncHow::Diff, max));
        match header.or(level) {
            Some((how, zxid)) => SyncPlan { how, zxid, txns, forward_after: queued, row },
            None => SyncPlan { how: SyncHow::Snap, zxid: last, txns: Vec::new(), forward_after: queued, row },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{SessionId, Txn, TxnHeader};

    fn zxid(text: &str) -> Zxid {
        Zxid::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    fn txns(zxids: &str) -> Vec<Arc<Proposal>> {
        let header = |text| TxnHeader { session: SessionId::NONE, cxid: 0, zxid: zxid(text), time: 0 };
        zxids.split_whitespace().map(|text| Proposal::new(header(text), Txn::CloseSession { paths: None })).collect()
    }

    /// `DIFF 1:4: 1:3 1:4, then after 1:4 (row 4)`, or `read the log`.
    fn told(choice: &Choice) -> String {
        let Choice::Plan(SyncPlan { how, zxid, txns, forward_after, row }) = choice else {
            return "read the log".into();
        };
        let sent: String = txns.iter().map(|txn| format!(" {}", txn.zxid())).collect();
        format!("{how} {zxid}:{sent}, then after {forward_after} (row {row})")
    }

    /// A leader that has processed `last` and keeps `committed` in memory.
    struct Case {
        last: &'static str,
        committed: &'static str,
        log: Option<&'static str>,
        peer: &'static str,
        bugs: &'static [Bug],
        forced: bool,
    }

    impl Case {
        fn new(last: &'static str, committed: &'static str, peer: &'static str) -> Case {
            Case { last, committed, log: None, peer, bugs: &[], forced: false }
        }

        fn log(self, log: &'static str) -> Case {
            Case { log: Some(log), ..self }
        }

        fn with(self, bugs: &'static [Bug]) -> Case {
            Case { bugs, ..self }
        }

        fn says(self, expected: &str) {
            let (committed, log) = (txns(self.committed), self.log.map(|log| if log == "-" { Vec::new() } else { txns(log) }));
            let log = match (&log, self.log) {
                (_, Some("-")) => LogPart::Unusable,
                (Some(log), _) => LogPart::Read(log),
                (None, _) => LogPart::Unread,
            };
            let last_proposed = if self.bugs.contains(&Bug::Zk1319) { Zxid::ZERO } else { zxid(self.last) };
            let leader = Standing { last: zxid(self.last), last_proposed, committed: &committed, log, force_snapshot: self.forced };
            let choice = choose(zxid(self.peer), &leader, self.bugs.iter().copied().collect());
            assert_eq!(told(&choice), expected, "last {}, in memory {}, log {:?}, peer {}", self.last, self.committed, self.log, self.peer);
        }
    }

    const MEMORY: &str = "1:2 1:3 2:1 2:2";

    #[test]
    fn rows_of_the_table() {
        Case { forced: true, ..Case::new("2:2", MEMORY, "2:2") }.says("SNAP 2:2:, then after 2:2 (row 1)");
        Case::new("2:2", MEMORY, "2:2").says("DIFF 2:2:, then after 2:2 (row 2)");
        Case::new("0:0", "", "0:0").says("DIFF 0:0:, then after 0:0 (row 2)");
        // An established leader that has proposed nothing is at (epoch, 0) itself.
        Case::new("3:0", MEMORY, "3:0").says("DIFF 3:0:, then after 3:0 (row 2)");
        Case::new("2:2", MEMORY, "2:4").says("TRUNC 2:2:, then after 2:2 (row 3)");
        Case::new("2:2", "", "2:4").says("TRUNC 2:2:, then after 2:2 (row 3)");
        Case::new("3:0", MEMORY, "2:3").says("TRUNC 2:2:, then after 2:2 (row 3)");
        Case::new("2:2", MEMORY, "1:2").says("DIFF 2:2: 1:3 2:1 2:2, then after 2:2 (row 4)");
        Case::new("2:2", MEMORY, "2:2").with(&[Bug::Zk1465]).says("DIFF 2:2:, then after 2:2 (row 2)");
        Case::new("2:2", MEMORY, "1:1").says("read the log");
        Case::new("2:2", MEMORY, "1:1").log("-").says("SNAP 2:2:, then after 2:2 (row 5)");
        Case::new("2:2", MEMORY, "1:1").log("").says("SNAP 2:2:, then after 2:2 (row 5)");
        Case::new("2:2", MEMORY, "3:0").says("SNAP 2:2:, then after 2:2 (row 6)");
        Case::new("5:0", "", "2:3").says("read the log");
    }

    /// Where the histories part, in memory.
    #[test]
    fn letters_of_the_walk() {
        // a: the peer's own last one is not sent again.
        Case::new("2:2", MEMORY, "1:3").says("DIFF 2:2: 2:1 2:2, then after 2:2 (row 4)");
        // b: no transaction has the peer's zxid.
        Case::new("2:2", MEMORY, "2:0").says("DIFF 2:2: 2:1 2:2, then after 2:2 (row 4)");
        Case::new("3:1", "1:2 1:3 3:1", "2:0").says("DIFF 3:1: 3:1, then after 3:1 (row 4)");
        // c: the peer has what the leader lacks, in the epoch of the next one.
        Case::new("2:4", "2:1 2:4", "2:2").says("TRUNC 2:1: 2:4, then after 2:4 (row 4)");
        // d: in another epoch. The tree overlaps with what is forwarded.
        Case::new("2:2", MEMORY, "1:7").says("SNAP 2:2:, then after 1:7 (row 4)");
        // e, at the newest: nothing is left to send.
        Case::new("3:0", MEMORY, "2:2").says("DIFF 2:2:, then after 2:2 (row 4)");
    }

    /// From the log on disk: what was not committed is not sent, and memory goes on where the log ends.
    #[test]
    fn the_log_serves_whom_memory_cannot() {
        let case = || Case::new("2:2", "1:3 2:1 2:2", "1:1");
        case().log("1:1 1:2 1:3 2:1 2:2 2:3").says("DIFF 2:2: 1:2 1:3 2:1 2:2, then after 2:2 (row 5)");
        case().log("0:9 1:1 1:2 1:3").says("DIFF 2:2: 1:2 1:3 2:1 2:2, then after 2:2 (row 5)");
        // The log, as far as it was written, ends before memory begins.
        case().log("1:1 1:2").says("SNAP 2:2:, then after 2:2 (row 5)");
        // c and d as in memory.
        Case::new("1:9", "1:8 1:9", "1:3").log("1:1 1:2 1:5 1:8").says("TRUNC 1:2: 1:5 1:8 1:9, then after 1:9 (row 5)");
        Case::new("2:3", "2:2 2:3", "1:3").log("1:1 2:1 2:2").says("SNAP 2:3:, then after 2:3 (row 5)");
    }

    #[test]
    fn known_bugs_change_one_answer_each() {
        // The example of ZOOKEEPER-1154: (7,4) was logged by the peer alone.
        let alone = || Case::new("8:1", "7:1 7:2 7:3 8:1", "7:4");
        alone().says("SNAP 8:1:, then after 7:4 (row 4)");
        alone().with(&[Bug::Zk1154]).says("DIFF 8:1: 8:1, then after 8:1 (row 4)");
        Case::new("2:2", MEMORY, "2:4").with(&[Bug::Zk508]).says("TRUNC 2:2:, then after 2:4 (row 3)");
        Case::new("2:2", "", "2:2").with(&[Bug::Zk1465]).says("SNAP 2:2:, then after 2:2 (row 2)");
        Case::new("2:2", MEMORY, "0:0").with(&[Bug::Zk1319]).says("DIFF 0:0:, then after 0:0 (row 2)");
    }
}
