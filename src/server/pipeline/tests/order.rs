//! The order of answers and of changes. Zab reference §8.4.

use proptest::prelude::*;

use super::bench::{Bench, open_acl, sync, zxid};
use crate::proto::ask::{create, get, set};
use crate::proto::{ConnId, CreateForm, CreateMode, Op, SessionId, Stage, Txn, Zxid};
use crate::server::pipeline::{Kind, Output};
use crate::trace::{ApplyHow, Note};

fn create_txn(path: &str) -> Txn {
    Txn::Create { form: CreateForm::Create, path: path.into(), data: None, acl: open_acl(), ephemeral: false, parent_cversion: 1 }
}

fn set_txn(path: &str, data: &str, version: i32) -> Txn {
    Txn::SetData { path: path.into(), data: Some(data.as_bytes().into()), version }
}

/// A follower with `/a` and two clients; its leader's last zxid is 1:3.
fn follower() -> (Bench, (ConnId, SessionId), (ConnId, SessionId)) {
    let mut bench = Bench::new(Kind::Follower);
    let (one, two) = (bench.client(), bench.client());
    bench.commits(zxid(3), SessionId(77), 1, create_txn("/a"));
    bench.settle();
    bench.notes();
    (bench, one, two)
}

#[test]
fn reads_wait_for_the_writes_of_their_own_session_only() {
    let (mut bench, (one, session), (two, _)) = follower();
    bench.ask(one, 1, get("/a"));
    bench.ask(one, 2, set("/a", "new", -1));
    bench.ask(one, 3, get("/a"));
    bench.ask(one, -2, Op::Ping);
    bench.ask(two, 1, get("/a"));
    bench.settle();
    assert_eq!(bench.told(one), ["1 1:3 null"], "a ping waits too");
    assert_eq!(bench.told(two), ["1 1:3 null"]);
    bench.commits(zxid(4), session, 2, set_txn("/a", "new", 1));
    bench.settle();
    assert_eq!(bench.told(one), ["2 1:4 Ok", "3 1:4 new", "-2 1:4 Ok"]);
}

#[test]
fn a_write_releases_the_reads_up_to_the_next_write() {
    let (mut bench, (one, session), _) = follower();
    for (xid, op) in [(1, set("/a", "x", -1)), (2, get("/a")), (3, set("/a", "y", -1)), (4, get("/a"))] {
        bench.ask(one, xid, op);
    }
    bench.settle();
    bench.commits(zxid(4), session, 1, set_txn("/a", "x", 1));
    bench.settle();
    assert_eq!(bench.told(one), ["1 1:4 Ok", "2 1:4 x"]);
    // Both at one wake-up: the read between two writes sees the first only.
    bench.ask(one, 5, set("/a", "z", -1));
    bench.stage(Stage::FollowerRequestProcessor);
    bench.commits(zxid(5), session, 3, set_txn("/a", "y", 2));
    bench.commits(zxid(6), session, 5, set_txn("/a", "z", 3));
    bench.settle();
    assert_eq!(bench.told(one), ["3 1:5 Ok", "4 1:5 y", "5 1:6 Ok"]);
}

/// Commits of others do not wait for this server's own writes, and its own writes wait for their turn.
#[test]
fn changes_come_in_the_order_of_their_zxids() {
    let (mut bench, (one, session), (two, other)) = follower();
    bench.ask(one, 1, set("/a", "one", -1));
    bench.ask(two, 1, set("/a", "two", -1));
    bench.settle();
    // A remote write first, although local ones wait; then those, each to its own client.
    bench.commits(zxid(4), SessionId(77), 5, set_txn("/a", "remote", 1));
    bench.commits(zxid(5), session, 1, set_txn("/a", "one", 2));
    assert_eq!(bench.data("/a").as_deref(), Some(""), "committed is not applied");
    bench.settle();
    assert_eq!(bench.told(one), ["1 1:5 Ok"]);
    assert_eq!(bench.told(two), [""; 0]);
    bench.commits(zxid(6), other, 1, set_txn("/a", "two", 3));
    bench.settle();
    assert_eq!(bench.told(two), ["1 1:6 Ok"]);
    let applied = bench.notes().into_iter().filter_map(|note| match note {
        Note::Applied { txn, how: ApplyHow::Commit, .. } => Some(txn.zxid),
        _ => None,
    });
    assert_eq!(applied.collect::<Vec<_>>(), [zxid(4), zxid(5), zxid(6)]);
    assert_eq!(bench.data("/a").as_deref(), Some("two"));
}

/// The commit may arrive while the request processor's queue still holds the request of another session.
#[test]
fn a_commit_finds_its_request_though_nothing_woke_the_processor_for_it() {
    let (mut bench, (one, session), _) = follower();
    bench.ask(one, 1, set("/a", "x", -1));
    bench.stage(Stage::FollowerRequestProcessor);
    assert!(!bench.is_woken(Stage::CommitProcessor), "a write only waits");
    assert_eq!(bench.forwarded().len(), 1);
    bench.commits(zxid(4), session, 1, set_txn("/a", "x", 1));
    bench.settle();
    assert_eq!(bench.told(one), ["1 1:4 Ok"]);
}

/// Another session with the same xid, and the same session with another xid, are somebody else's.
#[test]
fn a_commit_is_ones_own_by_session_and_xid() {
    let (mut bench, (one, session), (_, other)) = follower();
    bench.ask(one, 7, set("/a", "x", -1));
    bench.settle();
    bench.commits(zxid(4), other, 7, set_txn("/a", "theirs", 1));
    bench.commits(zxid(5), session, 6, set_txn("/a", "moved", 2));
    bench.settle();
    assert_eq!(bench.told(one), [""; 0]);
    bench.commits(zxid(6), session, 7, set_txn("/a", "x", 3));
    bench.settle();
    assert_eq!(bench.told(one), ["7 1:6 Ok"]);
}

#[test]
fn a_learners_sync_waits_for_its_leader() {
    let (mut bench, (one, session), (two, _)) = follower();
    bench.ask(one, 1, set("/a", "x", -1));
    bench.ask(one, 2, sync());
    bench.ask(one, 3, get("/a"));
    bench.ask(two, 1, get("/a"));
    bench.settle();
    let sent: Vec<(i32, Op)> = bench.forwarded().iter().map(|request| (request.cxid, request.op.clone())).collect();
    assert_eq!(sent, [(1, set("/a", "x", -1)), (2, sync())]);
    assert_eq!(bench.told(two), ["1 1:3 null"]);
    bench.commits(zxid(4), session, 1, set_txn("/a", "x", 1));
    bench.settle();
    assert_eq!(bench.told(one), ["1 1:4 Ok"]);
    bench.commits(zxid(5), SessionId(77), 9, set_txn("/a", "y", 2));
    bench.act(|pipeline, cx, _| pipeline.on_sync_reply(cx));
    bench.settle();
    assert_eq!(bench.told(one), ["2 1:5 Ok", "3 1:5 y"], "what was committed before the answer is seen");
    bench.act(|pipeline, cx, _| pipeline.on_sync_reply(cx));
    assert!(!bench.is_woken(Stage::CommitProcessor), "nobody waits for a second answer");
}

/// A leader is always level with itself.
#[test]
fn a_leaders_own_client_reads_its_sync() {
    let mut bench = Bench::new(Kind::Leader);
    let (conn, _) = bench.client();
    bench.ask(conn, 1, sync());
    bench.settle();
    assert_eq!(bench.told(conn), ["1 1:1 Ok"]);
    assert_eq!(bench.outputs(), []);
}

/// Leader: the queue first, then the proposal. Other sessions' reads do not wait, the session's own do, a learner's writes are in order too.
#[test]
fn a_leaders_clients_and_learners_share_one_order() {
    let mut bench = Bench::new(Kind::Leader);
    let ((one, session), (two, _)) = (bench.client(), bench.client());
    bench.ask(one, 1, create("/a", CreateMode::Persistent));
    bench.ask(one, 2, get("/a"));
    bench.ask(two, 1, get("/a"));
    bench.settle();
    assert_eq!(bench.told(two), ["1 1:2 NoNode"]);
    let proposals = bench.proposed();
    assert_eq!(proposals.iter().map(|it| (it.zxid(), it.header.session, it.header.cxid)).collect::<Vec<_>>(), [(zxid(3), session, 1)]);
    bench.commit(proposals[0].clone());
    bench.settle();
    assert_eq!(bench.told(one), ["1 1:3 /a", "2 1:3 x"]);
    assert_eq!(bench.outputs(), [Output::Applied(zxid(3))]);
}

/// What one client or the rest of the ensemble does, in any order.
#[derive(Clone, Debug)]
enum Deed {
    Read(usize),
    Write(usize),
    Sync(usize),
    /// The leader gets to the oldest request that was forwarded.
    Leader,
    /// A write through another server is committed.
    Remote,
    Stage(bool),
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        3 => (0..3_usize).prop_map(Deed::Read),
        3 => (0..3_usize).prop_map(Deed::Write),
        1 => (0..3_usize).prop_map(Deed::Sync),
        4 => Just(Deed::Leader),
        2 => Just(Deed::Remote),
        5 => any::<bool>().prop_map(Deed::Stage),
    ]
}

/// A follower with three clients and a leader that answers in order, whenever it likes.
struct Crowd {
    bench: Bench,
    clients: Vec<(ConnId, SessionId)>,
    asked: Vec<Vec<(i32, bool)>>,
    at_leader: std::collections::VecDeque<std::sync::Arc<crate::proto::QuorumRequest>>,
    next: u32,
    writes: u32,
}

impl Crowd {
    fn new() -> Crowd {
        let mut bench = Bench::new(Kind::Follower);
        let clients = (0..3).map(|_| bench.client()).collect();
        bench.commits(zxid(4), SessionId(77), 1, create_txn("/a"));
        bench.settle();
        Crowd { bench, clients, asked: vec![Vec::new(); 3], at_leader: Default::default(), next: 5, writes: 0 }
    }

    fn ask(&mut self, client: usize, op: Op) {
        let xid = self.asked[client].len() as i32 + 1;
        self.asked[client].push((xid, matches!(op, Op::SetData { .. })));
        self.bench.ask(self.clients[client].0, xid, op);
    }

    fn commit(&mut self, session: SessionId, cxid: i32) {
        self.writes += 1;
        let data = format!("1:{}", self.next);
        self.bench.commits(zxid(self.next), session, cxid, set_txn("/a", &data, self.writes as i32));
        self.next += 1;
    }

    fn stage(&mut self, commits: bool) {
        let stage = if commits { Stage::CommitProcessor } else { Stage::FollowerRequestProcessor };
        if self.bench.is_woken(stage) {
            self.bench.stage(stage);
            let forwarded = self.bench.forwarded();
            self.at_leader.extend(forwarded);
        }
    }

    fn leader(&mut self) -> bool {
        let Some(request) = self.at_leader.pop_front() else {
            return false;
        };
        match request.op {
            Op::Sync { .. } => self.bench.act(|pipeline, cx, _| pipeline.on_sync_reply(cx)),
            _ => self.commit(request.session, request.cxid),
        }
        true
    }

    fn does(&mut self, deed: &Deed) {
        match deed {
            Deed::Read(client) => self.ask(*client, get("/a")),
            Deed::Write(client) => self.ask(*client, set("/a", "", -1)),
            Deed::Sync(client) => self.ask(*client, sync()),
            Deed::Leader => drop(self.leader()),
            Deed::Remote => self.commit(SessionId(77), self.next as i32),
            Deed::Stage(commits) => self.stage(*commits),
        }
    }
}

proptest! {
    /// Every request is answered once, in order; zxids never go back; a read shows the write whose zxid it tells.
    #[test]
    fn every_client_is_answered_in_order(deeds in prop::collection::vec(deed(), 0..80)) {
        let mut crowd = Crowd::new();
        deeds.iter().for_each(|deed| crowd.does(deed));
        loop {
            crowd.stage(false);
            crowd.stage(true);
            if !crowd.leader() && !crowd.bench.is_woken(Stage::CommitProcessor) && !crowd.bench.is_woken(Stage::FollowerRequestProcessor) {
                break;
            }
        }
        for (client, (conn, _)) in crowd.clients.clone().into_iter().enumerate() {
            let replies = crowd.bench.replies(conn);
            let asked = &crowd.asked[client];
            prop_assert_eq!(replies.iter().map(|reply| reply.xid).collect::<Vec<_>>(), asked.iter().map(|(xid, _)| *xid).collect::<Vec<_>>());
            let mut last = Zxid::ZERO;
            for (reply, (_, is_write)) in replies.iter().zip(asked) {
                prop_assert!(if *is_write { reply.zxid > last } else { reply.zxid >= last }, "{:?} after {}", reply, last);
                last = reply.zxid;
                if let Ok(crate::proto::Answer::Data { data, .. }) = &reply.result {
                    let shown = data.as_deref().map_or("1:4".into(), String::from_utf8_lossy);
                    prop_assert_eq!(shown, reply.zxid.to_string());
                }
            }
        }
    }
}
