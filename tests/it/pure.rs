//! Applying is pure: one tree for one history. What a whole run committed is applied anew, here, one transaction after the other from nothing;
//! every server must have had that tree behind every commit, whichever way it came to it: by commits alone, by a synchronisation, from a
//! snapshot that was written while the tree changed and the log behind it. (While it reads a log over such a snapshot, or is synchronised from
//! one, it may have a tree that never was.)
//!
//! No check of the program takes part. That the property can fail is tried too: known bugs of storage and of the tree break it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use zoolab::proto::{NodeId, Proposal, TxnRef, Zxid};
use zoolab::scenario::{Run, RunOptions, Scenario};
use zoolab::trace::{ApplyHow, Event, Note};
use zoolab::tree::Database;

/// Plans that the correct build is tried with, and that a known bug has time to show itself in.
const CASES: u32 = 60;
const CASES_OF_A_BUG: u32 = 120;

#[derive(Clone, Debug)]
struct Plan {
    seed: u64,
    snap_count: u32,
    metadata_ms: u32,
    deeds: Vec<Deed>,
}

/// Something comes `after_ms` after the deed before it. The numbers are read as the line needs them.
#[derive(Clone, Copy, Debug)]
struct Deed {
    after_ms: u32,
    line: usize,
    client: u32,
    path: usize,
    amount: u32,
}

const PATHS: [&str; 6] = ["/a", "/b", "/a/x", "/a/y", "/a/x/1", "/b/x"];

/// What clients ask for, and now and then a fault.
const LINES: [fn(&Deed, &str) -> String; 18] = [
    |_, path| format!("create {path} x"),
    |_, path| format!("create {path} x"),
    |deed, path| format!("create {path} {}", deed.amount),
    |_, path| format!("create -e {path} mine"),
    |_, path| format!("create -e -s {path}- mine"),
    |_, path| format!("create -s {path}- x"),
    |_, path| format!("create -c {path} c"),
    |deed, path| format!("set {path} {}", deed.amount),
    |deed, path| format!("set -v {} {path} {}", deed.amount % 3, deed.amount),
    |_, path| format!("delete {path}"),
    |_, path| format!("delete {path}"),
    |_, path| format!("setAcl {path} world:anyone:cdra"),
    |_, path| format!("setAcl {path} world:anyone:cdrwa"),
    |_, _| "close".into(),
    |_, _| "connect".into(),
    |_, _| "connect".into(),
    |deed, _| format!("!crash s{}", deed.amount % 4 + 1),
    |_, _| "!restart all".into(),
];

fn plans() -> impl Strategy<Value = Plan> {
    let deed = (0..40_u32, 0..LINES.len(), 1..=3_u32, 0..PATHS.len(), 0..100_u32);
    let deed = deed.prop_map(|(after_ms, line, client, path, amount)| Deed { after_ms, line, client, path, amount });
    (1..1_000_u64, 2..6_u32, 1..60_u32, vec(deed, 20..90)).prop_map(|(seed, snap_count, metadata_ms, deeds)| Plan {
        seed,
        snap_count,
        metadata_ms,
        deeds,
    })
}

impl Plan {
    /// As a scenario file, with this bug if any.
    fn text(&self, bug: Option<&str>) -> String {
        let Plan { seed, snap_count, metadata_ms, .. } = self;
        let bugs = bug.map(|bug| format!("\"{bug}\"")).unwrap_or_default();
        let mut steps = String::from(r#"{ "when": "connected #3", "do": "c1 create /a x", "optional": true }"#);
        let mut end_ms = 8_000;
        for deed in &self.deeds {
            let line = LINES[deed.line](deed, PATHS[deed.path]);
            let action = line.strip_prefix('!').map_or_else(|| format!("c{} {line}", deed.client), String::from);
            let _ = write!(steps, r#", {{ "after": "{}ms", "do": "{action}", "optional": true }}"#, deed.after_ms);
            end_ms += deed.after_ms;
        }
        // Whoever is behind comes from where it stands, with a log and snapshots as they are.
        steps += r#", { "after": "20ms", "do": "quiet", "optional": true }, { "after": "1500ms", "do": "c1 sync /", "optional": true }"#;
        format!(
            r#"{{ "title": "pure", "seed": {seed}, "bugs": [{bugs}],
                 "ensemble": {{ "servers": 3, "observers": 1, "config": {{ "tickTime": 200, "initLimit": 10, "syncLimit": 5, "snapCount": {snap_count}, "commitLogCount": 3 }} }},
                 "timing": {{ "link": "1ms..3ms", "stage": "0us..3ms", "metadata": "0us..{metadata_ms}ms" }},
                 "clients": {{ "c1": {{ "connect": "s1", "timeout": "1s" }}, "c2": {{ "connect": "s2", "timeout": "1s" }}, "c3": {{ "connect": "s4", "timeout": "1s" }} }},
                 "steps": [{steps}], "run": "{end_ms}ms", "recover": false, "expect": {{ "verdict": "pass" }} }}"#
        )
    }

    /// What differs from the pure tree, if anything does.
    fn impurity(&self, bug: Option<&str>) -> Option<String> {
        let text = self.text(bug);
        let scenario = Scenario::read(text.as_bytes()).unwrap_or_else(|problems| panic!("{:?}\n{text}", problems[0].message));
        let options = RunOptions { keep_events: true, unwatched: true, ..RunOptions::default() };
        let mut run = Run::new(Arc::new(scenario), options);
        while run.advance() {}
        let pure = pure(run.events());
        assert!(pure.len() > 5, "nothing happened: {text}");
        let seen = run.events().iter().filter_map(|event| match (event.node, event.note()) {
            (Some(node), Some(Note::Applied { txn, how: ApplyHow::Commit, digest })) => Some((node, txn.zxid, *digest, event.to_string())),
            _ => None,
        });
        let servers = (1..=4).map(NodeId::server).filter_map(|node| Some((node, run.server(node.as_server()?)?.database())));
        let last = servers.map(|(node, database)| (node, database.last_processed, database.digest(), "at the end of the run".into()));
        let differs = |(_, zxid, digest, _): &(NodeId, Zxid, u64, String)| {
            // A leader's last zxid may be the beginning of its epoch, which is no transaction.
            pure.range(..=*zxid).next_back().is_some_and(|(_, pure)| pure != digest)
        };
        seen.chain(last).find(differs).map(|(node, zxid, _, when)| format!("{node} does not have the tree of {zxid}: {when}"))
    }
}

/// The digest behind each transaction that was committed, of the one tree that they make.
fn pure(events: &[Event]) -> BTreeMap<Zxid, u64> {
    let (proposed, history) = committed(events);
    let mut database = Database::new(1);
    let step = |(zxid, txn): (&Zxid, &TxnRef)| {
        let _ = database.apply(&proposed[txn]);
        (*zxid, database.digest())
    };
    [(Zxid::ZERO, Database::new(1).digest())].into_iter().chain(history.iter().map(step)).collect()
}

/// All that was proposed, and what of it was committed: by a COMMIT, by a synchronisation with a leader, or because a leader began its epoch
/// with it.
fn committed(events: &[Event]) -> (BTreeMap<TxnRef, Arc<Proposal>>, BTreeMap<Zxid, TxnRef>) {
    let mut proposed: BTreeMap<TxnRef, Arc<Proposal>> = BTreeMap::new();
    let mut history: BTreeMap<Zxid, TxnRef> = BTreeMap::new();
    // What each server has, as far as it has told of it.
    let mut has: BTreeMap<NodeId, BTreeMap<Zxid, TxnRef>> = BTreeMap::new();
    for (node, note) in events.iter().filter_map(|event| Some((event.node?, event.note()?))) {
        let mine = has.entry(node).or_default();
        match note {
            Note::Proposed { txn, what } => drop(proposed.insert(*txn, what.clone())),
            Note::Applied { txn, how, .. } => {
                mine.retain(|zxid, _| *zxid < txn.zxid);
                mine.insert(txn.zxid, *txn);
                if *how != ApplyHow::Replay {
                    history.insert(txn.zxid, *txn);
                }
            }
            Note::LogTruncated { to } => mine.retain(|zxid, _| zxid <= to),
            Note::SnapshotLoaded { zxid, .. } => mine.retain(|mine, _| mine <= zxid),
            Note::Established { .. } => history.extend(mine.iter()),
            _ => {}
        }
    }
    (proposed, history)
}

fn runner(cases: u32) -> TestRunner {
    let max_shrink_iters = if cases == CASES { 200 } else { 0 };
    let config = Config { cases, failure_persistence: None, max_shrink_iters, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

#[test]
fn every_server_has_the_tree_of_the_history() {
    let fine = |plan: Plan| plan.impurity(None).map_or(Ok(()), |what| Err(TestCaseError::fail(what)));
    match runner(CASES).run(&plans(), fine) {
        Ok(()) => {}
        Err(TestError::Fail(why, plan)) => panic!("{why}\n{}", plan.text(None)),
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
}

/// With each of these some plan shows a server that has another tree.
#[test]
fn known_bugs_make_another_tree() {
    let shows = |bug: &str| {
        let pure = |plan: Plan| plan.impurity(Some(bug)).map_or(Ok(()), |what| Err(TestCaseError::fail(what)));
        matches!(runner(CASES_OF_A_BUG).run(&plans(), pure), Err(TestError::Fail(..)))
    };
    let bugs = ["ZK-1090", "ZK-1367", "mutant-commits-newest-first"];
    assert_eq!(bugs.into_iter().filter(|bug| !shows(bug)).collect::<Vec<_>>(), [""; 0]);
}
