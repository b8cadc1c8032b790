//! The request pipeline of a serving server: its clients' connections, and what becomes of their requests. Source: `ZooKeeperServer` and
//! its `RequestProcessor`s; zab reference §8, sessions reference.
//!
//! A pipeline lives as long as the server part runs: from the moment a role serves until it is left. It owns the connections on
//! [`Port::Client`], the session tracker, and every queue between a request and its reply; the database belongs to the server and is handed
//! in. What concerns the other servers leaves as [`Output`]s, which the owner takes after every call, in order.

use std::sync::Arc;

use crate::actor::Cx;
use crate::proto::{Config, ConnId, Packet, Proposal, QuorumRequest, ServerId, SessionId, Stage, Timer, Zxid};
use crate::tree::Database;

/// Which chain of processors the pipeline is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `LeaderZooKeeperServer`: makes transactions, expires sessions.
    Leader,
    /// `FollowerZooKeeperServer`: sends its clients' writes to the leader, applies what that commits.
    Follower,
    /// `ObserverZooKeeperServer`: the same, told by INFORM.
    Observer,
}

/// What the pipeline asks of the rest of the server. To be carried out in order, before the next input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Leader: propose it to the followers, then log it (`ProposalRequestProcessor`). It is in the commit processor's queue already.
    Propose(Arc<Proposal>),
    /// Learner: send it to the leader as REQUEST.
    Forward(Arc<QuorumRequest>),
    /// Learner: ask the leader whether the session lives, as REVALIDATE; answered by [`Pipeline::on_revalidated`]. Milliseconds.
    Revalidate { session: SessionId, timeout: i32 },
    /// Leader: a learner's sync was reached. SYNC goes to this handler at once if nothing is outstanding, else right behind the commit of
    /// what was proposed last (`Leader.processSync`).
    AnswerSync { handler: ConnId, session: SessionId, cxid: i32 },
    /// Leader: this transaction is applied (`ToBeAppliedRequestProcessor`).
    Applied(Zxid),
    /// Leader: this zxid is the last of its epoch and is not proposed; the server must leave its role (ZOOKEEPER-1277).
    RolledOver(Zxid),
}

/// The server part of a role: connections, sessions, processors.
#[derive(Clone, Debug)]
pub struct Pipeline {
    kind: Kind,
    outputs: Vec<Output>,
}

impl Pipeline {
    /// The server part starts and listens for clients (a leader does not with `leaderServes` off). On a leader every session of the
    /// database gets a fresh timeout, and the next transaction the zxid after `first`: (epoch, 0), or what `testingonly.initialZxid` says.
    pub fn start(_cx: &mut Cx, _me: ServerId, _config: Arc<Config>, kind: Kind, _db: &Database, _first: Zxid) -> Pipeline {
        Pipeline { kind, outputs: Vec::new() }
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Moves what it asks for into `outputs`, which must be empty; its memory is used again.
    pub fn swap_outputs(&mut self, outputs: &mut Vec<Output>) {
        std::mem::swap(&mut self.outputs, outputs);
    }

    /// Somebody connected to [`crate::proto::Port::Client`].
    pub fn on_accepted(&mut self, _cx: &mut Cx, _conn: ConnId) {}

    /// Whether this is one of its clients' connections.
    pub fn owns(&self, _conn: ConnId) -> bool {
        false
    }

    /// A packet of a client.
    pub fn on_packet(&mut self, _cx: &mut Cx, _db: &Database, _conn: ConnId, _packet: &Packet) {}

    /// A client's connection ended. Its session lives on.
    pub fn on_closed(&mut self, _cx: &mut Cx, _conn: ConnId) {}

    /// [`Timer::SessionExpiry`] or [`Timer::ClientRead`] ran out.
    pub fn on_timer(&mut self, _cx: &mut Cx, _timer: Timer) {}

    /// One of its stages may work: [`Stage::FollowerRequestProcessor`], [`Stage::PrepRequestProcessor`] or [`Stage::CommitProcessor`].
    pub fn on_stage(&mut self, _cx: &mut Cx, _db: &mut Database, _stage: Stage) {}

    /// Leader: a learner's REQUEST came. `handler` is the learner's connection, which owns what it brings.
    pub fn submit(&mut self, _cx: &mut Cx, _handler: ConnId, _request: Arc<QuorumRequest>) {}

    /// A transaction is committed: by this leader, or as a COMMIT or INFORM says. In zxid order; applied by the commit processor later.
    pub fn commit(&mut self, _cx: &mut Cx, _proposal: Arc<Proposal>) {}

    /// Learner: SYNC came, the answer to the oldest sync it forwarded.
    pub fn on_sync_reply(&mut self, _cx: &mut Cx) {}

    /// Learner: what its PING answer carries, the sessions heard from since the last call with their timeouts in milliseconds.
    pub fn touched(&mut self) -> Arc<[(SessionId, i32)]> {
        Arc::new([])
    }

    /// Leader: sessions that a learner heard from.
    pub fn touch(&mut self, _cx: &mut Cx, _sessions: &[(SessionId, i32)]) {}

    /// Leader: a client came back through the learner behind `handler`. True when its session lives; it belongs to that learner now.
    pub fn revalidate(&mut self, _cx: &mut Cx, _handler: ConnId, _session: SessionId, _timeout: i32) -> bool {
        false
    }

    /// Learner: the leader answered a REVALIDATE.
    pub fn on_revalidated(&mut self, _cx: &mut Cx, _session: SessionId, _valid: bool) {}

    /// The server part stops: nobody may connect, every client is let go, what is queued is forgotten.
    pub fn shut_down(&mut self, _cx: &mut Cx) {}
}
