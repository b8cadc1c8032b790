//! The write that proves a quiet ensemble alive, made by a client that the scenario does not know: c0.
//!
//! It joins when all is quiet and everybody serves, so that nothing before is touched by it. It creates an ephemeral node and closes its
//! session, which leaves the tree as it was, and is content when every server that serves has applied that.

use std::sync::Arc;

use super::{Hosts, Process};
use crate::client::{Client, Program};
use crate::proto::{Acl, Command, Config, CreateMode, Micros, NodeId, Op, PeerState, ServerId, Zxid};
use crate::sim::action::Who;
use crate::sim::{Action, Clock, NodeConfig, World};
use crate::trace::{Event, Note};

/// How far it is.
#[derive(Clone, Debug)]
pub struct Probe {
    phase: Phase,
    /// What its client is to be told.
    command: Option<Command>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Connecting,
    Writing,
    Closing,
    /// Everybody must apply this.
    Spreading(Zxid),
}

const CLIENT: NodeId = NodeId::Client(0);

impl Probe {
    /// Its client joins and begins to connect.
    pub fn join(world: &mut World<Process>, config: &Config) -> Probe {
        let members = Arc::new(config.membership.clone());
        let timeout = config.tick_time.times(20);
        let program = Program {
            members,
            hosts: Hosts::Any,
            timeout,
            gives_up: true,
            read_only: false,
            resets_watches: true,
            packet_max: config.jute_max_buffer,
            workloads: Vec::new(),
        };
        let start = Some(world.now());
        world.join(NodeConfig { id: CLIENT, program: Process::Client(Client::new(program)), start, clock: Clock::new(0, 0) });
        Probe { phase: Phase::Connecting, command: None }
    }

    /// Tries again until it is answered.
    pub fn observe(&mut self, event: &Event) {
        let Some(note) = event.note().filter(|_| event.node == Some(CLIENT)) else { return };
        match (self.phase, note) {
            (Phase::Connecting, Note::Connected { .. }) => self.tell(Phase::Writing, Command::Request(write())),
            (Phase::Writing, Note::Returned { result, .. }) if result.starts_with('/') => {
                self.tell(Phase::Closing, Command::Request(Op::CloseSession));
            }
            // `localSessionsEnabled` without upgrades: what is refused is a transaction, too.
            (Phase::Writing, Note::Returned { result, zxid: Some(zxid), .. }) if result == "EphemeralOnLocalSession" => {
                self.phase = Phase::Spreading(*zxid);
            }
            (Phase::Writing, Note::Returned { result, .. }) if result == "SessionExpired" => {
                self.tell(Phase::Connecting, Command::Connect { server: None, claim: None });
            }
            (Phase::Writing, Note::Returned { .. }) => self.tell(Phase::Writing, Command::Request(write())),
            (Phase::Closing, Note::Returned { zxid: Some(zxid), .. }) => self.phase = Phase::Spreading(*zxid),
            (Phase::Closing, Note::Returned { zxid: None, .. }) => self.tell(Phase::Connecting, Command::Connect { server: None, claim: None }),
            _ => {}
        }
    }

    fn tell(&mut self, phase: Phase, command: Command) {
        self.phase = phase;
        self.command = Some(command);
    }

    /// What its client is to be told now.
    pub fn take_action(&mut self) -> Option<Action> {
        self.command.take().map(|command| Action::Client { who: Who::Node(CLIENT), command })
    }

    /// Whether its write is committed and everybody has it.
    pub fn is_done(&self, world: &World<Process>) -> bool {
        matches!(self.phase, Phase::Spreading(_)) && self.behind(world).next().is_none()
    }

    /// Servers in a role that have not applied it.
    fn behind<'a>(&self, world: &'a World<Process>) -> impl Iterator<Item = ServerId> + 'a {
        let zxid = if let Phase::Spreading(zxid) = self.phase { zxid } else { Zxid::ZERO };
        let servers = world.node_ids().filter_map(|id| Some((id.as_server()?, world.actor(id)?.as_server()?)));
        let in_role = servers.filter(|(_, server)| server.state() != PeerState::Looking);
        in_role.filter(move |(_, server)| server.database().last_processed < zxid).map(|(id, _)| id)
    }

    /// What is still missing, as a sentence without its full stop.
    pub fn wants(&self, world: &World<Process>, began: Micros) -> String {
        match self.phase {
            Phase::Connecting => format!("{CLIENT}, which began at {began}, has no session"),
            Phase::Writing | Phase::Closing => format!("the write of {CLIENT}, which began at {began}, is not committed"),
            Phase::Spreading(zxid) => {
                let behind: Vec<String> = self.behind(world).map(|id| id.to_string()).collect();
                format!(
                    "the write {zxid} of {CLIENT} is not applied by {}",
                    if behind.is_empty() { "a quorum that serves".into() } else { behind.join(", ") }
                )
            }
        }
    }
}

fn write() -> Op {
    Op::create("/zoolab-recovered-".into(), None, Acl::open(), CreateMode::EphemeralSequential)
}
