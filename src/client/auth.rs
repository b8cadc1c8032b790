//! Who the client says it is: told to each server that it comes to, before anything else. Source: `ZooKeeper.addAuthInfo`,
//! `ClientCnxn.SendThread.primeConnection`; sessions reference §10.7.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::actor::Cx;
use crate::proto::{AUTH_XID, ClientReply, ClientRequest, ConnId, ErrorCode, KeeperState, Op, Packet};

use super::Client;
use super::session::Afterwards;

/// What a handle was given to prove, and what its server has not answered yet.
#[derive(Clone, Debug, Default)]
pub struct Proofs {
    /// In the order in which they were given; servers forget them with the connection.
    given: Vec<Proof>,
    /// Those sent on this connection and not answered, by their places in `given`, oldest first.
    unanswered: VecDeque<usize>,
}

#[derive(Clone, Debug)]
struct Proof {
    op: Op,
    /// Who is told of the first answer.
    call: Option<u64>,
}

impl Client {
    /// `addauth`: sent now if there is a connection, and on each connection from then on. In Java nobody is told what came of it; here the call
    /// returns with the first answer.
    pub(super) fn prove(&mut self, cx: &mut Cx, call: u64, op: Op) {
        self.proofs.given.push(Proof { op, call: Some(call) });
        if let Some(conn) = self.session.connection() {
            self.send_proof(cx, conn, self.proofs.given.len() - 1);
        }
    }

    /// A server gave the session back, or a new one: first it learns who comes. As in Java each proof goes to the head of the queue, so that the
    /// last is the first.
    pub(super) fn introduce(&mut self, cx: &mut Cx, conn: ConnId) {
        self.proofs.unanswered.clear();
        for at in (0..self.proofs.given.len()).rev() {
            self.send_proof(cx, conn, at);
        }
    }

    fn send_proof(&mut self, cx: &mut Cx, conn: ConnId, at: usize) {
        cx.send(conn, Packet::ClientRequest(Arc::new(ClientRequest { xid: AUTH_XID, op: self.proofs.given[at].op.clone() })));
        self.proofs.unanswered.push_back(at);
        self.session.last_sent = cx.now;
    }

    /// A refused proof is the end of the handle (`States.AUTH_FAILED`): the session is left to its timeout.
    pub(super) fn on_auth_reply(&mut self, cx: &mut Cx, reply: &ClientReply) {
        let at = self.proofs.unanswered.pop_front();
        if let Some(call) = at.and_then(|at| self.proofs.given[at].call.take()) {
            self.finish_call(cx, call, reply.result.clone());
        }
        match reply.result {
            Err(ErrorCode::AuthFailed) => {
                self.tell_state(cx, KeeperState::AuthFailed);
                self.clean_up(cx, Afterwards::AuthFailed);
            }
            _ => self.heard(cx),
        }
    }

    /// The handle is at its end: whoever still waits for an answer gets none.
    pub(super) fn fail_proofs(&mut self, cx: &mut Cx, code: ErrorCode) {
        for call in std::mem::take(&mut self.proofs).given.into_iter().filter_map(|proof| proof.call) {
            self.finish_call(cx, call, Err(code));
        }
    }
}
