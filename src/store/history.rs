//! Histories that scenarios start from: real files, made by rule.

use std::sync::Arc;

use crate::proto::{Acl, CreateForm, FileName, Proposal, SessionId, Txn, TxnHeader, Zxid};
use crate::tree::Database;

use super::format::{LOG_HEADER, SnapshotWalker, log_name, snapshot_name};

/// The node that every transaction of a history sets.
pub const NODE: &str = "/history";

/// How many of the last transactions are in the log; older ones are in the snapshot alone.
const LOGGED: u32 = 20;

/// Snapshot and log of a server whose history ends at `last` = (e, c); nothing for (0, 0).
///
/// The log holds the last 20 transactions, the snapshot what was before: for c up to 20 nothing, as on a server that began empty, else
/// (e, c - 20). The first transaction of an epoch makes [`NODE`], each sets it to its own zxid. Everything in a state follows from its zxid,
/// so that two servers with one zxid have the same transactions and the same tree, wherever their snapshots are. The epoch files are
/// the caller's.
pub fn files(last: Zxid) -> Vec<(FileName, Vec<u8>)> {
    if last == Zxid::ZERO {
        return Vec::new();
    }
    let base = match last.counter() {
        0 => last,
        1..=LOGGED => Zxid::ZERO,
        counter => Zxid::new(last.epoch().0 as u32, counter - LOGGED),
    };
    let mut files = vec![(snapshot_name(base), snapshot(base))];
    let logged: Vec<Arc<Proposal>> =
        (base.counter() + 1..=last.counter()).map(|counter| transaction(Zxid::new(last.epoch().0 as u32, counter))).collect();
    if let Some(first) = logged.first() {
        let records = logged.iter().flat_map(|proposal| proposal.record.iter().copied());
        files.push((log_name(first.zxid()), LOG_HEADER.iter().copied().chain(records).collect()));
    }
    files
}

/// The transaction with this zxid. The version follows from its counter; its time is that many milliseconds after the beginning of the run.
pub(super) fn transaction(zxid: Zxid) -> Arc<Proposal> {
    let data = Some(zxid.to_string().into_bytes().into());
    match zxid.counter() {
        0 | 1 => {
            let acl = [Acl { perms: 31, scheme: "world".into(), id: "anyone".into() }].into();
            proposal(zxid, Txn::Create { form: CreateForm::Create, path: NODE.into(), data, acl, ephemeral: false, parent_cversion: 1 })
        }
        counter => proposal(zxid, Txn::SetData { path: NODE.into(), data, version: counter as i32 - 1 }),
    }
}

fn proposal(zxid: Zxid, txn: Txn) -> Arc<Proposal> {
    Proposal::new(TxnHeader { session: SessionId::NONE, cxid: 0, zxid, time: i64::from(zxid.counter()) }, txn)
}

/// The state at a zxid: the node was made by the first transaction of the epoch, and set by this one.
pub(super) fn snapshot(zxid: Zxid) -> Vec<u8> {
    let mut database = Database::new(0);
    if zxid.counter() > 0 {
        let made = Zxid(zxid.epoch().first_zxid().0 + 1);
        for at in [made].into_iter().chain((zxid > made).then_some(zxid)) {
            database.apply(&transaction(at)).expect("the node is made, then set");
        }
    }
    database.last_processed = zxid;
    let mut walker = SnapshotWalker::new(&database);
    std::iter::from_fn(|| walker.next(&database, usize::MAX)).flat_map(|chunk| chunk.to_vec()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::bench::{Bench, config};
    use super::*;

    #[test]
    fn one_zxid_is_one_state_wherever_the_snapshot_is() {
        let state = |last: Zxid| {
            let mut bench = Bench::default();
            bench.install(files(last));
            let database = bench.load(&config(1000), true).expect("a history can be loaded").database;
            assert_eq!(database.last_processed, last);
            (database.digest(), bench.names())
        };
        assert_eq!(state(Zxid::new(2, 30)).1, ["log.20000000b", "snapshot.20000000a"]);
        assert_eq!(state(Zxid::new(2, 20)).1, ["log.200000001", "snapshot.0"]);
        assert_eq!(state(Zxid::new(2, 0)).1, ["snapshot.200000000"]);
        assert!(files(Zxid::ZERO).is_empty());
        // The same zxid once from the log and once from the snapshot alone.
        let mut bench = Bench::default();
        bench.install(files(Zxid::new(2, 10)));
        let replayed = bench.load(&config(1000), true).expect("a history can be loaded").database;
        assert_eq!(replayed.digest(), super::super::bench::digest_at(Zxid::new(2, 10)));
        assert_ne!(state(Zxid::new(2, 30)).0, state(Zxid::new(2, 31)).0);
    }
}
