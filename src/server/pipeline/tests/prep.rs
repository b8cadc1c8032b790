//! What the leader makes of writes. Data-model reference §3, §4, §5.1, §9.

use std::sync::Arc;

use super::bench::{Bench, open_acl, zxid};
use crate::proto::ask::{create, delete, set};
use crate::proto::{Acl, AclList, ConnId, CreateForm, CreateMode, ErrorCode, Op, Path, SessionId, Txn};
use crate::server::pipeline::Kind;

use CreateMode::{Ephemeral, EphemeralSequential, Persistent, PersistentSequential};

fn create_with(path: &str, acl: AclList) -> Op {
    Op::create(path.into(), None, acl, Persistent)
}

fn none() -> AclList {
    Arc::new([])
}

fn read_only() -> AclList {
    Arc::new([Acl { perms: 1, scheme: "world".into(), id: "anyone".into() }])
}

/// A leader with `/p`, `/p/c`, the ephemeral `/e`, and `/locked`, which only lets itself be read, with its client.
fn leader() -> (Bench, ConnId) {
    let mut bench = Bench::new(Kind::Leader);
    let (conn, _) = bench.client();
    for op in [create("/p", Persistent), create("/p/c", Persistent), create("/e", Ephemeral), create_with("/locked", read_only())] {
        assert!(bench.does(conn, op).starts_with('/'));
    }
    (bench, conn)
}

/// What is told first when more than one thing is wrong.
#[test]
fn errors_in_the_order_of_their_checks() {
    let (mut bench, conn) = leader();
    for (op, expected) in [
        (create("none", Persistent), "BadArguments"),
        (create("", Persistent), "BadArguments"),
        (create("/a\0b", Persistent), "BadArguments"),
        (create_with("/none/a", none()), "InvalidAcl"),
        (create_with("/a/", none()), "InvalidAcl"),
        (create("/none/a", Persistent), "NoNode"),
        (create("/none/..", Persistent), "NoNode"),
        (create("/locked/..", Persistent), "NoAuth"),
        (create("/locked/a", Persistent), "NoAuth"),
        (create("/zookeeper/config/a", Persistent), "NoAuth"),
        (create("/p/", Persistent), "BadArguments"),
        (create("/p/..", Persistent), "BadArguments"),
        (create("/p//a", Persistent), "NoNode"),
        (create("/p/c", Persistent), "NodeExists"),
        (create("/", Persistent), "NodeExists"),
        (create("/e/a", Persistent), "NoChildrenForEphemerals"),
        (create("/e/a", PersistentSequential), "NoChildrenForEphemerals"),
        (create("/zookeeper/a", Persistent), "/zookeeper/a"),
        (delete("none", -1), "BadArguments"),
        (delete("/a\0b", -1), "BadArguments"),
        (delete("/", -1), "BadArguments"),
        (delete("/zookeeper", -1), "BadArguments"),
        (delete("/zookeeper/quota", -1), "BadArguments"),
        (delete("/zookeeper/config", -1), "BadArguments"),
        (delete("/none/a", -1), "NoNode"),
        (delete("/locked/none", -1), "NoAuth"),
        (delete("/none", -1), "NoNode"),
        (delete("/p", 7), "BadVersion"),
        (delete("/p", -1), "NotEmpty"),
        (delete("/p", 0), "NotEmpty"),
        (delete("/p/c", 0), "Ok"),
        (set("/p/", "x", -1), "BadArguments"),
        (set("none", "x", -1), "BadArguments"),
        (set("/none", "x", -1), "NoNode"),
        (set("/locked", "x", 9), "NoAuth"),
        (set("/zookeeper/config", "x", -1), "NoAuth"),
        (set("/p", "x", 1), "BadVersion"),
        (set("/p", "x", 0), "Ok"),
        (set("/p", "x", 0), "BadVersion"),
        (set("/p", "x", 1), "Ok"),
        (set("/p", "x", -1), "Ok"),
        (set("/", "x", 0), "Ok"),
    ] {
        let before = bench.db.last_processed;
        assert_eq!(bench.does(conn, op.clone()), expected, "{op}");
        assert_eq!(bench.db.last_processed.0, before.0 + 1, "{op}: each write takes one zxid, whatever becomes of it");
    }
}

/// What a run of requests, none of which is applied, becomes.
fn pipelined(bench: &mut Bench, conn: ConnId, ops: impl IntoIterator<Item = Op>) -> Vec<Txn> {
    for (xid, op) in ops.into_iter().enumerate() {
        bench.ask(conn, xid as i32 + 1, op);
    }
    bench.settle();
    bench.proposed().iter().map(|proposal| proposal.txn.clone()).collect()
}

/// In a few words: `/p/a cversion 3`, `/p version 2`, `NoNode`.
fn outcomes(txns: &[Txn]) -> Vec<String> {
    txns.iter()
        .map(|txn| match txn {
            Txn::Create { path, parent_cversion, .. } => format!("{path} cversion {parent_cversion}"),
            Txn::SetData { path, version, .. } => format!("{path} version {version}"),
            Txn::Delete { path, .. } => format!("{path} deleted"),
            Txn::Error { code } => code.to_string(),
            other => other.to_string(),
        })
        .collect()
}

/// Nothing is applied, and still each request is judged by those before it.
#[test]
fn requests_see_what_was_proposed_before_them() {
    let (mut bench, conn) = leader();
    let ops = [
        create("/n", Persistent),
        create("/n/a", Persistent),
        create("/n", Persistent),
        set("/n/a", "x", 0),
        set("/n/a", "x", 0),
        set("/n/a", "x", 1),
        delete("/n", -1),
        delete("/n/a", 2),
        set("/n/a", "x", -1),
        create("/n/a/b", Persistent),
        delete("/n", 0),
        create("/n/c", Persistent),
        create("/n", Ephemeral),
        create("/n/d", Persistent),
        delete("/n", 0),
    ];
    let expected = [
        "/n cversion 4",
        "/n/a cversion 1",
        "NodeExists",
        "/n/a version 1",
        "BadVersion",
        "/n/a version 2",
        "NotEmpty",
        "/n/a deleted",
        "NoNode",
        "NoNode",
        "/n deleted",
        "NoNode",
        "/n cversion 5",
        "NoChildrenForEphemerals",
        "/n deleted",
    ];
    let before = bench.db.last_processed;
    let txns = pipelined(&mut bench, conn, ops);
    assert_eq!(outcomes(&txns), expected);
    assert_eq!(bench.db.last_processed, before);
}

/// Applied one by one between the requests, the same requests become the same transactions: whatever is pending is as good as done.
#[test]
fn applying_in_between_changes_no_transaction() {
    let ops = || {
        [
            create("/n", Persistent),
            create("/n/s-", PersistentSequential),
            set("/n", "x", 0),
            create("/n/s-", EphemeralSequential),
            delete("/n/s-0000000000", 0),
            create("/n/s-", PersistentSequential),
            delete("/n", -1),
            create("/n/s-0000000001", Persistent),
            create("/n/s-0000000001/x", Persistent),
            set("/n", "y", 1),
            delete("/p/c", 0),
            delete("/p", -1),
        ]
    };
    let (mut pending, conn) = leader();
    let expected = pipelined(&mut pending, conn, ops());
    for lag in 0..3 {
        let (mut bench, conn) = leader();
        let (mut txns, mut waiting) = (Vec::new(), std::collections::VecDeque::new());
        for op in ops() {
            bench.ask(conn, 1, op);
            bench.settle();
            for proposal in bench.proposed() {
                txns.push(proposal.txn.clone());
                waiting.push_back(proposal);
            }
            while waiting.len() > lag {
                bench.commit(waiting.pop_front().expect("more than the lag"));
                bench.settle();
            }
        }
        assert_eq!(outcomes(&txns), outcomes(&expected), "{lag} transactions behind");
    }
}

#[test]
fn sequential_names_count_all_children_ever_created() {
    let (mut bench, conn) = leader();
    let txns = pipelined(
        &mut bench,
        conn,
        [
            create("/p/s-", PersistentSequential),
            create("/p/plain", Persistent),
            create("/p/plain", Persistent),
            create("/p/s-", EphemeralSequential),
            delete("/p/s-0000000001", -1),
            create("/p/", PersistentSequential),
        ],
    );
    let expected = ["/p/s-0000000001 cversion 2", "/p/plain cversion 3", "NodeExists", "/p/s-0000000003 cversion 4", "/p/s-0000000001 deleted"];
    assert_eq!(outcomes(&txns)[..5], expected);
    assert_eq!(outcomes(&txns)[5], "/p/0000000004 cversion 5", "deletes do not lower it; a bare number is a name");
    assert!(matches!(&txns[3], Txn::Create { ephemeral: true, .. }) && matches!(&txns[0], Txn::Create { ephemeral: false, .. }));
}

/// The suffix has ten characters, its sign among them. Pending, the count runs over; once applied the tree keeps the largest, since a smaller
/// one never replaces a larger, and every later name is taken.
#[test]
fn sequential_names_run_over_like_java() {
    let (mut bench, conn) = leader();
    let (session, path) = (SessionId(77), Path::from("/p/last"));
    let txn = Txn::Create { form: CreateForm::Create, path, data: None, acl: open_acl(), ephemeral: false, parent_cversion: i32::MAX };
    bench.commits(zxid(6), session, 1, txn);
    bench.settle();
    let ops = || [create("/p/s-", PersistentSequential), create("/p/s-", PersistentSequential), create("/p/s-", PersistentSequential)];
    for (xid, op) in ops().into_iter().enumerate() {
        bench.ask(conn, xid as i32, op);
    }
    bench.settle();
    let proposals = bench.proposed();
    let names: Vec<String> = proposals.iter().map(|it| outcomes(std::slice::from_ref(&it.txn)).remove(0)).collect();
    let expected = ["/p/s-2147483647 cversion -2147483648", "/p/s--2147483648 cversion -2147483647", "/p/s--2147483647 cversion -2147483646"];
    assert_eq!(names, expected);
    proposals.into_iter().for_each(|proposal| bench.commit(proposal));
    bench.settle();
    bench.replies(conn);
    assert_eq!(bench.does(conn, create("/p/s-", PersistentSequential)), "NodeExists");
}

/// Time, session and xid of a transaction are those of the request and the leader's clock; zxids follow each other.
#[test]
fn headers_tell_who_asked_and_when() {
    let (mut bench, conn) = leader();
    bench.now = crate::proto::Micros(1_234_567);
    bench.ask(conn, 41, set("/none", "x", -1));
    bench.ask(conn, 42, set("/p", "x", -1));
    bench.settle();
    let headers: Vec<_> = bench.proposed().iter().map(|proposal| (proposal.header.cxid, proposal.zxid(), proposal.header.time)).collect();
    assert_eq!(headers, [(41, zxid(6), 1_234), (42, zxid(7), 1_234)]);
}

/// Access lists are stored without duplicates.
#[test]
fn lists_lose_their_duplicates() {
    let (mut bench, conn) = leader();
    let twice: AclList = open_acl().iter().chain(open_acl().iter()).cloned().collect();
    let txns = pipelined(&mut bench, conn, [create_with("/twice", twice)]);
    assert!(matches!(&txns[..], [Txn::Create { acl, .. }] if *acl == open_acl()), "{txns:?}");
}

/// A node that is not applied yet has its list all the same.
#[test]
fn a_pending_node_guards_itself() {
    let (mut bench, conn) = leader();
    let txns =
        pipelined(&mut bench, conn, [create_with("/shut", read_only()), create("/shut/a", Persistent), set("/shut", "x", -1), delete("/shut", 0)]);
    assert_eq!(outcomes(&txns), ["/shut cversion 4", "NoAuth", "NoAuth", "/shut deleted"], "deleting is a matter of the parent");
}

/// As in ZooKeeper: a session's end does not lower its parents' pending counts of children.
#[test]
fn a_parent_right_behind_its_last_ephemeral_is_not_empty_yet() {
    let mut bench = Bench::new(Kind::Leader);
    let ((one, _), (two, _)) = (bench.client(), bench.client());
    bench.does(one, create("/p", Persistent));
    bench.does(one, create("/p/e", Ephemeral));
    bench.ask(one, 5, Op::CloseSession);
    bench.ask(two, 5, delete("/p", -1));
    bench.settle();
    let proposals = bench.proposed();
    let paths: Arc<[Path]> = Arc::new(["/p/e".into()]);
    assert_eq!(proposals[0].txn, Txn::CloseSession { paths: Some(paths) });
    assert_eq!(proposals[1].txn, Txn::Error { code: ErrorCode::NotEmpty });
    proposals.into_iter().for_each(|proposal| bench.commit(proposal));
    bench.settle();
    bench.replies(two);
    assert_eq!(bench.does(two, delete("/p", -1)), "Ok", "once it is applied it is");
}
