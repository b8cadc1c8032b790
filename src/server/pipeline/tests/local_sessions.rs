//! Sessions that one server keeps to itself. Sessions reference §7.

use std::sync::Arc;

use super::bench::{Bench, TIMEOUT, config, connect_request, handler, zxid};
use crate::proto::ask::{create, exists, set};
use crate::proto::{Config, ConnId, CreateMode, ErrorCode, Micros, Op, QuorumRequest, SessionId, Stage, Txn, Zxid};
use crate::server::pipeline::session_names::password;
use crate::server::pipeline::{Kind, Output};
use crate::trace::Note;

const ALL: [Kind; 3] = [Kind::Leader, Kind::Follower, Kind::Observer];

fn server(kind: Kind, upgrades: bool) -> (Bench, ConnId, SessionId) {
    let mut bench = Bench::with(kind, Config { local_sessions: true, local_sessions_upgrading: upgrades, ..config() });
    let (conn, session) = bench.client();
    (bench, conn, session)
}

fn back(session: SessionId) -> crate::proto::ConnectRequest {
    connect_request(session, password(session), Zxid::ZERO)
}

#[test]
fn they_begin_and_end_without_a_transaction() {
    for kind in ALL {
        let (mut bench, conn, session) = server(kind, true);
        assert!(bench.outputs().is_empty() && !bench.db.sessions().contains_key(&session), "{kind:?}");
        bench.ask(conn, 1, exists("/"));
        bench.ask(conn, 2, Op::CloseSession);
        bench.settle();
        assert_eq!(bench.replies(conn).iter().map(|reply| (reply.xid, reply.result.is_ok())).collect::<Vec<_>>(), [(1, true), (2, true)]);
        assert!(bench.has_closed(conn) && bench.outputs().is_empty(), "{kind:?}");
    }
}

#[test]
fn their_own_server_expires_them() {
    for kind in ALL {
        let (mut bench, conn, session) = server(kind, true);
        // Heard from at 50 ms: the bucket of 1200 ms.
        bench.pass_until(Micros(1_199_999));
        bench.settle();
        assert!(!bench.has_closed(conn), "{kind:?}");
        bench.pass_until(Micros::from_millis(1_200));
        bench.settle();
        assert!(bench.has_closed(conn) && bench.notes().contains(&Note::SessionExpiring { session }), "{kind:?}");
        assert!(bench.outputs().is_empty());
    }
}

/// Only what needs a session that everybody knows is refused for the lack of one, part by part.
#[test]
fn a_multi_is_refused_at_its_ephemeral_part() {
    let multi = || Op::Multi([create("/a", CreateMode::Persistent), create("/e", CreateMode::Ephemeral)].into());
    let (mut bench, conn, _) = server(Kind::Leader, false);
    assert_eq!(bench.does(conn, multi()), "EphemeralOnLocalSession in part 2");
    bench.outputs();
    // That of a learner's session the leader knows nothing of.
    let request = QuorumRequest { session: SessionId(2 << 56), cxid: 1, op: multi(), auth: Arc::new([]) };
    bench.act(|pipeline, cx, _| pipeline.submit(cx, handler(2), Arc::new(request)));
    bench.stage(Stage::PrepRequestProcessor);
    let proposed = bench.outputs();
    let [Output::Propose(proposal)] = &proposed[..] else { panic!("{proposed:?}") };
    let Txn::Multi(parts) = &proposal.txn else { panic!("{proposal:?}") };
    assert!(matches!(parts[..], [Txn::Create { .. }, Txn::Error { code: ErrorCode::SessionExpired }]), "{parts:?}");
}

/// The leader is told first of the session, then what needs it; from then on it is a session like any other.
#[test]
fn an_ephemeral_node_makes_them_everybodys() {
    let (mut bench, conn, session) = server(Kind::Follower, true);
    bench.ask(conn, 1, create("/plain", CreateMode::Persistent));
    bench.ask(conn, 2, create("/mine", CreateMode::Ephemeral));
    bench.ask(conn, 3, Op::CloseSession);
    bench.stage(Stage::FollowerRequestProcessor);
    let sent: Vec<(i32, i32)> = bench.forwarded().iter().map(|request| (request.cxid, request.op.number())).collect();
    assert_eq!(sent, [(1, 1), (0, -10), (2, 1), (3, -11)]);
    assert!(bench.notes().contains(&Note::SessionUpgraded { session }));
    bench.commits(zxid(1), session, 1, Txn::Error { code: ErrorCode::NoAuth });
    bench.commits(zxid(2), session, 0, Txn::CreateSession { timeout: TIMEOUT });
    bench.settle();
    assert_eq!(bench.told(conn), ["1 1:1 NoAuth"]);
    assert_eq!(bench.db.sessions().get(&session), Some(&TIMEOUT));
    bench.pass_until(Micros::from_millis(3_000));
    assert!(!bench.notes().contains(&Note::SessionExpiring { session }), "that is the leader's to decide now");

    let (mut bench, conn, session) = server(Kind::Leader, true);
    bench.ask(conn, 1, create("/mine", CreateMode::Ephemeral));
    bench.settle();
    let proposed = bench.proposed();
    assert!(matches!(proposed[0].txn, Txn::CreateSession { timeout: TIMEOUT }) && matches!(proposed[1].txn, Txn::Create { ephemeral: true, .. }));
    proposed.into_iter().for_each(|proposal| bench.commit(proposal));
    bench.settle();
    assert_eq!(bench.told(conn), ["1 1:2 /mine"]);
    bench.pass_until(Micros::from_millis(1_200));
    bench.settle();
    assert!(bench.proposed().iter().any(|it| it.header.session == session && matches!(it.txn, Txn::CloseSession { .. })), "it expires as all do");
}

/// At a follower the leader's error is not what the client is told.
#[test]
fn unless_they_may_not() {
    let (mut bench, conn, _) = server(Kind::Leader, false);
    assert_eq!(bench.does(conn, create("/mine", CreateMode::Ephemeral)), "EphemeralOnLocalSession");
    assert_eq!(bench.does(conn, create("/plain", CreateMode::Persistent)), "/plain");

    let (mut bench, conn, session) = server(Kind::Follower, false);
    bench.ask(conn, 1, create("/mine", CreateMode::EphemeralSequential));
    bench.settle();
    assert_eq!(bench.forwarded().len(), 1);
    bench.commits(zxid(1), session, 1, Txn::Error { code: ErrorCode::SessionExpired });
    bench.settle();
    assert_eq!(bench.told(conn), ["1 1:1 EphemeralOnLocalSession"]);
}

/// A client that comes back to its own server is known; anywhere else the leader is asked, who knows nothing.
#[test]
fn they_cannot_move() {
    for kind in ALL {
        let (mut bench, _, session) = server(kind, true);
        let again = bench.connect(back(session));
        assert_eq!(bench.welcome(again).map(|response| response.timeout), Some(TIMEOUT), "{kind:?}");
        let stranger = SessionId(0x0900_0000_0000_0000);
        let conn = bench.connect(back(stranger));
        match kind {
            Kind::Leader => assert_eq!(bench.welcome(conn).map(|response| response.timeout), Some(0)),
            _ => assert_eq!(bench.outputs(), [Output::Revalidate { session: stranger, timeout: TIMEOUT }]),
        }
    }
    let (mut bench, _, session) = server(Kind::Leader, true);
    assert!(!bench.act(|pipeline, cx, _| pipeline.revalidate(cx, handler(1), session, TIMEOUT)), "its own is no better");
}

/// A session that the leader does not know may be a learner's, for whatever needs no owner.
#[test]
fn the_leader_takes_the_word_of_its_learners() {
    let (mut bench, _, own) = server(Kind::Leader, true);
    let theirs = SessionId(0x0200_0000_0000_0000);
    let mut proposed = |session, op| {
        bench.submit(handler(2), session, 1, op);
        bench.settle();
        bench.proposed().remove(0).txn.clone()
    };
    assert!(matches!(proposed(theirs, set("/", "x", -1)), Txn::SetData { .. }));
    assert_eq!(proposed(theirs, create("/mine", CreateMode::Ephemeral)), Txn::Error { code: ErrorCode::SessionExpired });
    let gone = SessionId(own.0 + 1);
    assert_eq!(proposed(gone, set("/", "x", -1)), Txn::Error { code: ErrorCode::SessionExpired }, "it would be one of its own");
}
