//! The last zxid of an epoch. Zab reference §8.1.

use super::bench::{Bench, EPOCH, zxid};
use crate::bugs::Bug;
use crate::proto::ask::{create, exists};
use crate::proto::{CreateMode, Stage, Zxid};
use crate::server::pipeline::Output;

/// A leader whose next zxid but two is the last of its epoch; its client's session takes the first of them.
fn leader() -> Bench {
    Bench::leading_from(zxid(u32::MAX - 3))
}

#[test]
fn the_last_zxid_is_not_proposed() {
    let mut bench = leader();
    let (conn, _) = bench.client();
    for xid in 1..=3 {
        bench.ask(conn, xid, create("/a", CreateMode::PersistentSequential));
    }
    bench.settle();
    let told: Vec<String> = bench
        .outputs()
        .iter()
        .map(|output| match output {
            Output::Propose(proposal) => format!("proposes {}", proposal.zxid()),
            Output::RolledOver(zxid) => format!("stops at {zxid}"),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(told, ["proposes 1:4294967294", "stops at 1:4294967295"]);
    bench.ask(conn, 4, exists("/"));
    if bench.is_woken(Stage::PrepRequestProcessor) {
        bench.settle();
    }
    assert!(bench.outputs().is_empty() && bench.replies(conn).is_empty(), "the thread that makes transactions has ended");
}

#[test]
fn zk_1277_runs_over_into_the_epoch() {
    let mut bench = leader().bug(Bug::Zk1277);
    let (conn, _) = bench.client();
    for xid in 1..=3 {
        bench.ask(conn, xid, create("/a", CreateMode::PersistentSequential));
    }
    bench.settle();
    let zxids: Vec<Zxid> = bench.proposed().iter().map(|proposal| proposal.zxid()).collect();
    assert_eq!(zxids, [Zxid::new(EPOCH, u32::MAX - 1), Zxid::new(EPOCH, u32::MAX), Zxid::new(EPOCH + 1, 0)]);
}
