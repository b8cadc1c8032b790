//! Requests in a loop.

use std::collections::BTreeSet;

use super::lone::{Lone, ms};
use crate::actor::Input;
use crate::client::{Act, Line, Mix, Work, Workload};
use crate::proto::{Answer, Command, ErrorCode, Micros, Op, Packet, Stat, Zxid};

fn sets(count: u64) -> Workload {
    Workload { name: "w".into(), start: Micros::ZERO, until: ms(60_000), count: Some(count), every: None, work: mix(|_| {}) }
}

fn mix(change: impl FnOnce(&mut Mix)) -> Work {
    let mut mix = Mix { acts: vec![(Act::Set, 1)], keys: 2, prefix: "/a/b".into(), size: 0 };
    change(&mut mix);
    Work::Mix(mix)
}

/// One key of the root.
fn plain() -> Work {
    mix(|mix| (mix.keys, mix.prefix) = (1, "/".into()))
}

fn stat() -> Result<Answer, ErrorCode> {
    Ok(Answer::Stat(Stat::default()))
}

/// Answers everything that was sent, until the client asks no more or `count` requests are answered. Returns what was asked.
fn answer(lone: &mut Lone, count: usize, result: impl Fn(&Op) -> Result<Answer, ErrorCode>) -> Vec<String> {
    let mut asked = Vec::new();
    while asked.len() < count {
        let Some(Packet::ClientRequest(request)) = lone.sent.first().cloned() else { break };
        lone.sent.remove(0);
        asked.push(request.op.to_string());
        lone.replies(request.xid, Zxid::new(1, request.xid as u32), result(&request.op));
        lone.runs_callbacks();
    }
    asked
}

#[test]
fn it_prepares_then_asks_one_after_the_other() {
    let mut lone = Lone::working(sets(3));
    lone.connects();
    let asked = answer(&mut lone, 100, |op| if matches!(op, Op::Create { .. }) { Err(ErrorCode::NodeExists) } else { stat() });
    assert_eq!(asked[..4], ["create /a", "create /a/b", "create /a/b/k0", "create /a/b/k1"], "somebody else may have been faster");
    assert!(lone.sent.is_empty());
    assert_eq!(asked.len(), 7);
    assert!(asked[4..].iter().all(|asked| asked.starts_with("set /a/b/k")), "{asked:?}");
    let values: BTreeSet<&str> = asked[4..].iter().filter_map(|asked| asked.split(' ').nth(2)).collect();
    assert_eq!(values, BTreeSet::from(["c1.5", "c1.6", "c1.7"]), "no value is written twice");
    assert_eq!(lone.tells().last().map(String::as_str), Some("0 ends its workload w: 3 acknowledged, 0 failed, 0 unknown"));
}

#[test]
fn what_nobody_answered_is_unknown_and_preparation_is_repeated() {
    let mut lone = Lone::working(sets(2));
    lone.is_refused();
    lone.waits(ms(100));
    lone.connects();
    let prepared = ["create /a", "create /a/b", "create /a/b/k0", "create /a/b/k1"];
    assert_eq!(answer(&mut lone, 4, |_| Ok(Answer::Done)), prepared, "again, and all at once");
    lone.is_closed();
    lone.waits(ms(350));
    lone.connects();
    answer(&mut lone, 1, |_| Err(ErrorCode::NoNode));
    assert_eq!(lone.tells().last().map(String::as_str), Some("450 ends its workload w: 0 acknowledged, 1 failed, 1 unknown"));
}

#[test]
fn a_fixed_pace_waits_for_no_answer() {
    let mut lone = Lone::working(Workload { every: Some(ms(10)), start: ms(1_000), until: ms(1_050), count: None, work: plain(), ..sets(0) });
    lone.connects();
    lone.waits(ms(999));
    assert!(lone.says().is_empty());
    lone.waits(ms(1));
    assert_eq!(answer(&mut lone, 1, |_| Ok(Answer::Done)), ["create /k0"]);
    let mut asked = vec![lone.says().len()];
    for _ in 0..5 {
        lone.waits(ms(10));
        asked.push(lone.says().len());
    }
    assert_eq!(asked, [1, 1, 1, 1, 1, 0], "the sixth would be at the end");
}

#[test]
fn a_mix_creates_and_deletes_its_own() {
    let acts = vec![(Act::Create, 1), (Act::Delete, 1), (Act::Ls, 1), (Act::Sync, 0)];
    let mut lone = Lone::working(Workload { work: mix(|mix| (mix.acts, mix.size) = (acts, 9)), ..sets(60) });
    lone.connects();
    let created = |op: &Op| if let Op::Create { path, .. } = op { Ok(Answer::Created(path.clone())) } else { Ok(Answer::Done) };
    let asked = answer(&mut lone, 100, created);
    assert_eq!(asked[..2], ["create /a", "create /a/b"], "no key is needed");
    let mut alive = BTreeSet::new();
    for asked in &asked[2..] {
        match asked.split(' ').collect::<Vec<_>>()[..] {
            ["create", path, data] => assert!(alive.insert(path) && data.len() == 9 && path.ends_with(data.trim_end_matches('.')), "{asked}"),
            ["delete", path] => assert!(alive.remove(path), "{asked}"),
            ["ls", "/a/b"] => {}
            _ => panic!("{asked}"),
        }
    }
    assert!(asked.iter().any(|asked| asked.starts_with("delete")) && asked.contains(&"ls /a/b".into()));
}

/// As an application must, it opens a new session when one expires, and goes on.
#[test]
fn an_expired_session_is_replaced() {
    let mut lone = Lone::working(sets(1));
    lone.connects();
    answer(&mut lone, 4, |_| Ok(Answer::Done));
    lone.is_closed();
    lone.waits(ms(350));
    lone.is_accepted();
    lone.is_answered(0);
    lone.waits(ms(100));
    lone.tells();
    assert_eq!(lone.dialled(), None, "its only request has failed: nothing is left to do");

    // One fails with the connection, the next with the session, the third finds another one.
    let mut lone = Lone::working(sets(3));
    lone.connects();
    answer(&mut lone, 4, |_| Ok(Answer::Done));
    lone.is_closed();
    lone.waits(ms(350));
    lone.is_accepted();
    lone.is_answered(0);
    lone.waits(ms(100));
    lone.connects();
    answer(&mut lone, 1, |_| stat());
    assert_eq!(lone.tells().last().map(String::as_str), Some("450 ends its workload w: 1 acknowledged, 0 failed, 2 unknown"));
}

#[test]
fn a_closed_client_works_no_more() {
    let mut lone = Lone::working(sets(10));
    lone.connects();
    answer(&mut lone, 6, |_| stat());
    lone.is_asked(Op::CloseSession);
    let asked = answer(&mut lone, 100, |_| Ok(Answer::Done));
    assert!(asked[0].starts_with("set ") && asked[1..] == ["close"], "{asked:?}");
    assert!(lone.tells().contains(&"0 ends its workload w: 3 acknowledged, 0 failed, 0 unknown".into()));
}

/// Another life of the process writes other values.
#[test]
fn values_differ_between_lives() {
    let mut lone = Lone::working(Workload { work: plain(), ..sets(1) });
    lone.is_refused();
    lone.now = Micros(5_000);
    lone.step(Input::Boot);
    lone.connects();
    let asked = answer(&mut lone, 100, |_| stat());
    assert_eq!(asked, ["create /k0", "set /k0 c1.5002"]);
}

/// A round of a write, a rest and a read.
fn rounds(count: u64) -> Workload {
    let told = |op| Line::Told(Command::Request(op));
    let set = Op::SetData { path: "/a".into(), data: None, version: -1 };
    let lines = [told(set), Line::Sleep(ms(20)), told(Op::Exists { path: "/a".into(), watch: false })];
    Workload { work: Work::Rounds(lines.into()), ..sets(count) }
}

#[test]
fn a_round_goes_line_by_line_and_the_next_follows() {
    let mut lone = Lone::working(rounds(2));
    lone.connects();
    for (refused, end) in [(true, "failed"), (false, "acknowledged")] {
        let asked = answer(&mut lone, 9, |_| if refused { Err(ErrorCode::NoNode) } else { stat() });
        assert_eq!(asked, ["set /a"], "the rest comes first");
        lone.waits(ms(19));
        assert!(lone.sent.is_empty());
        lone.waits(ms(1));
        assert_eq!(answer(&mut lone, 1, |_| stat()), ["stat /a"], "whatever became of the line before");
        assert!(lone.tells().iter().any(|told| told.ends_with(&format!("is done with a round of w: {end}"))));
        lone.waits(ms(1));
    }
    assert!(lone.sent.is_empty());
}

#[test]
fn the_next_round_waits_for_its_time_and_for_the_last() {
    let mut lone = Lone::working(Workload { every: Some(ms(30)), ..rounds(9) });
    lone.connects();
    let mut begun = Vec::new();
    for _ in 0..120 {
        if answer(&mut lone, 9, |_| stat()).contains(&"set /a".into()) {
            begun.push(lone.now);
        }
        lone.waits(ms(1));
    }
    assert_eq!(begun, [ms(0), ms(30), ms(60), ms(90)]);
}

/// The round under way is given up: what follows would rest on a session that is gone.
#[test]
fn another_session_begins_with_another_round() {
    // One fails with the connection, the next with the session, the third finds another one.
    let mut lone = Lone::working(rounds(3));
    lone.connects();
    assert_eq!(answer(&mut lone, 1, |_| stat()), ["set /a"]);
    lone.is_closed();
    lone.waits(ms(350));
    lone.is_accepted();
    lone.is_answered(0);
    lone.waits(ms(100));
    assert!(lone.tells().iter().any(|told| told.ends_with("is done with a round of w: unknown")));
    lone.connects();
    assert_eq!(answer(&mut lone, 1, |_| stat()), ["set /a"]);
    lone.waits(ms(20));
    assert_eq!(answer(&mut lone, 1, |_| stat()), ["stat /a"]);
    assert!(lone.tells().iter().any(|told| told.ends_with("ends its workload w: 1 acknowledged, 0 failed, 2 unknown")));
}

#[test]
fn a_closed_client_ends_its_round() {
    let mut lone = Lone::working(rounds(9));
    lone.connects();
    lone.is_asked(Op::CloseSession);
    assert_eq!(answer(&mut lone, 9, |_| stat()), ["set /a", "close"]);
    assert!(lone.tells().iter().any(|told| told.ends_with("ends its workload w: 0 acknowledged, 0 failed, 1 unknown")));
}
