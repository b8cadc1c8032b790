//! What a learner tells its leader. Zab reference §8.3, §8.7.

use std::sync::Arc;

use super::bench::{Bench, sync};
use crate::proto::ask::{children, create, exists, get, set};
use crate::proto::{CreateMode, Op, SessionId, Stage};
use crate::server::pipeline::Kind;

#[test]
fn writes_and_syncs_are_forwarded_in_order_and_reads_are_not() {
    for kind in [Kind::Follower, Kind::Observer] {
        let mut bench = Bench::new(kind);
        let ((one, first), (two, second)) = (bench.client(), bench.client());
        bench.ask(one, 1, create("/a", CreateMode::Persistent));
        bench.ask(two, 1, get("/"));
        bench.ask(two, 2, sync());
        bench.ask(one, 2, exists("/a"));
        bench.ask(one, 3, set("/a", "x", -1));
        bench.ask(two, 3, children("/"));
        bench.ask(two, -2, Op::Ping);
        bench.ask(two, 4, Op::CloseSession);
        assert!(bench.forwarded().is_empty(), "a thread of its own does it");
        bench.stage(Stage::FollowerRequestProcessor);
        let sent: Vec<(SessionId, i32, i32)> = bench.forwarded().iter().map(|it| (it.session, it.cxid, it.op.number())).collect();
        assert_eq!(sent, [(first, 1, 1), (second, 2, 9), (first, 3, 5), (second, 4, -11)]);
    }
}

/// Each session once, with its timeout; the next table starts empty.
#[test]
fn the_touch_table_goes_with_each_ping() {
    let mut bench = Bench::new(Kind::Follower);
    let ((one, first), (_, second)) = (bench.client(), bench.client());
    let touched = |bench: &mut Bench| bench.act(|pipeline, _, _| pipeline.touched());
    assert_eq!(touched(&mut bench), Arc::from([(first, 1_000), (second, 1_000)]), "being created is a sign of life");
    assert_eq!(touched(&mut bench), Arc::from([]));
    bench.ask(one, -2, Op::Ping);
    bench.ask(one, 1, exists("/"));
    assert_eq!(touched(&mut bench), Arc::from([(first, 1_000)]));
}

/// Learners number their sessions by themselves; the clock keeps two lives of one server apart.
#[test]
fn sessions_of_two_lives_differ() {
    let mut bench = Bench::new(Kind::Follower);
    let ((_, first), (_, second)) = (bench.client(), bench.client());
    assert_eq!(second.0, first.0 + 1);
    let mut later = Bench::over(Kind::Follower, super::bench::config(), bench.db, bench.now + crate::proto::Micros::from_millis(1));
    let (_, third) = later.client();
    assert_eq!(third.0, first.0 + (1 << 16));
}
