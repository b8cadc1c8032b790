//! A request on its way through the processors. Source: `Request`.

use std::sync::Arc;

use crate::proto::{AuthIds, ClientRequest, ConnId, ErrorCode, Op, QuorumRequest, SessionId};

/// Who asked, and so who is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A client of this server, on this connection; it may have closed since.
    Client(ConnId),
    /// Leader: a learner, on the connection of its handler. The learner answers its client itself.
    Learner(ConnId),
    /// Nobody: the expiry of a session, what makes a local one everybody's, or the end of a container.
    Tracker,
}

/// Through whom a session speaks: its requests are taken from nobody else. Source: `SessionImpl.owner`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The leader itself.
    Leader,
    /// The learner behind this handler.
    Learner(ConnId),
}

#[derive(Clone, Debug)]
pub struct Request {
    pub session: SessionId,
    /// The xid of the client's request; 0 for what servers ask.
    pub cxid: i32,
    pub origin: Origin,
    /// Who the client is.
    pub auth: AuthIds,
    body: Body,
    /// What its check of the session said of a read; or why a local session may not have what it asks for.
    pub refused: Option<ErrorCode>,
    /// It makes or ends a local session: no business of the leader.
    pub is_local: bool,
    /// Leader: it comes from a local session of its own.
    pub of_local_session: bool,
}

/// Shared with the packet that brought it, or that will carry it on.
#[derive(Clone, Debug)]
enum Body {
    Client(Arc<ClientRequest>),
    Quorum(Arc<QuorumRequest>),
}

impl Request {
    /// What a client of this server sent.
    pub fn of_client(conn: ConnId, session: SessionId, auth: AuthIds, request: Arc<ClientRequest>) -> Request {
        Request::new(session, request.xid, Origin::Client(conn), auth, Body::Client(request))
    }

    /// What a learner forwarded, or a server asks by itself.
    pub fn of_server(origin: Origin, request: Arc<QuorumRequest>) -> Request {
        Request::new(request.session, request.cxid, origin, request.auth.clone(), Body::Quorum(request))
    }

    fn new(session: SessionId, cxid: i32, origin: Origin, auth: AuthIds, body: Body) -> Request {
        Request { session, cxid, origin, auth, body, refused: None, is_local: false, of_local_session: false }
    }

    pub fn op(&self) -> &Op {
        match &self.body {
            Body::Client(request) => &request.op,
            Body::Quorum(request) => &request.op,
        }
    }

    /// Whether it becomes a transaction. Source: `Request.isQuorum`.
    #[inline]
    pub fn is_write(&self) -> bool {
        !self.is_local && self.op().is_write()
    }

    pub fn owner(&self) -> Owner {
        match self.origin {
            Origin::Learner(handler) => Owner::Learner(handler),
            Origin::Client(_) | Origin::Tracker => Owner::Leader,
        }
    }

    /// As it travels to the leader.
    pub fn for_leader(&self) -> Arc<QuorumRequest> {
        match &self.body {
            Body::Client(request) => {
                Arc::new(QuorumRequest { session: self.session, cxid: self.cxid, op: request.op.clone(), auth: self.auth.clone() })
            }
            Body::Quorum(request) => request.clone(),
        }
    }
}
