//! Silence, pings, and how sessions end.

use super::lone::{Lone, ms};
use crate::actor::Input;
use crate::proto::ask::{delete, get};
use crate::proto::{Answer, Command, Micros, Op, SessionId, Zxid};

#[test]
fn a_ping_after_a_third_and_the_connection_lost_after_two() {
    let mut lone = Lone::new();
    lone.connects();
    lone.tells();
    lone.waits(Micros(1_999_999));
    assert!(lone.says().is_empty());
    lone.waits(Micros(1));
    assert_eq!(lone.says(), ["-2 ping"]);
    lone.waits(Micros(1_999_999));
    assert_eq!((lone.says(), lone.is_hung_up), (vec![], false));
    lone.waits(Micros(1));
    assert!(lone.is_hung_up);
    assert_eq!(lone.tells(), ["4000 lost its connection with s3: nothing heard for 4s"]);
    lone.says();
    lone.waits(ms(1_000));
    assert!(lone.says().is_empty(), "nobody is pinged any more");
}

#[test]
fn answers_keep_a_connection_and_requests_put_off_pings() {
    let mut lone = Lone::new();
    lone.connects();
    for _ in 0..5 {
        lone.waits(ms(1_900));
        lone.is_asked(get("/a"));
    }
    assert_eq!(lone.says().len(), 2, "1.9 s and 3.8 s: then it is silent for too long");
    let mut lone = Lone::new();
    lone.connects();
    for xid in 1..6 {
        lone.waits(ms(1_900));
        lone.is_asked(get("/a"));
        lone.replies(xid, Zxid::new(1, 1), Ok(Answer::Done));
    }
    assert_eq!(lone.says().len(), 5, "and no ping");
    lone.waits(ms(2_000));
    assert_eq!(lone.says(), ["-2 ping"]);
    lone.replies(-2, Zxid::new(1, 1), Ok(Answer::Done));
    lone.waits(ms(3_999));
    assert!(!lone.is_hung_up, "the answer to a ping is a word as well");
}

/// A client that wakes up after a second without sending pings a second early, lest it sleeps through.
#[test]
fn who_is_awake_pings_early() {
    let mut lone = Lone::with(|program| program.timeout = ms(9_000));
    lone.is_accepted();
    lone.is_answered(9_000);
    lone.is_asked(get("/a"));
    lone.says();
    lone.waits(ms(1_900));
    lone.replies(1, Zxid::new(1, 1), Ok(Answer::Done));
    lone.waits(ms(99));
    assert!(lone.says().is_empty());
    lone.waits(ms(1));
    assert_eq!(lone.says(), ["-2 ping"], "after 2 s instead of 3 s");
    lone.waits(ms(2_000));
    lone.replies(-2, Zxid::new(1, 1), Ok(Answer::Done));
    assert_eq!(lone.says(), ["-2 ping"], "at once: 2 s have passed");
}

#[test]
fn a_server_says_that_the_session_has_expired() {
    let mut lone = Lone::new();
    lone.connects();
    lone.is_asked(delete("/a", -1));
    lone.is_closed();
    lone.waits(ms(350));
    lone.is_asked(delete("/b", -1));
    lone.is_accepted();
    lone.tells();
    lone.is_answered(0);
    lone.is_asked(delete("/c", -1));
    lone.waits(ms(99));
    assert_eq!(
        lone.tells(),
        ["350 loses session 0x300000000000001: it has expired", "350 is answered: SessionExpired"],
        "what comes too late fails first"
    );
    lone.waits(ms(1));
    assert_eq!(lone.tells(), ["450 is answered: SessionExpired"], "what was queued fails when the connection is cleaned up");
    lone.waits(ms(60_000));
    assert_eq!((lone.dialled(), lone.tells()), (None, vec![]));
}

#[test]
fn a_new_session_after_the_end_of_one() {
    let mut lone = Lone::new();
    lone.connects();
    lone.is_asked(get("/a"));
    lone.replies(1, Zxid::new(1, 1), Ok(Answer::Done));
    lone.is_closed();
    lone.waits(ms(350));
    lone.is_accepted();
    lone.is_answered(0);
    lone.is_sent_to(2);
    assert_eq!(lone.dialled(), None, "not before the old one is cleaned up");
    lone.waits(ms(100));
    assert_eq!(lone.dialled().map(|(to, _)| to), Some(2));
    let request = lone.is_accepted();
    assert_eq!((request.session, request.last_zxid_seen), (SessionId::NONE, Zxid::ZERO));
    lone.is_answered(6_000);
    lone.says();
    lone.is_asked(get("/a"));
    assert_eq!(lone.says(), ["1 get /a"], "a handle counts from 1");
}

/// After 4/3 of its timeout without anybody's word a client knows that its session must be over; it looks when it tries the next server, and
/// when a dial has taken too long.
#[test]
fn a_client_gives_its_session_up() {
    for gives_up in [true, false] {
        let mut lone = Lone::with(|program| program.gives_up = gives_up);
        lone.connects();
        lone.waits(ms(4_350));
        lone.is_ignored();
        lone.tells();
        lone.waits(ms(350));
        assert_eq!((lone.now, lone.dialled().map(|(to, _)| to)), (ms(6_700), Some(2)));
        lone.is_ignored();
        let told = lone.tells();
        assert_eq!(told.last().is_some_and(|told| told == "8700 loses session 0x300000000000001: it has expired"), gives_up, "{told:?}");
        lone.waits(ms(60_000));
        assert_eq!(lone.dialled().is_some(), !gives_up, "ZooKeeper 3.8 tries for ever");
    }
}

/// A connection that came up is a word of its server, whatever becomes of it.
#[test]
fn whoever_accepts_is_heard() {
    let mut lone = Lone::new();
    lone.connects();
    lone.waits(ms(4_350));
    for _ in 0..10 {
        lone.is_accepted();
        lone.is_closed();
        while lone.dialled().is_none() {
            lone.waits(ms(50));
        }
    }
    assert!(lone.now > ms(8_000));
    assert!(lone.tells().iter().all(|told| !told.contains("expired")));
}

/// A session that no server ever gave cannot be over.
#[test]
fn without_a_session_it_tries_for_ever() {
    let mut lone = Lone::new();
    for _ in 0..20 {
        lone.is_ignored();
        while lone.dialled().is_none() {
            lone.waits(ms(50));
        }
    }
    assert!(lone.tells().iter().all(|told| told.contains("tries s")));
}

#[test]
fn a_user_closes_the_session() {
    let mut lone = Lone::new();
    lone.connects();
    lone.tells();
    lone.is_asked(delete("/a", -1));
    lone.is_asked(Op::CloseSession);
    lone.is_asked(delete("/b", -1));
    assert_eq!(lone.says(), ["1 delete /a", "2 close"]);
    lone.waits(Micros::ZERO);
    assert_eq!(lone.tells(), ["0 is answered: ConnectionLoss"], "nothing is taken once it closes");
    lone.replies(1, Zxid::new(1, 1), Ok(Answer::Done));
    lone.replies(2, Zxid::new(1, 2), Ok(Answer::Done));
    assert!(lone.is_hung_up);
    lone.waits(ms(60_000));
    assert_eq!(lone.tells(), ["0 has closed session 0x300000000000001", "0 is answered: Ok (zxid 1:1)", "0 is answered: Ok (zxid 1:2)"]);
    lone.is_asked(delete("/c", -1));
    lone.is_asked(Op::CloseSession);
    lone.waits(ms(60_000));
    assert_eq!(lone.tells(), ["60000 is answered: SessionExpired", "60000 is answered: Ok"]);
    assert_eq!((lone.dialled(), lone.says()), (None, vec![]));
}

#[test]
fn a_close_without_an_answer() {
    let mut lone = Lone::new();
    lone.connects();
    lone.is_asked(Op::CloseSession);
    lone.step(Input::Command(Command::Connect { server: None, claim: None }));
    lone.tells();
    lone.is_closed();
    lone.waits(ms(100));
    let told = [
        "0 lost its connection with s3: closed by the peer",
        "100 has closed session 0x300000000000001",
        "100 tries s3",
        "100 is answered: ConnectionLoss",
    ];
    assert_eq!(lone.tells(), told, "and the session that was asked for meanwhile begins");
    assert_eq!(lone.is_accepted().session, SessionId::NONE);
}

/// The attempt under way is the last: if it succeeds the session is taken back to be closed, and if not it is left to itself.
#[test]
fn closing_without_a_connection() {
    let mut lone = Lone::new();
    lone.connects();
    lone.is_closed();
    lone.waits(ms(350));
    lone.is_asked(Op::CloseSession);
    lone.is_accepted();
    lone.is_answered(6_000);
    assert_eq!(lone.says(), ["1 close"]);
    lone.replies(1, Zxid::new(1, 2), Ok(Answer::Done));
    lone.waits(ms(60_000));
    assert_eq!(lone.tells().last().map(String::as_str), Some("350 is answered: Ok (zxid 1:2)"));
    for asks_early in [true, false] {
        let mut lone = Lone::new();
        lone.connects();
        lone.is_closed();
        if asks_early {
            // The socket is not cleaned up yet: no other attempt begins.
            lone.is_asked(Op::CloseSession);
            lone.waits(ms(60_000));
        } else {
            lone.waits(ms(350));
            lone.is_asked(Op::CloseSession);
            lone.is_refused();
            lone.waits(ms(60_000));
        }
        let told = lone.tells();
        assert!(told.iter().any(|told| told.ends_with("has closed session 0x300000000000001")), "{told:?}");
        assert!(told.last().is_some_and(|told| told.ends_with("is answered: ConnectionLoss")), "{told:?}");
        assert_eq!(lone.dialled(), None);
    }
}

/// A process that was told id and password goes on with a session that it has not opened, and leaves its own to itself.
#[test]
fn a_session_of_somebody_else() {
    let other = SessionId(0x100_0000_0000_0009);
    let mut lone = Lone::new();
    lone.connects();
    lone.is_asked(get("/a"));
    lone.replies(1, Zxid::new(1, 7), Ok(Answer::Done));
    lone.is_asked(delete("/a", -1));
    lone.tells();
    lone.claims(other);
    lone.runs_callbacks();
    assert!(lone.is_hung_up);
    let told = lone.tells();
    assert_eq!(told[0], "0 lost its connection with s3: its user goes on with another session");
    assert!(told.contains(&"0 is answered: ConnectionLoss".into()), "{told:?}");
    assert_eq!(lone.dialled().map(|(to, _)| to), Some(1));
    let request = lone.is_accepted();
    assert_eq!((request.session, request.password, request.last_zxid_seen), (other, [9; 16], Zxid::ZERO));
    lone.is_answered(0);
    assert!(lone.tells().contains(&format!("0 loses session {other}: it has expired")), "as after a wrong password");
    lone.waits(ms(60_000));
    assert_eq!((lone.dialled(), lone.client.is_closed(), lone.client.credentials()), (None, true, None));
}

/// A dial that is under way when another session is wanted is the one for that session.
#[test]
fn a_session_of_somebody_else_while_dialling() {
    let mut lone = Lone::new();
    lone.claims(SessionId(9));
    assert_eq!(lone.is_accepted().session, SessionId(9));
}
