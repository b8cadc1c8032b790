//! A session speaks through one server at a time. Sessions reference §5.

use super::bench::{Bench, connect_request, handler, sync, zxid};
use crate::proto::ask::{create, exists, set};
use crate::proto::{CreateMode, ErrorCode, Op, SessionId, Txn, Zxid};
use crate::server::pipeline::session_names::password;
use crate::server::pipeline::{Kind, Output};
use crate::trace::Note;

const TIMEOUT: i32 = 1_000;

/// A leader and a session that was created through the learner behind handler 1.
fn leader() -> (Bench, SessionId) {
    let mut bench = Bench::new(Kind::Leader);
    let session = SessionId(0x0200_0000_0000_0000);
    bench.submit(handler(1), session, 0, Op::CreateSession { timeout: TIMEOUT });
    bench.settle();
    bench.proposed().into_iter().for_each(|proposal| bench.commit(proposal));
    bench.settle();
    bench.outputs();
    bench.notes();
    (bench, session)
}

/// What the leader proposes for one request of a learner.
fn proposed(bench: &mut Bench, through: u32, session: SessionId, cxid: i32, op: Op) -> Txn {
    bench.submit(handler(through), session, cxid, op);
    bench.settle();
    bench.proposed().remove(0).txn.clone()
}

fn refused(code: ErrorCode) -> Txn {
    Txn::Error { code }
}

#[test]
fn requests_are_taken_from_the_owner_alone() {
    let (mut bench, session) = leader();
    assert_eq!(proposed(&mut bench, 2, session, 1, set("/", "x", -1)), refused(ErrorCode::SessionMoved), "not who created it");
    assert!(matches!(proposed(&mut bench, 1, session, 2, set("/", "x", -1)), Txn::SetData { .. }));
    assert!(bench.notes().contains(&Note::SessionMoved { session }));
    assert_eq!(proposed(&mut bench, 1, SessionId(9), 1, set("/", "x", -1)), refused(ErrorCode::SessionExpired));
}

/// From the revalidation on nothing that comes through the old server takes effect; what was prepared before stands.
#[test]
fn a_revalidation_moves_the_session() {
    let (mut bench, session) = leader();
    assert!(matches!(proposed(&mut bench, 1, session, 1, set("/", "x", -1)), Txn::SetData { .. }));
    assert!(bench.act(|pipeline, cx, _| pipeline.revalidate(cx, handler(2), session, TIMEOUT)));
    assert_eq!(proposed(&mut bench, 1, session, 2, set("/", "x", -1)), refused(ErrorCode::SessionMoved));
    assert!(matches!(proposed(&mut bench, 2, session, 2, set("/", "x", -1)), Txn::SetData { version: 2, .. }));
    assert!(!bench.act(|pipeline, cx, _| pipeline.revalidate(cx, handler(2), SessionId(9), TIMEOUT)), "nobody knows that session");
}

/// The leader takes a session over for itself (ZOOKEEPER-484), and loses it like any other.
#[test]
fn the_leaders_own_clients_own_theirs_through_it() {
    let (mut bench, session) = leader();
    let conn = bench.connect(connect_request(session, password(session), Zxid::ZERO));
    assert!(bench.welcome(conn).is_some_and(|response| response.timeout == TIMEOUT));
    assert_eq!(proposed(&mut bench, 1, session, 1, set("/", "x", -1)), refused(ErrorCode::SessionMoved));
    bench.ask(conn, 1, exists("/"));
    bench.settle();
    assert_eq!(bench.told(conn), [""; 0], "the session's own refused write is still pending");

    bench.commits(zxid(2), session, 1, refused(ErrorCode::SessionMoved));
    bench.settle();
    assert_eq!(bench.told(conn), ["1 1:2 Ok"]);

    bench.act(|pipeline, cx, _| pipeline.revalidate(cx, handler(2), session, TIMEOUT));
    bench.ask(conn, 2, exists("/"));
    bench.settle();
    assert!(bench.has_closed(conn) && bench.replies(conn).is_empty(), "its connection closes without an answer");
    assert_eq!(bench.notes().iter().filter(|note| matches!(note, Note::SessionMoved { .. })).count(), 2);
}

/// The server that the session left closes the connection when it learns of the refusal.
#[test]
fn a_learner_told_of_a_move_closes_the_connection() {
    let mut bench = Bench::new(Kind::Follower);
    let (conn, session) = bench.client();
    bench.ask(conn, 1, create("/a", CreateMode::Persistent));
    bench.ask(conn, 2, exists("/"));
    bench.settle();
    bench.commits(zxid(2), session, 1, refused(ErrorCode::SessionMoved));
    bench.settle();
    assert!(bench.has_closed(conn) && bench.replies(conn).is_empty());
}

/// A new leader knows no owners: the first who speaks for a session becomes it.
#[test]
fn the_first_request_under_a_new_leader_settles_the_owner() {
    let (old, session) = leader();
    let mut bench = Bench::over(Kind::Leader, super::bench::config(), old.db, old.now);
    assert!(matches!(proposed(&mut bench, 3, session, 1, set("/", "x", -1)), Txn::SetData { .. }));
    assert_eq!(proposed(&mut bench, 1, session, 2, set("/", "x", -1)), refused(ErrorCode::SessionMoved));
}

/// A learner's sync is answered whatever its session is worth; it takes no zxid and waits in no queue here.
#[test]
fn syncs_of_learners_are_answered_in_their_turn() {
    let (mut bench, session) = leader();
    bench.submit(handler(1), session, 1, set("/", "x", -1));
    bench.submit(handler(1), session, 2, sync());
    bench.submit(handler(1), session, 3, set("/", "y", -1));
    bench.submit(handler(2), SessionId(9), 1, sync());
    bench.settle();
    let told: Vec<String> = bench
        .outputs()
        .iter()
        .map(|output| match output {
            Output::Propose(proposal) => proposal.zxid().to_string(),
            Output::AnswerSync { handler, session, cxid } => format!("sync {cxid} of {session} through {}", handler.slot),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(told, ["1:2", "sync 2 of 0x200000000000000 through 1001", "1:3", "sync 1 of 0x9 through 1002"]);
}
