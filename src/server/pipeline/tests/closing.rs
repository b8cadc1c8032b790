//! The end of sessions. Sessions reference §6, §11.

use std::sync::Arc;

use super::bench::{Bench, connect_request, handler, zxid};
use crate::proto::ask::{create, delete, exists};
use crate::proto::{ConnId, CreateMode, ErrorCode, Op, Path, SessionId, Txn, Zxid};
use crate::server::pipeline::Kind;
use crate::server::pipeline::session_names::password;

fn closes(paths: &[&str]) -> Txn {
    Txn::CloseSession { paths: Some(paths.iter().map(|path| Path::from(*path)).collect()) }
}

/// The client is answered first, then its connection closes; its ephemerals are gone with one zxid.
#[test]
fn a_client_closes_its_session() {
    let mut bench = Bench::new(Kind::Leader);
    let ((conn, session), (other, _)) = (bench.client(), bench.client());
    bench.does(conn, create("/b", CreateMode::Ephemeral));
    bench.does(conn, create("/a", CreateMode::Ephemeral));
    bench.does(other, create("/theirs", CreateMode::Ephemeral));
    assert_eq!(bench.does(conn, Op::CloseSession), "Ok");
    assert!(bench.has_closed(conn) && !bench.has_closed(other));
    assert_eq!(bench.db.last_processed, zxid(6));
    assert_eq!([bench.data("/a"), bench.data("/b"), bench.data("/theirs")], [None, None, Some("x".into())]);
    assert!(!bench.db.sessions().contains_key(&session));
    let back = bench.connect(connect_request(session, password(session), Zxid::ZERO));
    assert_eq!(bench.welcome(back).map(|response| response.timeout), Some(0), "there is no such session any more");
}

/// The list is made of the tree and of what is proposed: creates and deletes on their way, of this session and of others.
#[test]
fn the_list_counts_what_is_on_its_way() {
    let mut bench = Bench::new(Kind::Leader);
    let ((one, _), (two, _)) = (bench.client(), bench.client());
    for path in ["/kept", "/deleted", "/recreated", "/replaced"] {
        bench.does(one, create(path, CreateMode::Ephemeral));
    }
    bench.ask(one, 1, delete("/deleted", -1));
    bench.ask(one, 2, delete("/recreated", -1));
    bench.ask(one, 3, create("/recreated", CreateMode::Ephemeral));
    bench.ask(one, 4, create("/new-", CreateMode::EphemeralSequential));
    bench.ask(one, 5, create("/persistent", CreateMode::Persistent));
    bench.ask(one, 6, delete("/replaced", -1));
    bench.ask(two, 1, create("/replaced", CreateMode::Ephemeral));
    bench.ask(one, 7, Op::CloseSession);
    bench.ask(two, 2, create("/kept", CreateMode::Persistent));
    bench.settle();
    let proposals = bench.proposed();
    let last: Vec<Txn> = proposals.iter().rev().take(2).map(|it| it.txn.clone()).collect();
    assert_eq!(last[1], closes(&["/kept", "/new-0000000005", "/recreated"]));
    assert!(matches!(&last[0], Txn::Create { path, .. } if &**path == "/kept"), "as good as gone: {}", last[0]);
    proposals.into_iter().for_each(|proposal| bench.commit(proposal));
    bench.settle();
    assert_eq!([bench.data("/deleted"), bench.data("/new-0000000005"), bench.data("/recreated")], [None, None, None]);
    assert_eq!([bench.data("/persistent"), bench.data("/replaced"), bench.data("/kept")], [Some("x".into()), Some("x".into()), Some("x".into())]);
}

/// Once the end is prepared nothing of the session takes effect: its own server drops what it asks, the leader refuses what others bring, and
/// nobody takes it over (ZOOKEEPER-1208).
#[test]
fn a_closing_session_is_refused_everywhere() {
    let mut bench = Bench::new(Kind::Leader);
    let (conn, session) = bench.client();
    bench.ask(conn, 1, Op::CloseSession);
    bench.settle();
    let close = bench.proposed().remove(0);
    bench.ask(conn, 2, create("/late", CreateMode::Ephemeral));
    bench.ask(conn, 3, exists("/"));
    bench.settle();
    assert!(bench.proposed().is_empty() && bench.replies(conn).is_empty(), "dropped without an answer");
    bench.submit(handler(1), session, 4, create("/late", CreateMode::Ephemeral));
    bench.settle();
    assert_eq!(bench.proposed()[0].txn, Txn::Error { code: ErrorCode::SessionExpired });
    assert!(!bench.act(|pipeline, cx, _| pipeline.revalidate(cx, handler(1), session, 1_000)));
    bench.commit(close);
    bench.settle();
    assert_eq!(bench.told(conn), ["1 1:2 Ok"]);
    bench.submit(handler(1), session, 5, create("/late", CreateMode::Ephemeral));
    bench.settle();
    assert_eq!(bench.proposed()[0].txn, Txn::Error { code: ErrorCode::SessionExpired });
}

/// What was asked before the end stays in front of it, in the same breath.
#[test]
fn what_came_before_the_end_is_done() {
    let mut bench = Bench::new(Kind::Leader);
    let (conn, _) = bench.client();
    bench.ask(conn, 1, create("/a", CreateMode::Ephemeral));
    bench.ask(conn, 2, Op::CloseSession);
    bench.ask(conn, 3, exists("/a"));
    bench.settle();
    let proposals = bench.proposed();
    assert_eq!(proposals[1].txn, closes(&["/a"]));
    proposals.into_iter().for_each(|proposal| bench.commit(proposal));
    bench.settle();
    assert_eq!(bench.told(conn), ["1 1:2 /a", "2 1:3 Ok"], "the read behind it finds the connection closed");
}

/// Closed by the leader or through another server: whoever carries the session's connection closes it (ZOOKEEPER-558).
#[test]
fn the_end_of_a_session_closes_its_connection_wherever_it_is() {
    for kind in [Kind::Leader, Kind::Follower] {
        let mut bench = Bench::new(kind);
        let ((conn, session), (other, _)) = (bench.client(), bench.client());
        bench.commits(zxid(3), session, 0, closes(&[]));
        bench.settle();
        assert!(bench.has_closed(conn) && !bench.has_closed(other), "{kind:?}");
        assert!(bench.replies(conn).is_empty());
        assert!(!bench.db.sessions().contains_key(&session));
    }
}

/// A client that hung up after it asked to close is not missed.
#[test]
fn a_close_without_a_connection_is_still_a_close() {
    let mut bench = Bench::new(Kind::Follower);
    let (conn, session): (ConnId, SessionId) = bench.client();
    bench.ask(conn, 1, Op::CloseSession);
    bench.settle();
    assert_eq!(bench.forwarded().iter().map(|request| (request.session, request.cxid)).collect::<Vec<_>>(), [(session, 1)]);
    bench.act(|pipeline, cx, _| pipeline.on_closed(cx, conn));
    bench.commits(zxid(2), session, 1, closes(&[]));
    bench.settle();
    assert!(bench.replies(conn).is_empty() && !bench.db.sessions().contains_key(&session));
    assert_eq!(bench.act(|pipeline, _, _| pipeline.touched()), Arc::from([]), "nobody tells the leader of a closed session");
}
