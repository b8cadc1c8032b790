//! On a server that can only be read. Sessions reference §8.

use super::lone::{Lone, SEARCH, SESSION, ms};
use crate::actor::Input;
use crate::proto::ask::{delete, get};
use crate::proto::{Answer, CloseReason, ErrorCode, Packet, SessionId, Zxid};

fn reading() -> Lone {
    let mut lone = Lone::with(|program| program.read_only = true);
    assert!(lone.is_accepted().read_only, "it says so");
    lone.is_let_read();
    lone
}

/// s1 follows s3 in its round, then s2: after 100 ms, then 200 ms after that question, then 400 ms.
#[test]
fn it_asks_around_less_and_less_often() {
    let mut lone = reading();
    assert_eq!(lone.tells(), ["0 tries s3", "0 can only read: it has session 0x300000000000001 on s3, which has no leader"]);
    lone.waits(ms(99));
    assert_eq!(lone.dialled(), None);
    lone.waits(ms(1));
    assert_eq!((lone.asks_around(), lone.says()), (1, vec!["ISRO".to_string()]));
    lone.step(Input::Packet { conn: SEARCH, packet: Packet::IsReadOnlyAnswer(true) });
    assert!(lone.is_search_over);
    lone.waits(ms(199));
    assert_eq!(lone.dialled(), None);
    lone.waits(ms(1));
    assert_eq!(lone.asks_around(), 2);
    lone.step(Input::Closed { conn: SEARCH, why: CloseReason::Finished });
    lone.waits(ms(400));
    lone.is_refused();
    lone.waits(ms(799));
    assert_eq!(lone.dialled(), None);
    lone.waits(ms(1));
    assert_eq!(lone.asks_around(), 1);
    lone.waits(ms(999));
    assert!(!lone.is_search_over);
    lone.waits(ms(1));
    assert!(lone.is_search_over, "nobody waits longer than a second");
    assert!(lone.tells().is_empty() && !lone.is_hung_up);
}

/// A session of a server without a leader is worth nothing elsewhere, and is not asked for: nothing expires.
#[test]
fn it_goes_where_it_can_write() {
    let mut lone = reading();
    lone.is_asked(delete("/a", -1));
    lone.replies(1, Zxid::new(1, 1), Err(ErrorCode::NotReadOnly));
    lone.waits(ms(100));
    lone.asks_around();
    lone.is_asked(get("/a"));
    lone.tells();
    lone.step(Input::Packet { conn: SEARCH, packet: Packet::IsReadOnlyAnswer(false) });
    assert!(lone.is_search_over && lone.is_hung_up);
    lone.waits(ms(100));
    let told = [
        "100 hears that s1 has a leader, and goes there",
        "100 lost its connection with s3: a server with a leader is found",
        "200 is answered: ConnectionLoss",
    ];
    assert_eq!(lone.tells(), told);
    lone.waits(ms(250));
    assert_eq!(lone.dialled().map(|(to, _)| to), Some(1));
    let request = lone.is_accepted();
    assert_eq!((request.session, request.last_zxid_seen), (SessionId::NONE, Zxid::new(1, 1)));
    lone.is_answered(6_000);
    lone.is_closed();
    lone.waits(ms(350));
    assert_eq!(lone.is_accepted().session, SESSION, "this one is known everywhere");
    lone.is_let_read();
    lone.waits(ms(100));
    assert!(lone.dialled().is_some(), "it begins to ask anew");
}

/// The header of an error where a session was to be.
#[test]
fn a_refused_handshake_is_a_broken_connection() {
    let mut lone = Lone::with(|program| program.read_only = true);
    lone.is_accepted();
    lone.replies(0, Zxid::new(1, 1), Err(ErrorCode::NotReadOnly));
    assert!(lone.is_hung_up);
    lone.waits(ms(350));
    assert_eq!(lone.dialled().map(|(to, _)| to), Some(1));
    assert_eq!(lone.is_accepted().session, SessionId::NONE);
    lone.is_answered(6_000);
    lone.is_asked(get("/a"));
    lone.replies(1, Zxid::new(1, 1), Ok(Answer::Done));
    lone.waits(ms(1_000));
    assert_eq!(lone.dialled(), None, "nothing is left to be found");
}
