//! How a connection gets its session. Sessions reference §2, §3, §5.

use super::bench::{Bench, TIMEOUT, config, connect_request, zxid};
use crate::proto::ask::exists;
use crate::proto::{Config, ConnectRequest, ConnectResponse, Membership, Micros, Packet, Port, SessionId, Timer, Txn, Zxid};
use crate::server::pipeline::handshake::{Welcome, negotiated_timeout, welcome};
use crate::server::pipeline::session_names::password;
use crate::server::pipeline::{Kind, Output};
use crate::trace::Note;

const SESSION: SessionId = SessionId(0x0200_0000_0000_0000);

const EXPIRED: ConnectResponse = ConnectResponse { timeout: 0, session: SessionId::NONE, password: [0; 16], read_only: false };

fn back(session: SessionId) -> ConnectRequest {
    connect_request(session, password(session), Zxid::ZERO)
}

#[test]
fn being_ahead_comes_before_the_session_and_that_before_the_password() {
    let (right, wrong) = (password(SESSION), [1; 16]);
    for (seen, session, password, expected) in [
        (zxid(5), SessionId::NONE, wrong, Welcome::New),
        (zxid(5), SESSION, right, Welcome::Back),
        (zxid(5), SESSION, wrong, Welcome::Invalid),
        (zxid(6), SessionId::NONE, wrong, Welcome::Ahead),
        (zxid(6), SESSION, right, Welcome::Ahead),
        (zxid(6), SESSION, wrong, Welcome::Ahead),
    ] {
        assert_eq!(welcome(&connect_request(session, password, seen), zxid(5)), expected, "seen {seen}, session {session}");
    }
}

#[test]
fn timeouts_are_kept_within_limits() {
    let defaults = Config { tick_time: Micros::from_millis(200), ..Config::new(Membership::of(3, 0)) };
    let limited =
        Config { min_session_timeout: Some(Micros::from_millis(50)), max_session_timeout: Some(Micros::from_millis(60)), ..defaults.clone() };
    for (config, asked, given) in [
        (&defaults, 1_000, 1_000),
        (&defaults, 0, 400),
        (&defaults, -5, 400),
        (&defaults, 4_001, 4_000),
        (&defaults, i32::MAX, 4_000),
        (&limited, 49, 50),
        (&limited, 1_000, 60),
    ] {
        assert_eq!(negotiated_timeout(config, asked), given, "asked for {asked}");
    }
}

#[test]
fn it_listens_for_clients_unless_a_leader_shall_not() {
    for (kind, serves, listens) in
        [(Kind::Leader, true, true), (Kind::Leader, false, false), (Kind::Follower, false, true), (Kind::Observer, true, true)]
    {
        let mut bench = Bench::with(kind, Config { leader_serves: serves, ..config() });
        let expected: &[(Port, bool)] = if listens { &[(Port::Client, true)] } else { &[] };
        assert_eq!(bench.listening(), expected, "{kind:?}, leaderServes {serves}");
    }
}

/// The reply waits until the createSession is applied at this server.
#[test]
fn a_new_session_is_told_when_it_exists() {
    for kind in [Kind::Leader, Kind::Follower, Kind::Observer] {
        let mut bench = Bench::new(kind);
        let conn = bench.connect(connect_request(SessionId::NONE, [0; 16], Zxid::ZERO));
        bench.settle();
        assert_eq!(bench.welcome(conn), None, "{kind:?} answers before the session exists");
        let session = match bench.outputs().as_slice() {
            [Output::Propose(proposal)] if kind == Kind::Leader => {
                assert_eq!((proposal.header.cxid, &proposal.txn), (0, &Txn::CreateSession { timeout: TIMEOUT }));
                bench.commit(proposal.clone());
                proposal.header.session
            }
            [Output::Forward(request)] if kind != Kind::Leader => {
                bench.commits(zxid(1), request.session, request.cxid, Txn::CreateSession { timeout: TIMEOUT });
                request.session
            }
            other => panic!("{kind:?}: {other:?}"),
        };
        assert_eq!(session.0 >> 56, 1, "the top byte is the server's");
        assert_eq!(bench.welcome(conn), None);
        bench.settle();
        assert_eq!(bench.welcome(conn), Some(ConnectResponse { timeout: TIMEOUT, session, password: password(session), read_only: false }));
        assert!(bench.notes().contains(&Note::SessionAttached { session, timeout: TIMEOUT, renewed: false }));
        assert_eq!(bench.db.sessions().get(&session), Some(&TIMEOUT));
    }
}

/// The session is there all the same, until it expires.
#[test]
fn a_client_that_left_before_its_session_existed_is_not_told() {
    let mut bench = Bench::new(Kind::Leader);
    let conn = bench.connect(connect_request(SessionId::NONE, [0; 16], Zxid::ZERO));
    bench.settle();
    let created = bench.proposed().remove(0);
    bench.act(|pipeline, cx, _| pipeline.on_closed(cx, conn));
    bench.commit(created.clone());
    bench.settle();
    assert_eq!(bench.welcome(conn), None);
    assert!(!bench.pipeline.owns(conn) && bench.db.sessions().contains_key(&created.header.session));
}

#[test]
fn a_client_that_has_seen_more_is_sent_away_without_a_word() {
    let mut bench = Bench::new(Kind::Follower);
    bench.commits(zxid(1), SESSION, 0, Txn::CreateSession { timeout: TIMEOUT });
    let ahead = connect_request(SESSION, password(SESSION), zxid(1));
    let conn = bench.connect(ahead.clone());
    assert!(bench.has_closed(conn) && bench.welcome(conn).is_none() && !bench.pipeline.owns(conn));
    assert_eq!(bench.notes(), [Note::ClientAhead { seen: zxid(1), applied: zxid(0) }].to_vec(), "committed is not applied");
    bench.settle();
    let conn = bench.connect(ahead);
    assert!(!bench.has_closed(conn));
}

#[test]
fn a_wrong_password_is_told_as_expired_and_kicks_the_live_connection() {
    let mut bench = Bench::new(Kind::Leader);
    let (live, session) = bench.client();
    let conn = bench.connect(connect_request(session, [1; 16], Zxid::ZERO));
    assert_eq!(bench.welcome(conn), Some(EXPIRED));
    assert!(bench.has_closed(conn) && bench.has_closed(live));
}

#[test]
fn the_leader_knows_at_once_whether_a_session_lives() {
    let mut bench = Bench::new(Kind::Leader);
    let (older, session) = bench.client();
    let conn = bench.connect(back(session));
    assert_eq!(bench.welcome(conn), Some(ConnectResponse { timeout: TIMEOUT, session, password: password(session), read_only: false }));
    assert_eq!(bench.notes(), [Note::SessionAttached { session, timeout: TIMEOUT, renewed: true }].to_vec());
    assert!(bench.has_closed(older), "a session has one connection on a server");
    bench.ask(conn, 1, exists("/"));
    bench.settle();
    assert_eq!(bench.told(conn), ["1 1:1 Ok"]);

    let unknown = bench.connect(back(SESSION));
    assert_eq!(bench.welcome(unknown), Some(EXPIRED));
    assert!(bench.has_closed(unknown));
}

#[test]
fn a_learner_asks_its_leader() {
    for kind in [Kind::Follower, Kind::Observer] {
        for valid in [true, false] {
            let mut bench = Bench::new(kind);
            let conn = bench.connect(back(SESSION));
            assert_eq!(bench.outputs(), [Output::Revalidate { session: SESSION, timeout: TIMEOUT }]);
            assert_eq!(bench.welcome(conn), None);
            bench.act(|pipeline, cx, _| pipeline.on_revalidated(cx, SESSION, valid));
            let alive = ConnectResponse { timeout: TIMEOUT, session: SESSION, password: password(SESSION), read_only: false };
            assert_eq!(bench.welcome(conn), Some(if valid { alive } else { EXPIRED }));
            assert_eq!(bench.has_closed(conn), !valid);
        }
    }
}

/// The parked connection closes like one that is open; the answer goes to the new one.
#[test]
fn the_answer_to_a_revalidation_is_for_the_last_who_asked() {
    let mut bench = Bench::new(Kind::Follower);
    let first = bench.connect(back(SESSION));
    let second = bench.connect(back(SESSION));
    assert!(bench.has_closed(first));
    bench.act(|pipeline, cx, _| pipeline.on_revalidated(cx, SESSION, true));
    assert!(bench.welcome(second).is_some());
    bench.act(|pipeline, cx, _| pipeline.on_revalidated(cx, SESSION, false));
    assert!(!bench.has_closed(second), "the second answer finds nobody waiting");
}

/// A client says nothing more before it is answered; a server would not read it.
#[test]
fn nothing_is_read_during_the_handshake() {
    let mut bench = Bench::new(Kind::Follower);
    let silent = bench.dial();
    bench.ask(silent, 1, exists("/"));
    let conn = bench.connect(back(SESSION));
    bench.outputs();
    bench.ask(conn, 1, exists("/"));
    bench.hear(conn, Packet::ConnectRequest(std::sync::Arc::new(back(SESSION))));
    bench.settle();
    assert!(bench.outputs().is_empty() && bench.replies(conn).is_empty() && bench.replies(silent).is_empty());
}

/// Rounded up to whole ten seconds, like ZooKeeper's own bookkeeping of connections. The session is not concerned.
#[test]
fn silent_connections_close() {
    let mut bench = Bench::new(Kind::Follower);
    bench.now = Micros::from_secs(3);
    let silent = bench.dial();
    let (conn, _) = bench.client();
    bench.pass_until(Micros::from_millis(9_500));
    bench.ask(conn, -2, crate::proto::Op::Ping);
    bench.pass_until(Micros(19_999_999));
    assert!(!bench.has_closed(silent) && !bench.has_closed(conn));
    bench.pass_until(Micros::from_secs(20));
    assert!(bench.has_closed(silent), "13 seconds, rounded up");
    assert!(bench.has_closed(conn), "its timeout of a second ended in the second interval");
    assert!(!bench.timers.keys().any(|timer| matches!(timer, Timer::ClientRead(_))));
}

#[test]
fn at_the_end_everybody_is_let_go() {
    let mut bench = Bench::new(Kind::Leader);
    let (conn, _) = bench.client();
    let silent = bench.dial();
    bench.act(|pipeline, cx, _| pipeline.shut_down(cx));
    assert!(bench.has_closed(conn) && bench.has_closed(silent));
    assert_eq!(bench.listening(), [(Port::Client, false)]);
    assert!(bench.timers.is_empty(), "{:?}", bench.timers);
}
