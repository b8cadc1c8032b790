//! What reads are told. Data-model reference §2, §5.2.

use super::bench::{Bench, stat_of, zxid};
use crate::proto::ask::{children, create, delete, exists, get, set};
use crate::proto::{CreateMode, ErrorCode, Op, SessionId, Stat, Zxid};
use crate::server::pipeline::Kind;

#[test]
fn a_fresh_tree_as_clients_see_it() {
    let mut bench = Bench::new(Kind::Leader);
    let (conn, _) = bench.client();
    for (op, expected) in [
        (children("/"), "[zookeeper]"),
        (children("/zookeeper"), "[config, quota]"),
        (exists("/zookeeper/config"), "Ok"),
        (exists("/none"), "NoNode"),
        (get("/none"), "NoNode"),
        (children("/none"), "NoNode"),
        (exists("/a\0"), "BadArguments"),
        (get("/a\0"), "NoNode"),
        (get("no path"), "NoNode"),
        (Op::Ping, "Ok"),
    ] {
        assert_eq!(bench.does(conn, op.clone()), expected, "{op}");
    }
    bench.ask(conn, 1, exists("/"));
    bench.ask(conn, 2, exists("/zookeeper"));
    bench.settle();
    let stats: Vec<(i32, i32)> = bench.replies(conn).iter().map(stat_of).map(|stat| (stat.cversion, stat.num_children)).collect();
    assert_eq!(stats, [(-1, 1), (-2, 2)]);
}

/// Every field, through the life of a node and its parent.
#[test]
fn stats_tell_what_was_done() {
    let mut bench = Bench::new(Kind::Leader);
    let (conn, session) = bench.client();
    let done = [
        create("/p", CreateMode::Persistent),
        create("/p/a", CreateMode::Persistent),
        create("/p/e", CreateMode::Ephemeral),
        set("/p/a", "longer", 0),
        delete("/p/a", 1),
        set("/p", "", -1),
    ];
    for op in done {
        let told = bench.does(conn, op.clone());
        assert!(told == "Ok" || told.starts_with('/'), "{op}: {told}");
    }
    bench.ask(conn, 1, exists("/p"));
    bench.ask(conn, 2, get("/p/e"));
    bench.settle();
    let replies = bench.replies(conn);
    // The session took 1:1; its clock showed 50 ms all the time.
    let parent = Stat {
        czxid: zxid(2),
        mzxid: zxid(7),
        pzxid: zxid(6),
        ctime: 50,
        mtime: 50,
        version: 1,
        cversion: 3,
        aversion: 0,
        ephemeral_owner: SessionId::NONE,
        data_length: 0,
        num_children: 1,
    };
    assert_eq!(stat_of(&replies[0]), parent);
    let ephemeral =
        Stat { czxid: zxid(4), mzxid: zxid(4), pzxid: zxid(4), ephemeral_owner: session, data_length: 1, ctime: 50, mtime: 50, ..Stat::default() };
    assert_eq!(stat_of(&replies[1]), ephemeral);
    assert!(replies.iter().all(|reply| reply.zxid == zxid(7)), "the zxid is the server's, not the node's");
}

/// A null is not an empty text.
#[test]
fn data_comes_back_as_it_was_given() {
    let mut bench = Bench::new(Kind::Leader);
    let (conn, _) = bench.client();
    bench.does(conn, create("/a", CreateMode::Persistent));
    for (data, told) in [(None, "null"), (Some(Vec::new()), ""), (Some(b"bytes".to_vec()), "bytes")] {
        bench.does(conn, Op::SetData { path: "/a".into(), data: data.map(Into::into), version: -1 });
        assert_eq!(bench.does(conn, get("/a")), told);
    }
}

/// A learner serves reads of a session that has expired until it hears so.
#[test]
fn a_learner_does_not_judge_sessions() {
    let mut bench = Bench::new(Kind::Follower);
    let (conn, _) = bench.client();
    bench.db.last_processed = Zxid::new(3, 4);
    bench.ask(conn, 1, get("/"));
    bench.settle();
    let reply = bench.replies(conn).remove(0);
    assert_eq!((reply.xid, reply.zxid, reply.result.as_ref().err()), (1, Zxid::new(3, 4), None::<&ErrorCode>));
}
