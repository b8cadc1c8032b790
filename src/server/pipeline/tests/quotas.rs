//! Hard limits of quotas. Data-model reference §5.1, §11.

use std::sync::Arc;

use super::bench::{Bench, config};
use crate::proto::ask::{create, delete, set};
use crate::proto::{Config, ConnId, CreateMode, Op, Txn, Zxid};
use crate::server::pipeline::Kind;

use CreateMode::{Ephemeral, Persistent, PersistentSequential};

const LIMITS: &str = "/zookeeper/quota/q/zookeeper_limits";

/// A leader with `/q` and its quota, and a client.
fn leader(enforces: bool, limits: &str) -> (Bench, ConnId) {
    let mut bench = Bench::with(Kind::Leader, Config { enforce_quota: enforces, ..config() });
    let (conn, _) = bench.client();
    for path in ["/q", "/zookeeper/quota/q", LIMITS, "/zookeeper/quota/q/zookeeper_stats"] {
        assert_eq!(bench.does(conn, create(path, Persistent)), path);
    }
    assert_eq!(bench.does(conn, set(LIMITS, limits, -1)), "Ok");
    (bench, conn)
}

fn assert_told(bench: &mut Bench, conn: ConnId, told: impl IntoIterator<Item = (Op, &'static str)>) {
    for (op, expected) in told {
        assert_eq!(bench.does(conn, op.clone()), expected, "{op}");
    }
}

#[test]
fn as_many_nodes_as_the_hard_limit_says() {
    let (mut bench, conn) = leader(true, "count=-1,bytes=-1=;countHardLimit=3");
    let multi = |parts: Vec<Op>| Op::Multi(parts.into());
    assert_told(
        &mut bench,
        conn,
        [
            (create("/q/a", Persistent), "/q/a"),
            (create("/q/a/b", Persistent), "/q/a/b"),
            (create("/q/a/c", Persistent), "QuotaExceeded"),
            (create("/q/s-", PersistentSequential), "QuotaExceeded"),
            (create("/q/a", Persistent), "NodeExists"),
            (create("/r", Persistent), "/r"),
            (set("/q/a", "longer than before", -1), "Ok"),
            (delete("/q/a/b", -1), "Ok"),
            (create("/q/e", Ephemeral), "/q/e"),
            (create("/q/e/a", Persistent), "NoChildrenForEphemerals"),
            (multi(vec![create("/r/a", Persistent), create("/q/b", Persistent)]), "QuotaExceeded in part 2"),
            (delete("/q/e", -1), "Ok"),
            (multi(vec![create("/q/x", Persistent), create("/q/y", Persistent)]), "[/q/x, /q/y]"),
            (create("/q/z", Persistent), "QuotaExceeded"),
            (delete(LIMITS, -1), "Ok"),
            (create("/q/z", Persistent), "/q/z"),
        ],
    );
}

#[test]
fn as_many_bytes_as_the_hard_limit_says() {
    let (mut bench, conn) = leader(true, "count=-1,bytes=-1=;byteHardLimit=6");
    assert_told(
        &mut bench,
        conn,
        [
            (create("/q/a", Persistent), "/q/a"),
            (set("/q/a", "12345", -1), "Ok"),
            (set("/q/a", "123456", 7), "QuotaExceeded"),
            (set("/q/a", "54321", 7), "BadVersion"),
            (set("/q/none", "123456", -1), "NoNode"),
            (create("/q/b", Persistent), "QuotaExceeded"),
            (Op::create("/q/b".into(), None, super::bench::open_acl(), Persistent), "/q/b"),
            (set(LIMITS, "count=-1,bytes=-1=;byteHardLimit=2", -1), "Ok"),
            (set("/q/a", "1234", -1), "QuotaExceeded"),
            (set("/q/a", "12345", -1), "Ok"),
            (set("/q/a", "", -1), "Ok"),
        ],
    );
}

/// Soft limits only make a server complain, and hard ones too unless they are enforced.
#[test]
fn other_limits_are_no_limits() {
    for (enforces, limits) in [(true, "count=1,bytes=1"), (false, "count=1,bytes=1=;byteHardLimit=1;countHardLimit=1"), (true, "what?")] {
        let (mut bench, conn) = leader(enforces, limits);
        assert_told(&mut bench, conn, [(create("/q/a", Persistent), "/q/a"), (set("/q", "123456", -1), "Ok")]);
    }
}

/// What is proposed and not applied is not counted: a client with many requests under way gets past the limit. The data that a pending write
/// leaves is known, though.
#[test]
fn only_what_is_applied_counts() {
    let (mut bench, conn) = leader(true, "count=-1,bytes=-1=;byteHardLimit=9;countHardLimit=2");
    for (xid, op) in
        [create("/q/a", Persistent), create("/q/b", Persistent), set("/q", "12345678", -1), set("/q", "0123456789", -1)].into_iter().enumerate()
    {
        bench.ask(conn, xid as i32 + 1, op);
    }
    bench.settle();
    let is_error = |txn: &Txn| matches!(txn, Txn::Error { .. });
    let proposed: Vec<Arc<_>> = bench.proposed();
    assert_eq!(proposed.iter().map(|proposal| is_error(&proposal.txn)).collect::<Vec<_>>(), [false, false, false, false]);
    proposed.into_iter().for_each(|proposal| bench.commit(proposal));
    bench.settle();
    assert_eq!(bench.data("/zookeeper/quota/q/zookeeper_stats"), Some("count=3,bytes=12".into()));
    assert!(bench.db.last_processed > Zxid::ZERO);
}
