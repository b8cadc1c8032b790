//! Laws of sessions over a troubled run: clients that fall silent, servers that crash, sessions that move. Sessions reference §11.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use zoolab::proto::{NodeId, Path, Proposal, ServerId, SessionId, Txn, TxnRef, Zxid};
use zoolab::scenario::{Run, RunOptions, Scenario};
use zoolab::trace::{Note, SnapshotSource, What};
use zoolab::tree::Database;

const TROUBLE: &str = r#"{
  "title": "Sessions in trouble",
  "ensemble": { "servers": 3, "observers": 1, "config": { "tickTime": 200, "initLimit": 10, "syncLimit": 10, "snapCount": 40, "preAllocSize": 0 } },
  "clients": {
    "c1": { "connect": "s1", "timeout": "1s" }, "c2": { "connect": "s2", "timeout": "1s" },
    "c3": { "connect": "s3", "timeout": "2s" }, "c4": { "connect": "s4", "timeout": "1s" }
  },
  "workloads": { "mixed": { "clients": ["c1", "c2", "c3", "c4"], "rate": "30/s", "mix": { "create": 2, "delete": 1, "set": 2, "get": 2, "sync": 1 } } },
  "steps": [
    { "at": "1500ms", "do": "c1 create -e -s /e-" },
    { "after": "0us", "do": "c2 create -e -s /e-" },
    { "after": "100ms", "do": "c4 create -e -s /e-" },
    { "after": "0us", "do": "pause c1 for 2s" },
    { "after": "200ms", "do": "crash leader" },
    { "after": "900ms", "do": "restart all" },
    { "after": "300ms", "do": "c3 create -e -s /e-" },
    { "after": "100ms", "do": "reset c2 s2", "optional": true },
    { "after": "200ms", "do": "partition s1 c1 | s2 s3 s4" },
    { "after": "300ms", "do": "c3 create -e -s /e-" },
    { "after": "900ms", "do": "heal" },
    { "after": "500ms", "do": "c4 close" },
    { "after": "300ms", "do": "pause leader for 1500ms", "optional": true },
    { "after": "300ms", "do": "c2 create -e -s /e-" },
    { "after": "1s", "do": "cut s1 -> leader", "optional": true, "note": "sessions there are not heard of, and go on writing" },
    { "after": "0us", "do": "cut s2 -> leader", "optional": true },
    { "after": "0us", "do": "cut s4 -> leader" },
    { "when": "session_expiring", "do": "heal", "note": "what they wrote meets the end of the sessions" }
  ],
  "run": "11s",
  "expect": { "verdict": "pass", "saw": ["session_expiring"] }
}"#;

/// What was committed in a run, by zxid.
type History = BTreeMap<Zxid, Arc<Proposal>>;

#[test]
fn they_end_for_good() {
    let scenario = Arc::new(Scenario::read(TROUBLE.as_bytes()).expect("a scenario"));
    for seed in 1..=4 {
        let mut run = Run::new(scenario.clone(), RunOptions { seed: Some(seed), keep_events: true, ..RunOptions::default() });
        while run.advance() {}
        let report = run.report();
        assert!(report.is_as_expected(), "seed {seed}: {} {:?}", report.verdict, report.missed);
        let history = committed(&run);
        let problem = after_their_end(&history).into_iter().chain(created_twice(&history)).next();
        assert_eq!(problem, None, "seed {seed}");
        let databases: Vec<&Database> = (1..=4).filter_map(|id| run.server(ServerId(id))).map(zoolab::server::Server::database).collect();
        assert_eq!(databases.len(), 4);
        for database in databases {
            let orphans: Vec<SessionId> = database.tree().ephemeral_owners().filter(|owner| !database.sessions().contains_key(owner)).collect();
            assert_eq!(orphans, [], "seed {seed}: ephemerals without a session");
        }
    }
}

/// What leaders committed, and what each had in its log when its epoch was established: that is history, too.
fn committed(run: &Run) -> History {
    let mut proposed: BTreeMap<TxnRef, Arc<Proposal>> = BTreeMap::new();
    let mut logs: BTreeMap<NodeId, BTreeMap<Zxid, TxnRef>> = BTreeMap::new();
    let mut history: BTreeMap<Zxid, TxnRef> = BTreeMap::new();
    for event in run.events() {
        let (Some(node), What::Note(note)) = (event.node, &event.what) else { continue };
        let log = logs.entry(node).or_default();
        match note {
            Note::Proposed { txn, what } => drop(proposed.insert(*txn, what.clone())),
            Note::Committed { txn, .. } => drop(history.insert(txn.zxid, *txn)),
            Note::Applied { txn, .. } => drop(log.insert(txn.zxid, *txn)),
            Note::Established { .. } => history.extend(&*log),
            // What it replays comes anew, and what it was made to forget does not come again.
            Note::SnapshotLoaded { from: SnapshotSource::Leader, .. } => log.clear(),
            Note::SnapshotLoaded { zxid: last, .. } | Note::FollowerTruncates { to: last, .. } => drop(log.split_off(&Zxid(last.0 + 1))),
            _ => {}
        }
    }
    assert!(history.len() > 100, "{} transactions", history.len());
    history.into_iter().map(|(zxid, txn)| (zxid, proposed[&txn].clone())).collect()
}

/// Transactions that took effect for a session that did not exist: not yet, or no more.
fn after_their_end(history: &History) -> Vec<String> {
    let (mut alive, mut ended) = (BTreeSet::new(), 0);
    let mut problems = Vec::new();
    for proposal in history.values() {
        let session = proposal.header.session;
        match &proposal.txn {
            Txn::CreateSession { .. } if !alive.insert(session) => problems.push(format!("{proposal}: {session} exists")),
            Txn::CreateSession { .. } | Txn::Error { .. } => {}
            // The tracker may close what its client is closing at that moment.
            Txn::CloseSession { paths } => {
                let late = !alive.remove(&session) && paths.as_ref().is_some_and(|paths| !paths.is_empty());
                problems.extend(late.then(|| format!("{proposal}: {session} had left something")));
                ended += 1;
            }
            _ if alive.contains(&session) => {}
            _ => problems.push(format!("{proposal}: {session} does not exist")),
        }
    }
    assert!(ended > 2, "{ended} sessions ended");
    problems
}

/// Paths created while they were there; sequential names among them.
fn created_twice(history: &History) -> Vec<String> {
    let mut there: BTreeSet<&Path> = BTreeSet::new();
    let mut problems = Vec::new();
    for proposal in history.values() {
        match &proposal.txn {
            Txn::Create { path, .. } if !there.insert(path) => problems.push(format!("{proposal}: {path} is there")),
            Txn::Delete { path, .. } if !there.remove(path) => problems.push(format!("{proposal}: {path} is not there")),
            Txn::CloseSession { paths } => {
                for path in paths.iter().flat_map(|paths| paths.iter()) {
                    problems.extend((!there.remove(path)).then(|| format!("{proposal}: {path} is not there")));
                }
            }
            _ => {}
        }
    }
    problems
}
