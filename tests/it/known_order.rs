//! The known-order check finds nothing in histories of a service that never errs, and each change to one under its own name.

#[path = "../../benches/known_order/one_process.rs"]
mod one_process;

use std::sync::Arc;

use crate::stories;

use one_process::{Size, Step, check, history};
use zoolab::check::{Checks, Counts, Invariant};
use zoolab::proto::{Answer, ClientReply, ClientRequest, ErrorCode, Micros, Op, Proposal, SessionId, Txn, Zxid};
use zoolab::scenario::{Run, RunOptions};

const SEEDS: u64 = 40;

fn sized(seed: u64) -> Vec<Step> {
    history(Size { clients: 5, operations: 400, registers: 4, seed })
}

#[test]
fn good_histories_are_good() {
    for seed in 1..=SEEDS {
        assert_eq!(check(&sized(seed)), None, "seed {seed}");
    }
    assert_eq!(check(&history(Size { clients: 50, operations: 20_000, registers: 100, seed: 7 })), None);
}

/// A check that looks at nothing finds nothing: in all stories together hardly an answer goes unlooked at.
#[test]
fn answers_of_scenarios_are_looked_at() {
    let mut sum = Counts::default();
    for name in stories::names() {
        let scenario = stories::read(&name);
        let (_, events) = Run::new(scenario.clone(), RunOptions { no_bugs: true, keep_events: true, ..RunOptions::default() }).finish();
        let mut checks = Checks::new(&scenario.ensemble.config);
        assert_eq!(events.iter().find_map(|event| checks.observe(event)), None, "{name}");
        assert_eq!(checks.conclude(events.last().map_or(Micros::ZERO, |event| event.at)), None, "{name}");
        let Counts { checked, unchecked, txns, .. } = checks.looked_at();
        sum = Counts { checked: sum.checked + checked, unchecked: sum.unchecked + unchecked, txns: sum.txns + txns, databases: 0 };
    }
    assert!(sum.checked > 3_000 && sum.txns > 3_000 && sum.unchecked * 100 < sum.checked, "{sum:?}");
}

/// Nearly every server ends with all that was committed, and then its database is held against the replayed log.
#[test]
fn databases_of_scenarios_are_looked_at() {
    let (mut databases, mut stories_told) = (0, 0);
    for name in stories::names() {
        let mut run = Run::new(stories::read(&name), RunOptions { no_bugs: true, ..RunOptions::default() });
        while run.advance_far() {}
        stories_told += 1;
        databases += run.looked_at().databases;
    }
    assert!(databases > 2 * stories_told, "{databases} databases in {stories_told} stories");
}

/// Changes good histories somewhere in the middle; what is found must have this name.
fn spoilt(expected: Invariant, spoil: impl Fn(&mut Vec<Step>, usize) -> bool) {
    let mut spoilt = 0;
    for seed in 1..=SEEDS {
        let mut steps = sized(seed);
        let from = steps.len() / 2;
        let Some(_) = (from..steps.len()).find(|at| spoil(&mut steps, *at)) else { continue };
        spoilt += 1;
        let found = check(&steps).unwrap_or_else(|| panic!("seed {seed}: {expected} is not found"));
        assert_eq!(found.invariant, expected, "seed {seed}: {found}");
    }
    assert!(spoilt * 2 > SEEDS, "only {spoilt} of {SEEDS} histories could be spoilt");
}

/// Changes the answer at this step, if it is one that `fits`.
fn answer(steps: &mut [Step], at: usize, change: impl Fn(&mut ClientReply) -> bool) -> bool {
    let Step::Answered(_, answered) = &mut steps[at] else { return false };
    let mut reply = ClientReply::clone(&answered.reply);
    let fits = change(&mut reply);
    if fits {
        answered.reply = Arc::new(reply);
    }
    fits
}

fn proposal(steps: &mut [Step], at: usize, change: impl Fn(&mut Proposal) -> bool) -> bool {
    let Step::Logged(logged) = &mut steps[at] else { return false };
    let mut proposal = Proposal::clone(&logged.proposal);
    let fits = change(&mut proposal);
    if fits {
        logged.proposal = Arc::new(proposal);
    }
    fits
}

#[test]
fn a_stale_read_is_found() {
    spoilt(Invariant::BadRead, |steps, at| {
        answer(steps, at, |reply| match &mut reply.result {
            Ok(Answer::Data { stat, .. }) if stat.version > 0 => {
                stat.version -= 1;
                true
            }
            _ => false,
        })
    });
}

#[test]
fn a_transaction_that_is_gone_is_missed() {
    spoilt(Invariant::LostWrite, |steps, at| {
        let Step::Logged(logged) = &steps[at] else { return false };
        let zxid = logged.proposal.zxid();
        // A reader that was shown it would be told first.
        let shown = steps.iter().filter(|step| matches!(step, Step::Answered(_, answered) if answered.reply.zxid == zxid)).count();
        let gone = shown == 1 && matches!(logged.proposal.txn, Txn::SetData { .. });
        if gone {
            steps.remove(at);
        }
        gone
    });
}

#[test]
fn a_transaction_that_comes_twice_is_found() {
    spoilt(Invariant::Doubled, |steps, at| {
        let Step::Logged(logged) = steps[at].clone() else { return false };
        let last = steps.iter().rev().find_map(|step| if let Step::Logged(last) = step { Some(last.proposal.zxid()) } else { None });
        let mut again = Proposal::clone(&logged.proposal);
        again.header.zxid = Zxid(last.expect("there is one").0 + 1);
        steps.push(Step::Logged(zoolab::check::Logged { proposal: Arc::new(again), ..logged }));
        true
    });
}

#[test]
fn a_transaction_that_nobody_asked_for_is_found() {
    spoilt(Invariant::Phantom, |steps, at| {
        proposal(steps, at, |proposal| {
            proposal.header.session = SessionId(99);
            true
        })
    });
}

#[test]
fn a_wrong_answer_to_a_write_is_found() {
    spoilt(Invariant::WrongResult, |steps, at| {
        let Step::Answered(session, answered) = &steps[at] else { return false };
        let xid = answered.reply.xid;
        let asks = |step: &Step| matches!(step, Step::Asked(of, asked) if of == session && asked.request.xid == xid && asked.request.op.is_write());
        let of_write = steps.iter().any(asks);
        answer(steps, at, |reply| match &mut reply.result {
            Ok(Answer::Stat(stat)) if of_write => {
                stat.data_length += 1;
                true
            }
            _ => false,
        })
    });
}

#[test]
fn a_version_that_does_not_rise_is_found() {
    spoilt(Invariant::VersionsRise, |steps, at| {
        proposal(steps, at, |proposal| match &mut proposal.txn {
            Txn::SetData { version, .. } => {
                *version -= 1;
                true
            }
            _ => false,
        })
    });
}

#[test]
fn a_number_that_comes_again_is_found() {
    spoilt(Invariant::SequentialNames, |steps, at| {
        proposal(steps, at, |proposal| match &mut proposal.txn {
            Txn::Create { path, .. } if path.starts_with("/q/") => {
                *path = "/q/n-0000000000".into();
                true
            }
            _ => false,
        })
    });
}

/// Two writes of which one was answered before the other was asked for change their zxids, where no session sees its view go back.
#[test]
fn writes_against_real_time_are_found() {
    spoilt(Invariant::LinearizableWrites, |steps, at| {
        let Some((one, first)) = movable_write(&steps[at]) else { return false };
        let views = |range: &[Step], of| -> Vec<Zxid> {
            let view = |step: &Step| if let Step::Answered(session, it) = step { (*session == of).then_some(it.reply.zxid) } else { None };
            range.iter().filter_map(view).collect()
        };
        let fits = |last: &usize| {
            let Some((two, second)) = movable_write(&steps[*last]) else { return false };
            let xid = if let Step::Answered(_, answered) = &steps[*last] { answered.reply.xid } else { 0 };
            let asked = |step: &Step| matches!(step, Step::Asked(of, asked) if *of == two && asked.request.xid == xid);
            let behind = steps[at..*last].iter().any(asked) && one != two;
            behind
                && views(&steps[..*last], two).iter().all(|view| *view < first)
                && views(&steps[at + 1..*last], one).iter().all(|view| *view > second)
        };
        let Some(last) = (at + 1..steps.len()).find(fits) else { return false };
        let second = movable_write(&steps[last]).expect("it was one").1;
        answer(steps, at, |reply| {
            reply.zxid = second;
            true
        }) && answer(steps, last, |reply| {
            reply.zxid = first;
            true
        })
    });
}

/// The session and the zxid of an answer to a write that is easily moved.
fn movable_write(step: &Step) -> Option<(SessionId, Zxid)> {
    let Step::Answered(session, answered) = step else { return None };
    let movable = matches!(answered.reply.result, Err(ErrorCode::BadVersion)) || answered.reply.result == Ok(Answer::Done);
    movable.then_some((*session, answered.reply.zxid))
}

#[test]
fn an_answer_under_another_number_is_found() {
    spoilt(Invariant::OneReplyEach, |steps, at| {
        answer(steps, at, |reply| {
            reply.xid += 1;
            true
        })
    });
}

#[test]
fn a_read_in_the_log_is_found() {
    spoilt(Invariant::ReadTakesNoZxid, |steps, at| {
        let Step::Asked(_, asked) = &mut steps[at] else { return false };
        let fits = matches!(asked.request.op, Op::SetData { .. });
        if fits {
            let op = Op::GetData { path: "/r0".into(), watch: false };
            asked.request = Arc::new(ClientRequest { xid: asked.request.xid, op });
        }
        fits
    });
}
