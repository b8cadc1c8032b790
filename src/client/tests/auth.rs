//! Who the client says it is. Sessions reference §10.7.

use super::lone::{Lone, ms};
use crate::proto::ask::delete;
use crate::proto::{AUTH_XID, Answer, ErrorCode, Micros, Op, Zxid};

fn proof(credential: &str) -> Op {
    Op::Auth { scheme: "digest".into(), credential: Some(credential.as_bytes().into()) }
}

/// The answers alone: `0 is answered: Ok`.
fn answers(lone: &mut Lone) -> Vec<String> {
    lone.waits(Micros::ZERO);
    lone.tells().into_iter().filter(|told| told.contains("is answered")).collect()
}

/// Before anything else, on each connection; what was told last comes first.
#[test]
fn each_server_learns_who_comes() {
    let mut lone = Lone::new();
    lone.is_asked(proof("u1:p1"));
    lone.is_asked(delete("/a", -1));
    lone.connects();
    lone.is_asked(proof("u2:p2"));
    assert_eq!(lone.says(), ["-4 addauth digest u1:p1", "1 delete /a", "-4 addauth digest u2:p2"]);
    lone.replies(AUTH_XID, Zxid::ZERO, Ok(Answer::Done));
    assert_eq!(answers(&mut lone), ["0 is answered: Ok"]);
    lone.is_closed();
    while lone.dialled().is_none() {
        lone.waits(ms(50));
    }
    lone.connects();
    assert_eq!(lone.says(), ["-4 addauth digest u2:p2", "-4 addauth digest u1:p1"]);
    answers(&mut lone);
    lone.replies(AUTH_XID, Zxid::ZERO, Ok(Answer::Done));
    assert_eq!(answers(&mut lone).len(), 1);
    lone.replies(AUTH_XID, Zxid::ZERO, Ok(Answer::Done));
    assert!(answers(&mut lone).is_empty(), "that was told before");
}

/// A server that does not believe it ends the handle; the session is left to its timeout.
#[test]
fn a_refused_proof_ends_everything() {
    let mut lone = Lone::new();
    lone.connects();
    lone.is_asked(proof("u1:p1"));
    lone.is_asked(delete("/a", -1));
    lone.replies(AUTH_XID, Zxid::ZERO, Err(ErrorCode::AuthFailed));
    assert!(lone.is_hung_up);
    assert_eq!(answers(&mut lone), ["0 is answered: AuthFailed"]);
    lone.waits(ms(60_000));
    assert_eq!(answers(&mut lone), ["100 is answered: AuthFailed"], "what was asked fails alike");
    lone.is_asked(delete("/b", -1));
    assert_eq!((answers(&mut lone), lone.dialled()), (vec!["60000 is answered: AuthFailed".to_string()], None));
}
