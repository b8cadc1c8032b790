//! When sessions expire. Sessions reference §4.

use super::bench::{Bench, config, handler};
use crate::proto::ask::{create, exists};
use crate::proto::{ConnId, CreateMode, Micros, Op, SessionId, Txn};
use crate::server::pipeline::{Kind, Output};
use crate::trace::Note;

const fn ms(millis: u64) -> Micros {
    Micros::from_millis(millis)
}

/// Sessions that the leader began to close since the last look.
fn expiring(bench: &mut Bench) -> Vec<SessionId> {
    bench.notes().into_iter().filter_map(|note| if let Note::SessionExpiring { session } = note { Some(session) } else { None }).collect()
}

/// A client whose timeout is a second, connected 50 ms after the start; the tick is 200 ms.
fn leader() -> (Bench, ConnId, SessionId) {
    let mut bench = Bench::new(Kind::Leader);
    let (conn, session) = bench.client();
    (bench, conn, session)
}

/// 50 ms and a second are 1050 ms: the bucket ends at 1200 ms.
#[test]
fn a_silent_session_expires_at_the_end_of_its_tick() {
    let (mut bench, conn, session) = leader();
    bench.does(conn, create("/e", CreateMode::Ephemeral));
    bench.pass_until(Micros(1_199_999));
    assert_eq!(expiring(&mut bench), []);
    bench.pass_until(ms(1_200));
    assert_eq!(expiring(&mut bench), [session]);
    bench.settle();
    let close = bench.proposed().remove(0);
    assert_eq!((close.header.session, close.header.cxid), (session, 0));
    assert!(matches!(&close.txn, Txn::CloseSession { paths: Some(paths) } if paths.iter().map(|path| &**path).eq(["/e"])));
    assert_eq!(bench.data("/e").as_deref(), Some("x"), "closing is not closed");
    bench.commit(close);
    bench.settle();
    assert!(bench.has_closed(conn) && bench.data("/e").is_none());
    bench.pass_until(ms(5_000));
    assert_eq!(expiring(&mut bench), [], "once");
}

/// Every request counts, pings and reads included; so does what a learner reports, and a revalidation.
#[test]
fn whoever_is_heard_from_stays() {
    type Sign = fn(&mut Bench, ConnId, SessionId);
    let signs: [(&str, Sign); 4] = [
        ("ping", |bench, conn, _| bench.ask(conn, -2, Op::Ping)),
        ("read", |bench, conn, _| bench.ask(conn, 1, exists("/"))),
        ("learner", |bench, _, session| bench.act(|pipeline, cx, _| pipeline.touch(cx, &[(session, 1_000)]))),
        ("revalidation", |bench, _, session| assert!(bench.act(|pipeline, cx, _| pipeline.revalidate(cx, handler(1), session, 1_000)))),
    ];
    for (name, sign) in signs {
        let (mut bench, conn, session) = leader();
        bench.pass_until(ms(1_000));
        sign(&mut bench, conn, session);
        bench.pass_until(Micros(2_199_999));
        assert_eq!(expiring(&mut bench), [], "{name}");
        bench.pass_until(ms(2_200));
        assert_eq!(expiring(&mut bench), [session], "{name}");
    }
}

/// A sign of life within the same bucket gains nothing; one in the last moment before it ends saves the session.
#[test]
fn buckets_are_whole_ticks() {
    for (heard, expires) in [(ms(60), ms(1_200)), (ms(199), ms(1_200)), (ms(200), ms(1_400)), (Micros(1_199_999), ms(2_200))] {
        let (mut bench, conn, session) = leader();
        bench.pass_until(heard);
        bench.ask(conn, -2, Op::Ping);
        bench.pass_until(Micros(expires.0 - 1));
        assert_eq!(expiring(&mut bench), [], "heard at {heard}");
        bench.pass_until(expires);
        assert_eq!(expiring(&mut bench), [session], "heard at {heard}");
    }
}

/// There is no grace: the session is lost from the moment it is marked, though its end is not yet committed.
#[test]
fn nothing_saves_a_session_that_expires() {
    let (mut bench, conn, session) = leader();
    bench.pass_until(ms(1_200));
    bench.act(|pipeline, cx, _| pipeline.touch(cx, &[(session, 1_000)]));
    bench.ask(conn, 1, exists("/"));
    assert!(!bench.act(|pipeline, cx, _| pipeline.revalidate(cx, handler(1), session, 1_000)));
    bench.settle();
    assert!(bench.replies(conn).is_empty());
    assert_eq!(bench.proposed().len(), 1, "its end");
}

/// A new leader does not know when it was heard from last: everybody starts afresh, though their time was over.
#[test]
fn a_new_leader_gives_everybody_a_whole_timeout() {
    let (old, _, session) = leader();
    let mut bench = Bench::over(Kind::Leader, config(), old.db, ms(30_030));
    bench.pass_until(Micros(31_199_999));
    assert_eq!(expiring(&mut bench), []);
    bench.pass_until(ms(31_200));
    assert_eq!(expiring(&mut bench), [session]);
}

/// After a pause the buckets that were missed are made up for at once.
#[test]
fn a_pause_is_made_up_for() {
    let (mut bench, _, first) = leader();
    bench.now = ms(450);
    let (_, second) = bench.client();
    bench.now = ms(9_990);
    bench.act(|pipeline, cx, db| pipeline.on_timer(cx, db, crate::proto::Timer::SessionExpiry));
    assert_eq!(expiring(&mut bench), [first, second]);
    assert_eq!(bench.timers[&crate::proto::Timer::SessionExpiry], ms(10_000));
}

/// Sessions whose client never said a word through this leader expire like any other.
#[test]
fn an_orphan_expires() {
    let mut bench = Bench::new(Kind::Leader);
    let session = SessionId(0x0300_0000_0000_0000);
    bench.submit(handler(1), session, 0, Op::CreateSession { timeout: 1_000 });
    bench.settle();
    bench.proposed().into_iter().for_each(|proposal| bench.commit(proposal));
    bench.settle();
    bench.pass_until(ms(1_200));
    assert_eq!(expiring(&mut bench), [session]);
}

/// A client that closes its session in order leaves nothing to expire.
#[test]
fn a_closed_session_does_not_expire() {
    let (mut bench, conn, _) = leader();
    assert_eq!(bench.does(conn, Op::CloseSession), "Ok");
    bench.pass_until(ms(5_000));
    assert_eq!(expiring(&mut bench), []);
}

/// Learners have no say.
#[test]
fn a_learner_expires_nobody() {
    let mut bench = Bench::new(Kind::Follower);
    bench.client();
    bench.pass_until(ms(60_000));
    assert_eq!(expiring(&mut bench), []);
    assert!(bench.outputs().iter().all(|output| !matches!(output, Output::Propose(_))));
}
