//! A server that finds no leader answers reads from what it has. Source: `ReadOnlyZooKeeperServer`, `ReadOnlyRequestProcessor`; sessions
//! reference §8.
//!
//! What it reads may be behind, and may even be taken back: its log can end in transactions that no quorum has. So it takes only clients that
//! agree to that, and sessions of its own (`localSessionsEnabled`; without those nobody can open one, ZOOKEEPER-3864). In ZooKeeper a refusal
//! is sent by a thread of its own and may overtake the answer to a read before it, which a client takes for a broken connection; here
//! requests are answered in order.

use crate::actor::Cx;
use crate::proto::{ConnId, ConnectRequest, ErrorCode, Op, Packet};
use crate::trace::Note;
use crate::tree::Database;

use super::request::{Origin, Request};
use super::{Kind, Pipeline, Role};

impl Pipeline {
    /// Whether a client is sent away before anything else is looked at.
    pub(super) fn is_not_for_here(&self, request: &ConnectRequest) -> bool {
        self.kind == Kind::ReadOnly && !request.read_only
    }

    /// Requests in their order; those that would change something are refused.
    #[cold]
    pub(super) fn on_read_only(&mut self, cx: &mut Cx, db: &mut Database) {
        while let Role::ReadOnly(queue) = &mut self.role
            && let Some(request) = queue.pop_front()
        {
            if request.is_write() || matches!(request.op(), Op::Sync { .. }) {
                self.refuse_write(cx, db, &request);
            } else {
                self.serve(cx, db, &request);
            }
        }
    }

    /// Even a new session is refused by the header of a reply, which its client cannot read as the answer to a ConnectRequest.
    fn refuse_write(&mut self, cx: &mut Cx, db: &Database, request: &Request) {
        if let Origin::Client(conn) = request.origin {
            cx.note(Note::WriteRefused { session: request.session });
            self.connections.reply(cx, conn, request.cxid, db.last_processed, Err(ErrorCode::NotReadOnly));
        }
    }

    /// The four-letter word `isro`. The connection is of no other use.
    #[cold]
    pub(super) fn on_is_read_only(&mut self, cx: &mut Cx, conn: ConnId) {
        cx.send(conn, Packet::IsReadOnlyAnswer(self.kind == Kind::ReadOnly));
        self.connections.close(cx, conn);
    }
}
