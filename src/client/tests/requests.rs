//! What is queued, sent, answered, and fails.

use super::lone::{Lone, ms};
use crate::proto::ask::{delete, get};
use crate::proto::{Answer, ErrorCode, Zxid};

#[test]
fn what_is_asked_early_waits_for_the_session() {
    let mut lone = Lone::new();
    lone.is_asked(delete("/a", -1));
    lone.is_accepted();
    lone.is_asked(get("/b"));
    assert!(lone.says().is_empty(), "nothing before the session stands");
    lone.is_answered(6_000);
    assert_eq!(lone.says(), ["1 delete /a", "2 get /b"]);
}

#[test]
fn a_failed_attempt_fails_what_waited_for_it() {
    let mut lone = Lone::new();
    lone.is_asked(delete("/a", -1));
    lone.tells();
    lone.is_refused();
    lone.waits(ms(99));
    lone.is_asked(delete("/b", -1));
    assert!(lone.tells().is_empty());
    lone.waits(ms(1));
    lone.is_asked(delete("/c", -1));
    assert_eq!(lone.tells(), ["100 tries s1", "100 is answered: ConnectionLoss", "100 is answered: ConnectionLoss"]);
    lone.connects();
    assert_eq!(lone.says(), ["1 delete /c"]);
}

/// One callback at a wake-up, in the order of asking.
#[test]
fn answers_reach_the_user_in_order() {
    use crate::actor::Input;
    use crate::proto::Stage;
    let mut lone = Lone::new();
    lone.connects();
    lone.is_asked(delete("/a", -1));
    lone.is_asked(delete("/b", -1));
    lone.replies(1, Zxid::new(1, 1), Err(ErrorCode::NoNode));
    lone.replies(2, Zxid::new(1, 2), Ok(Answer::Done));
    lone.tells();
    lone.step(Input::Stage(Stage::EventThread));
    assert_eq!(lone.tells(), ["0 is answered: NoNode (zxid 1:1)"]);
    lone.step(Input::Stage(Stage::EventThread));
    assert_eq!(lone.tells(), ["0 is answered: Ok (zxid 1:2)"]);
    lone.step(Input::Stage(Stage::EventThread));
    assert!(lone.tells().is_empty());
}

#[test]
fn sent_and_queued_fail_alike() {
    let mut lone = Lone::new();
    lone.connects();
    lone.is_asked(delete("/a", -1));
    lone.window(false);
    lone.is_asked(delete("/b", -1));
    assert_eq!(lone.says(), ["1 delete /a"], "the connection takes no more");
    lone.tells();
    lone.is_closed();
    lone.waits(ms(100));
    assert_eq!(lone.tells()[1..], ["100 is answered: ConnectionLoss", "100 is answered: ConnectionLoss"]);
    lone.waits(ms(250));
    lone.connects();
    lone.is_asked(delete("/c", -1));
    assert_eq!(lone.says(), ["2 delete /c"], "xids go on, and the new connection is empty");
}

#[test]
fn what_the_window_held_back_goes_when_it_opens() {
    let mut lone = Lone::new();
    lone.connects();
    lone.window(false);
    lone.is_asked(delete("/a", -1));
    lone.is_asked(delete("/b", -1));
    assert!(lone.says().is_empty());
    lone.window(true);
    assert_eq!(lone.says(), ["1 delete /a", "2 delete /b"]);
}

#[test]
fn an_answer_out_of_order_breaks_the_connection() {
    let mut lone = Lone::new();
    lone.connects();
    lone.is_asked(delete("/a", -1));
    lone.is_asked(delete("/b", -1));
    lone.tells();
    lone.replies(2, Zxid::new(1, 2), Ok(Answer::Done));
    assert!(lone.is_hung_up);
    lone.waits(ms(100));
    let loss = "lost its connection with s3: an answer out of order, xid 2 where 1 is next";
    assert_eq!(lone.tells(), [format!("0 {loss}"), "0 is answered: ConnectionLoss".into(), "100 is answered: ConnectionLoss".into()]);

    let mut lone = Lone::new();
    lone.connects();
    lone.replies(1, Zxid::new(1, 2), Ok(Answer::Done));
    assert!(lone.is_hung_up, "nothing was asked");
}
