//! The events of a run as a history: what clients asked and were told, and the log that all servers agree on. For those who search such
//! histories, and for whoever wants to have a run judged again.

use std::collections::BTreeMap;

use super::{Checks, Logged, Violation};
use crate::proto::{Answer, Config, ConnId, ErrorCode, Micros, NodeId, Op, Packet, ServerId, SessionId, Zxid};
use crate::trace::{Event, Record, What};

/// One request of a client, from the packet that leaves to the packet that comes.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    pub client: u32,
    pub session: SessionId,
    /// Its number on its connection.
    pub xid: i32,
    /// Whom it was sent to.
    pub server: Option<ServerId>,
    pub op: Op,
    /// The event with which it left.
    pub called: u64,
    /// The event with which its answer arrived; `None` when none did: nobody knows what became of it.
    pub returned: Option<u64>,
    pub result: Option<Result<Answer, ErrorCode>>,
    /// Of the answer.
    pub zxid: Option<Zxid>,
}

/// A whole run, as its clients and the replayed log tell it.
#[derive(Clone, Debug, Default)]
pub struct Operations {
    /// In the order of asking. Pings, proofs and what sets watches again are none.
    pub operations: Vec<Operation>,
    /// The committed transactions, as far as they are known.
    pub log: Vec<Logged>,
    /// The last zxid of what the servers had before the run.
    pub began: Zxid,
    /// What the checks have found.
    pub violation: Option<Violation>,
}

impl Operations {
    /// Of a run of which every event was kept.
    pub fn of(config: &Config, events: &[Event]) -> Operations {
        let mut checks = Checks::new(config);
        checks.keep_log();
        let mut all = Operations::default();
        let mut conns: BTreeMap<ConnId, (SessionId, Vec<usize>)> = BTreeMap::new();
        for event in events {
            all.violation = all.violation.take().or(checks.observe(event));
            all.learn(&mut conns, event);
        }
        all.violation = all.violation.take().or_else(|| checks.conclude(events.last().map_or(Micros::ZERO, |event| event.at)));
        all.log = checks.take_log();
        all.began = super::client_history::began(&checks);
        all
    }

    fn learn(&mut self, conns: &mut BTreeMap<ConnId, (SessionId, Vec<usize>)>, event: &Event) {
        let Some(NodeId::Client(client)) = event.node else { return };
        match &event.what {
            What::Record(Record::Delivered { conn, packet: Packet::ConnectResponse(response), .. }) => {
                conns.insert(*conn, (response.session, Vec::new()));
            }
            What::Record(Record::Sent { to, conn, packet: Packet::ClientRequest(request) }) if request.xid > 0 => {
                let Some((session, under_way)) = conns.get_mut(conn) else { return };
                under_way.push(self.operations.len());
                self.operations.push(Operation {
                    client,
                    session: *session,
                    xid: request.xid,
                    server: to.as_server(),
                    op: request.op.clone(),
                    called: event.n,
                    returned: None,
                    result: None,
                    zxid: None,
                });
            }
            What::Record(Record::Delivered { conn, packet: Packet::ClientReply(reply), .. }) if reply.xid > 0 => {
                let Some((_, under_way)) = conns.get_mut(conn) else { return };
                let Some(index) = under_way.iter().position(|index| self.operations[*index].xid == reply.xid) else { return };
                let operation = &mut self.operations[under_way.remove(index)];
                (operation.returned, operation.result, operation.zxid) = (Some(event.n), Some(reply.result.clone()), Some(reply.zxid));
            }
            _ => {}
        }
    }
}
