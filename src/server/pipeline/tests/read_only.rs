//! A server without a leader. Sessions reference §3, §8.

use super::bench::{Bench, TIMEOUT, config, connect_request, sync, zxid};
use crate::proto::ask::{create, exists, get};
use crate::proto::{Config, ConnectRequest, CreateMode, Micros, Op, Packet, Proposal, SessionId, Txn, TxnHeader, Zxid};
use crate::server::pipeline::Kind;
use crate::server::pipeline::session_names::password;
use crate::tree::Database;

const KNOWN: SessionId = SessionId(0x0200_0000_0000_0000);

/// A server that knows a session of everybody's.
fn server(local_sessions: bool) -> Bench {
    let mut db = Database::new(500);
    let header = TxnHeader { session: KNOWN, cxid: 0, zxid: zxid(1), time: 7 };
    db.apply(&Proposal::new(header, Txn::CreateSession { timeout: TIMEOUT })).expect("a session");
    Bench::over(Kind::ReadOnly, Config { local_sessions, ..config() }, db, Micros::from_millis(50))
}

fn agrees(session: SessionId) -> ConnectRequest {
    ConnectRequest { read_only: true, ..connect_request(session, password(session), Zxid::ZERO) }
}

#[test]
fn it_takes_who_agrees_and_nobody_else() {
    let mut bench = server(true);
    for (request, why) in [
        (connect_request(SessionId::NONE, [0; 16], Zxid::ZERO), "it wants to write"),
        (ConnectRequest { last_zxid_seen: zxid(2), ..agrees(SessionId::NONE) }, "it has seen more"),
        (agrees(KNOWN), "nobody knows whether that session lives"),
    ] {
        let conn = bench.connect(request);
        assert!(bench.has_closed(conn) && bench.packets(conn).is_empty(), "{why}");
    }
    let conn = bench.connect(agrees(SessionId::NONE));
    bench.settle();
    assert!(bench.welcome(conn).is_some_and(|response| response.read_only && response.timeout == TIMEOUT));
    let gone = bench.connect(agrees(SessionId(0x0300_0000_0000_0000)));
    assert!(bench.welcome(gone).is_some_and(|response| response.timeout == 0), "a session that it never heard of has expired");
}

#[test]
fn it_answers_reads_and_refuses_the_rest() {
    let mut bench = server(true);
    let conn = bench.connect(agrees(SessionId::NONE));
    bench.settle();
    bench.welcome(conn);
    for (xid, op) in [(1, exists("/a")), (2, create("/a", CreateMode::Persistent)), (3, sync()), (4, get("/")), (-2, Op::Ping), (5, Op::CloseSession)]
    {
        bench.ask(conn, xid, op);
    }
    bench.settle();
    assert_eq!(bench.told(conn), ["1 1:1 NoNode", "2 1:1 NotReadOnly", "3 1:1 NotReadOnly", "4 1:1 ", "-2 1:1 Ok", "5 1:1 Ok"]);
    assert!(bench.has_closed(conn) && bench.outputs().is_empty());
    assert_eq!(bench.db.last_processed, zxid(1));
}

/// ZOOKEEPER-3864: it would take a transaction.
#[test]
fn without_sessions_of_its_own_it_has_none() {
    let mut bench = server(false);
    let conn = bench.connect(agrees(SessionId::NONE));
    bench.settle();
    assert_eq!(bench.told(conn), ["0 1:1 NotReadOnly"]);
}

#[test]
fn it_says_what_it_is() {
    for (kind, answer) in [(Kind::ReadOnly, "ISRO_ANSWER ro"), (Kind::Leader, "ISRO_ANSWER rw"), (Kind::Observer, "ISRO_ANSWER rw")] {
        let mut bench = Bench::new(kind);
        let conn = bench.dial();
        bench.hear(conn, Packet::IsReadOnly);
        assert_eq!(bench.packets(conn), [answer]);
        assert!(bench.has_closed(conn));
    }
}
