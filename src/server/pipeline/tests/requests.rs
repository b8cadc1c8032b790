//! Requests of all kinds: who may, in which order it is checked, what is answered. Data-model reference §4, §5, §7, §10, §12.

use std::sync::Arc;

use super::bench::{Bench, TIMEOUT, config, open_acl, zxid};
use crate::proto::ask::{create, delete, get, set};
use crate::proto::{Acl, AclList, Answer, Config, ConnId, CreateForm, CreateMode, ErrorCode, Micros, Op, Path, SessionId, Txn, Version};
use crate::server::pipeline::Kind;

use CreateMode::{Container, Ephemeral, EphemeralSequential, Persistent, PersistentSequential, Ttl, TtlSequential, Unknown};

fn leader(change: impl FnOnce(&mut Config)) -> (Bench, ConnId) {
    let mut config = config();
    config.extended_types_enabled = true;
    change(&mut config);
    let mut bench = Bench::with(Kind::Leader, config);
    let (conn, _) = bench.client();
    (bench, conn)
}

fn made(form: CreateForm, path: &str, mode: CreateMode) -> Op {
    Op::Create { form, path: path.into(), data: None, acl: open_acl(), mode }
}

fn ttl(path: &str, millis: i64, mode: CreateMode) -> Op {
    made(CreateForm::Ttl(millis), path, mode)
}

fn list(entries: &[(i32, &str, &str)]) -> AclList {
    entries.iter().map(|(perms, scheme, id)| Acl { perms: *perms, scheme: (*scheme).into(), id: (*id).into() }).collect()
}

fn guarded(path: &str, entries: &[(i32, &str, &str)]) -> Op {
    Op::create(path.into(), None, list(entries), Persistent)
}

fn set_acl(path: &str, entries: &[(i32, &str, &str)], version: i32) -> Op {
    Op::SetAcl { path: path.into(), acl: list(entries), version }
}

fn get_acl(path: &str) -> Op {
    Op::GetAcl { path: path.into() }
}

fn check(path: &str, version: i32) -> Op {
    Op::Check { path: path.into(), version }
}

fn multi(parts: impl IntoIterator<Item = Op>) -> Op {
    Op::Multi(parts.into_iter().collect())
}

fn auth(credential: &str) -> Op {
    Op::Auth { scheme: "digest".into(), credential: Some(credential.as_bytes().into()) }
}

fn assert_told(bench: &mut Bench, conn: ConnId, told: impl IntoIterator<Item = (Op, &'static str)>) {
    for (op, expected) in told {
        let before = bench.db.last_processed;
        assert_eq!(bench.does(conn, op.clone()), expected, "{op}");
        let took = bench.db.last_processed.0 - before.0;
        assert_eq!(took, i64::from(op.is_write()), "{op}: each write takes one zxid, whatever becomes of it, and nothing else does");
    }
}

/// Mode and time to live are looked at first, then all that every create is checked for.
#[test]
fn modes_must_fit_their_request() {
    let (mut bench, conn) = leader(|_| {});
    let longest = (1 << 40) - 1;
    let told = [
        (made(CreateForm::Create, "none", Unknown(9)), "BadArguments"),
        (made(CreateForm::Create, "/none/a", Unknown(-1)), "BadArguments"),
        (made(CreateForm::Create, "/none/a", Ttl), "BadArguments"),
        (made(CreateForm::Container, "/none/a", TtlSequential), "BadArguments"),
        (ttl("/none/a", 0, Ttl), "BadArguments"),
        (ttl("/none/a", longest + 1, Ttl), "BadArguments"),
        (ttl("/none/a", 5, Persistent), "BadArguments"),
        (ttl("/none/a", -1, Persistent), "BadArguments"),
        (ttl("/none/a", 5, Ttl), "NoNode"),
        (ttl("/t", longest, Ttl), "/t"),
        (ttl("/t", 1, TtlSequential), "/t0000000001"),
        (made(CreateForm::Container, "/c", Container), "/c"),
        (made(CreateForm::Create2, "/c/s-", PersistentSequential), "/c/s-0000000000"),
        (made(CreateForm::Create, "/plain", Container), "/plain"),
        (made(CreateForm::Container, "/real", Persistent), "/real"),
        (create("/e", Ephemeral), "/e"),
        (made(CreateForm::Container, "/e/c", Container), "NoChildrenForEphemerals"),
    ];
    assert_told(&mut bench, conn, told);
    let containers: Vec<&Path> = bench.db.tree().containers().collect();
    assert_eq!(containers.iter().map(|path| &***path).collect::<Vec<_>>(), ["/c", "/real"], "the request decides, not the mode");
    let (mut bench, conn) = leader(|config| config.extended_types_enabled = false);
    let told =
        [(ttl("/t", 5, Ttl), "Unimplemented"), (made(CreateForm::Create, "/t", Ttl), "Unimplemented"), (ttl("/t", 0, Persistent), "BadArguments")];
    assert_told(&mut bench, conn, told);
}

/// The owner of containers and TTL nodes is nobody; all forms but the first tell the stat.
#[test]
fn creates_tell_the_stat() {
    let (mut bench, conn) = leader(|_| {});
    let ops = [create("/a", Persistent), made(CreateForm::Create2, "/b", Ephemeral), made(CreateForm::Container, "/c", Container), ttl("/d", 7, Ttl)];
    for (xid, op) in ops.into_iter().enumerate() {
        bench.ask(conn, xid as i32, op);
    }
    bench.settle();
    bench.proposed().into_iter().for_each(|proposal| bench.commit(proposal));
    bench.settle();
    let replies = bench.replies(conn);
    assert!(matches!(&replies[0].result, Ok(Answer::Created(_))));
    let owners: Vec<bool> = replies[1..]
        .iter()
        .map(|reply| match &reply.result {
            Ok(Answer::CreatedWithStat { stat, .. }) => {
                assert_eq!((stat.czxid, stat.pzxid, stat.version, stat.num_children), (reply.zxid, reply.zxid, 0, 0));
                stat.ephemeral_owner != SessionId::NONE
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(owners, [true, false, false]);
}

#[test]
fn lists_are_set_by_those_who_may() {
    let (mut bench, conn) = leader(|_| {});
    let told = [
        (create("/a", Persistent), "/a"),
        (set_acl("/a/", &[], -1), "BadArguments"),
        (set_acl("/none", &[], -1), "InvalidAcl"),
        (set_acl("/none", &[(31, "auth", "")], -1), "InvalidAcl"),
        (set_acl("/none", &[(31, "world", "anyone")], -1), "NoNode"),
        (set_acl("/a", &[(31, "world", "anyone")], 1), "BadVersion"),
        (set_acl("/a", &[(31, "world", "anyone")], -2), "BadVersion"),
        (set_acl("/a", &[(17, "world", "anyone")], 0), "Ok"),
        (get_acl("/a"), "world:anyone:ra"),
        (set("/a", "x", 9), "NoAuth"),
        (set_acl("/a", &[(1, "world", "anyone")], 0), "BadVersion"),
        (set_acl("/a", &[(2, "world", "anyone"), (31, "digest", "u:h")], 1), "Ok"),
        (set_acl("/a", &[(31, "world", "anyone")], 9), "NoAuth"),
        (get_acl("/a"), "NoAuth"),
        (get("/a"), "NoAuth"),
        (Op::GetChildren2 { path: "/a".into(), watch: false }, "NoAuth"),
        (Op::GetAllChildrenNumber { path: "/a".into() }, "NoAuth"),
        (Op::Exists { path: "/a".into(), watch: false }, "NoAuth"),
        (get_acl("/none"), "NoNode"),
    ];
    assert_told(&mut bench, conn, told);
    let (mut bench, conn) = leader(|config| config.version = Version::V3_8);
    assert_told(&mut bench, conn, [(guarded("/a", &[(0, "world", "anyone")]), "/a"), (Op::Exists { path: "/a".into(), watch: false }, "Ok")]);
    let (mut bench, conn) = leader(|config| config.skip_acl = true);
    assert_told(&mut bench, conn, [(guarded("/a", &[(0, "world", "anyone")]), "/a"), (get("/a"), "null"), (set("/a", "x", 0), "Ok")]);
}

/// As in ZooKeeper: the list that is being replaced counts until the change is applied, also in what is pending behind it.
#[test]
fn a_pending_list_does_not_count_yet() {
    let (mut bench, conn) = leader(|_| {});
    assert_told(&mut bench, conn, [(guarded("/a", &[(30, "world", "anyone")]), "/a")]);
    for (xid, op) in [set_acl("/a", &[(16, "world", "anyone")], 0), set("/a", "x", 0), set("/a", "y", 1)].into_iter().enumerate() {
        bench.ask(conn, xid as i32, op);
    }
    bench.settle();
    let mut proposals = bench.proposed().into_iter();
    assert!(matches!(
        proposals.next().map(|it| {
            bench.commit(it.clone());
            it.txn.clone()
        }),
        Some(Txn::SetAcl { .. })
    ));
    bench.settle();
    bench.ask(conn, 7, create("/a/b", Persistent));
    bench.settle();
    let behind: Vec<Txn> = bench.proposed().iter().map(|proposal| proposal.txn.clone()).collect();
    assert!(matches!(&behind[..], [Txn::Create { .. }]), "the record of the pending set still has the old list: {behind:?}");
    assert!(proposals.all(|proposal| matches!(proposal.txn, Txn::SetData { .. })));
}

#[test]
fn clients_prove_who_they_are() {
    let (mut bench, conn) = leader(|config| config.super_digest = Some("super:D/InIHSb7yEEbrWz8b9l71RjZJU=".into()));
    let secret = [(31, "digest", "u1:fpT/y03U+EjItKZOSLGvjnJlyng="), (1, "world", "anyone")];
    let told = [
        (Op::WhoAmI, "[ip:127.0.0.1]"),
        (guarded("/here", &[(31, "ip", "127.0.0.0/8")]), "/here"),
        (get("/here"), "null"),
        (guarded("/there", &[(31, "ip", "10.0.0.1")]), "/there"),
        (get("/there"), "NoAuth"),
        (guarded("/a", &secret), "/a"),
        (set("/a", "x", -1), "NoAuth"),
        (get_acl("/a"), "digest:u1:x:cdrwa,world:anyone:r"),
        (auth("u1:p1"), "Ok"),
        (Op::WhoAmI, "[ip:127.0.0.1, digest:u1]"),
        (auth("u1:p1"), "Ok"),
        (Op::WhoAmI, "[ip:127.0.0.1, digest:u1]"),
        (set("/a", "x", -1), "Ok"),
        (get_acl("/a"), "digest:u1:fpT/y03U+EjItKZOSLGvjnJlyng=:cdrwa,world:anyone:r"),
        (guarded("/mine", &[(31, "auth", "")]), "/mine"),
        (get_acl("/mine"), "digest:u1:fpT/y03U+EjItKZOSLGvjnJlyng=:cdrwa"),
        (get("/there"), "NoAuth"),
        (auth("super:test"), "Ok"),
        (get("/there"), "null"),
    ];
    assert_told(&mut bench, conn, told);
    let (other, _) = bench.client();
    assert_told(&mut bench, other, [(get("/mine"), "NoAuth"), (Op::WhoAmI, "[ip:127.0.0.1]")]);
}

/// A proof that fails costs the connection; so does what no client may ask for.
#[test]
fn some_requests_end_the_connection() {
    let wrong = |scheme: &str| Op::Auth { scheme: scheme.into(), credential: Some(Arc::from(*b"anyone")) };
    let cases = [
        (wrong("nosuch"), "AuthFailed"),
        (wrong("world"), "AuthFailed"),
        (check("/", 0), "Unimplemented"),
        (Op::DeleteContainer { path: "/a".into() }, "Unimplemented"),
        (Op::CreateSession { timeout: TIMEOUT }, "Unimplemented"),
    ];
    for (op, expected) in cases {
        let (mut bench, conn) = leader(|_| {});
        let before = bench.db.last_processed;
        assert_eq!(bench.does(conn, op.clone()), expected, "{op}");
        assert!(bench.has_closed(conn) && bench.db.last_processed == before, "{op}");
    }
    let (mut bench, conn) = leader(|config| config.jute_max_buffer = 300);
    assert_eq!(bench.does(conn, set("/none", &"x".repeat(300 - 8 - 9 - 8), -1)), "NoNode", "a frame as large as allowed");
    bench.ask(conn, 1, set("/none", &"x".repeat(300 - 8 - 9 - 8 + 1), -1));
    assert!(bench.has_closed(conn) && bench.replies(conn).is_empty(), "a byte more");
}

/// The ids travel with what a learner forwards.
#[test]
fn the_leader_learns_who_asks() {
    let mut bench = Bench::new(Kind::Follower);
    let (conn, _) = bench.client();
    bench.ask(conn, -4, auth("u1:p1"));
    bench.ask(conn, 1, create("/a", Persistent));
    bench.settle();
    let forwarded = bench.forwarded();
    let ids: Vec<String> = forwarded[0].auth.iter().map(ToString::to_string).collect();
    assert_eq!((forwarded.len(), &ids[..]), (1, &["ip:127.0.0.1".to_string(), "digest:u1:fpT/y03U+EjItKZOSLGvjnJlyng=".into()][..]));
}

/// Parts see those before them; one that fails takes everything back, the numbers of sequential nodes included.
#[test]
fn all_of_a_multi_or_nothing() {
    let (mut bench, conn) = leader(|_| {});
    let told = [
        (create("/p", Persistent), "/p"),
        (multi([create("/p/a", Persistent), create("/p/a/b", Persistent), set("/p/a", "x", 0), check("/p/a", 1)]), "[/p/a, /p/a/b, Ok, Ok]"),
        (
            multi([create("/p/s-", PersistentSequential), made(CreateForm::Create2, "/p/s-", EphemeralSequential)]),
            "[/p/s-0000000001, /p/s-0000000002]",
        ),
        (multi([create("/p/s-", PersistentSequential), delete("/p/a", -1), set("/p", "x", -1), delete("/none", -1)]), "NotEmpty in part 2"),
        (multi([set("/p", "x", 0), set("/p", "x", 0)]), "BadVersion in part 2"),
        (multi([check("/p", 0)]), "[Ok]"),
        (multi([check("/p", 1), create("/x", Persistent)]), "BadVersion in part 1"),
        (multi([]), "[]"),
        (create("/p/s-", PersistentSequential), "/p/s-0000000003"),
        (multi([create("/y", Persistent), set_acl("/p", &[(31, "world", "anyone")], -1)]), "MarshallingError"),
        (multi([create("/y", Persistent), get("/p")]), "MarshallingError"),
        (multi([made(CreateForm::Create, "/y", Unknown(9))]), "MarshallingError"),
        (get("/y"), "NoNode"),
    ];
    assert_told(&mut bench, conn, told);
    let (mut bench, conn) = leader(|config| config.version = Version::V3_8);
    assert_told(&mut bench, conn, [(multi([create("/y", Persistent), made(CreateForm::Create, "/z", Unknown(9))]), "BadArguments in part 2")]);
}

/// What a failed multi takes back is its own: what was pending before it stays so.
#[test]
fn a_failed_multi_leaves_what_was_pending() {
    let (mut bench, conn) = leader(|_| {});
    let ops = [
        create("/p", Persistent),
        create("/p/s-", PersistentSequential),
        multi([create("/p/s-", PersistentSequential), delete("/p/s-0000000000", -1), create("/p/s-0000000000", Persistent), delete("/none", -1)]),
        create("/p/s-", PersistentSequential),
        set("/p/s-0000000000", "x", 0),
        delete("/p", -1),
    ];
    for (xid, op) in ops.into_iter().enumerate() {
        bench.ask(conn, xid as i32, op);
    }
    bench.settle();
    let txns: Vec<String> = bench.proposed().iter().map(|proposal| proposal.txn.to_string()).collect();
    assert_eq!(txns[3..], ["create /p/s-0000000001", "set /p/s-0000000000", "error NotEmpty"]);
}

/// A part that finds that the session has moved closes the connection, as such a request by itself does.
#[test]
fn a_moved_session_is_not_answered_part_by_part() {
    let mut bench = Bench::new(Kind::Follower);
    let (conn, session) = bench.client();
    bench.ask(conn, 1, multi([create("/a", Persistent)]));
    bench.settle();
    bench.commits(zxid(8), session, 1, Txn::Multi([Txn::Error { code: ErrorCode::SessionMoved }].into()));
    bench.settle();
    assert!(bench.has_closed(conn) && bench.replies(conn).is_empty());
}

#[test]
fn reads_of_all_kinds() {
    let (mut bench, conn) = leader(|_| {});
    let (other, _) = bench.client();
    let told = [
        (create("/p", Persistent), "/p"),
        (create("/p/q", Persistent), "/p/q"),
        (create("/p/q/e", Ephemeral), "/p/q/e"),
        (create("/pq", Ephemeral), "/pq"),
        (Op::GetChildren2 { path: "/p".into(), watch: false }, "[q]"),
        (Op::GetAllChildrenNumber { path: "/p".into() }, "2"),
        (Op::GetAllChildrenNumber { path: "/".into() }, "7"),
        (Op::GetAllChildrenNumber { path: "/none".into() }, "NoNode"),
        (Op::GetEphemerals { prefix: "/p".into() }, "[/p/q/e, /pq]"),
        (Op::GetEphemerals { prefix: "/p/".into() }, "[/p/q/e]"),
        (Op::GetEphemerals { prefix: " / ".into() }, "[/p/q/e, /pq]"),
        (guarded("/shut", &[(30, "world", "anyone")]), "/shut"),
        (
            Op::MultiRead([get("/p"), get("/none"), get("/shut"), Op::GetChildren { path: "/p".into(), watch: false }].into()),
            "[x, NoNode, NoAuth, [q]]",
        ),
        (Op::MultiRead([].into()), "[]"),
        (Op::MultiRead([delete("/p", -1)].into()), "MarshallingError"),
    ];
    assert_told(&mut bench, conn, told);
    assert_told(&mut bench, other, [(Op::GetEphemerals { prefix: "/".into() }, "[]")]);
}

/// Every so often the leader deletes what nobody uses any more: containers that had children, TTL nodes that were not set for too long.
#[test]
fn containers_and_ttl_nodes_are_reaped() {
    let (mut bench, conn) = leader(|config| config.container_check_interval = Micros::from_secs(3_600));
    let told = [
        (made(CreateForm::Container, "/unused", Container), "/unused"),
        (made(CreateForm::Container, "/done", Container), "/done"),
        (create("/done/a", Persistent), "/done/a"),
        (delete("/done/a", -1), "Ok"),
        (made(CreateForm::Container, "/used", Container), "/used"),
        (create("/used/a", Persistent), "/used/a"),
        (ttl("/short", 1_000, Ttl), "/short"),
        (ttl("/long", 5_000_000, Ttl), "/long"),
        (ttl("/parent", 1_000, Ttl), "/parent"),
        (create("/parent/a", Persistent), "/parent/a"),
    ];
    assert_told(&mut bench, conn, told);
    bench.timers.retain(|timer, _| *timer == crate::proto::Timer::ContainerCheck);
    bench.pass_until(Micros::from_secs(3_601));
    bench.settle();
    let proposals = bench.proposed();
    let txns: Vec<String> = proposals.iter().map(|proposal| proposal.txn.to_string()).collect();
    assert_eq!(txns, ["delete /done", "delete /short"]);
    assert!(
        proposals.iter().all(|proposal| proposal.header.session == SessionId::NONE && matches!(proposal.txn, Txn::Delete { container: true, .. }))
    );
    assert!(bench.timers[&crate::proto::Timer::ContainerCheck] > Micros::from_secs(7_199), "the next round is due an interval after this one");
}

/// What is used again before its turn stays: the leader judges anew.
#[test]
fn a_container_in_use_again_is_spared() {
    let (mut bench, conn) = leader(|config| config.container_check_interval = Micros::from_secs(3_600));
    assert_told(
        &mut bench,
        conn,
        [(made(CreateForm::Container, "/c", Container), "/c"), (create("/c/a", Persistent), "/c/a"), (delete("/c/a", -1), "Ok")],
    );
    bench.ask(conn, 1, create("/c/b", Persistent));
    bench.act(|pipeline, cx, db| pipeline.on_timer(cx, db, crate::proto::Timer::ContainerCheck));
    bench.settle();
    let txns: Vec<Txn> = bench.proposed().iter().map(|proposal| proposal.txn.clone()).collect();
    assert!(matches!(&txns[..], [Txn::Create { .. }, Txn::Error { code: ErrorCode::NotEmpty }]), "{txns:?}");
}
