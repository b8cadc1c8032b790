//! Whom a client tries, when, and for how long.

use super::lone::{Lone, PASSWORD, SESSION, ms};
use crate::client::Hosts;
use crate::proto::ask::{delete, get};
use crate::proto::{Answer, Micros, ServerId, SessionId, Zxid};

#[test]
fn the_first_attempt_is_at_once_and_asks_for_a_new_session() {
    let mut lone = Lone::new();
    assert_eq!(lone.dialled(), Some((3, ms(2_000))), "a third of the timeout, for there are three servers");
    let request = lone.is_accepted();
    assert_eq!((request.session, request.last_zxid_seen, request.timeout, request.password), (SessionId::NONE, Zxid::ZERO, 6_000, [0; 16]));
    lone.is_answered(5_000);
    assert_eq!(lone.tells(), ["0 tries s3", "0 has session 0x300000000000001 on s3, timeout 5000 ms"]);
}

#[test]
fn a_refused_client_goes_round_and_rests_when_it_comes_back() {
    let mut lone = Lone::new();
    let mut tried = Vec::new();
    for _ in 0..7 {
        tried.push((lone.now.0 / 1_000, lone.dialled().expect("it dials").0));
        lone.is_refused();
        while lone.dialled().is_none() {
            lone.waits(ms(50));
        }
    }
    // 100 ms to clean up; no pause is drawn before a connection was up once; a second of rest at the first server.
    assert_eq!(tried, [(0, 3), (100, 1), (200, 2), (1_300, 3), (1_400, 1), (1_500, 2), (2_600, 3)]);
}

#[test]
fn once_connected_each_attempt_is_put_off() {
    let mut lone = Lone::new();
    lone.connects();
    lone.is_closed();
    lone.waits(ms(349));
    assert_eq!(lone.dialled(), None);
    lone.waits(ms(1));
    assert_eq!(lone.dialled(), Some((1, ms(2_000))), "100 ms to clean up, 250 ms drawn");
    let mut tried = Vec::new();
    for _ in 0..3 {
        tried.push((lone.now.0 / 1_000, lone.dialled().expect("it dials").0));
        lone.is_refused();
        while lone.dialled().is_none() {
            lone.waits(ms(50));
        }
    }
    assert_eq!(tried, [(350, 1), (700, 2), (2_050, 3)], "the round ends where it was connected");
}

#[test]
fn it_comes_back_with_its_session_and_what_it_has_seen() {
    let mut lone = Lone::new();
    lone.connects();
    lone.is_asked(get("/a"));
    lone.is_asked(get("/b"));
    lone.replies(1, Zxid::new(2, 9), Ok(Answer::Done));
    lone.replies(2, Zxid(-1), Ok(Answer::Done));
    lone.is_closed();
    lone.waits(ms(350));
    let request = lone.is_accepted();
    assert_eq!((request.session, request.password, request.timeout), (SESSION, PASSWORD, 6_000));
    assert_eq!(request.last_zxid_seen, Zxid::new(2, 9), "a reply without a zxid shows nothing");
    lone.tells();
    lone.is_answered(6_000);
    assert_eq!(lone.tells(), ["350 is back in session 0x300000000000001 on s1"]);
}

#[test]
fn a_silent_handshake_ends_after_the_connect_timeout() {
    let mut lone = Lone::new();
    lone.waits(ms(500));
    lone.is_accepted();
    lone.waits(Micros(1_999_999));
    assert!(!lone.is_hung_up);
    lone.waits(Micros(1));
    assert!(lone.is_hung_up);
    lone.waits(ms(350));
    assert_eq!(lone.dialled(), Some((1, ms(2_000))));
}

/// A server that has applied less than the client has seen closes without a word.
#[test]
fn a_server_that_hangs_up_in_the_handshake_is_left_for_the_next() {
    let mut lone = Lone::new();
    lone.is_accepted();
    lone.is_closed();
    lone.waits(ms(350));
    assert_eq!(lone.dialled().map(|(to, _)| to), Some(1));
    assert_eq!(lone.tells(), ["0 tries s3", "350 tries s1"]);
}

#[test]
fn the_negotiated_timeout_rules_from_then_on() {
    let mut lone = Lone::new();
    lone.is_accepted();
    lone.is_answered(3_000);
    lone.waits(ms(999));
    assert!(lone.says().is_empty());
    lone.waits(ms(1));
    assert_eq!(lone.says(), ["-2 ping"], "a third of 3 s");
    lone.is_closed();
    lone.waits(ms(350));
    assert_eq!(lone.dialled(), Some((1, ms(1_000))));
    assert_eq!(lone.is_accepted().timeout, 6_000, "it asks again for what it wants");
}

#[test]
fn connect_strings() {
    let only = Lone::with(|program| program.hosts = Hosts::Only(vec![ServerId(2)]));
    assert_eq!(only.dialled(), Some((2, ms(6_000))), "one server has all the time");
    let shuffled = Lone::with(|program| program.hosts = Hosts::Any);
    assert_eq!(shuffled.dialled(), Some((1, ms(2_000))), "every draw the largest: nothing moves");
}

#[test]
fn its_user_sends_it_to_another_server() {
    let mut lone = Lone::new();
    lone.connects();
    lone.is_asked(delete("/a", -1));
    lone.is_sent_to(3);
    assert!(!lone.is_hung_up, "it is there");
    lone.is_sent_to(2);
    assert!(lone.is_hung_up);
    lone.tells();
    lone.waits(ms(350));
    assert_eq!(lone.dialled().map(|(to, _)| to), Some(2));
    assert_eq!(lone.tells(), ["100 is answered: ConnectionLoss", "350 tries s2"]);
    assert_eq!(lone.is_accepted().session, SESSION);
    // In a pause it is the pause's server that changes; during a dial, the next one.
    lone.is_closed();
    lone.waits(ms(100));
    lone.is_sent_to(1);
    lone.waits(ms(1_250));
    lone.is_sent_to(2);
    assert_eq!(lone.dialled().map(|(to, _)| to), Some(1));
    lone.is_refused();
    lone.waits(ms(350));
    assert_eq!(lone.dialled().map(|(to, _)| to), Some(2));
}
