//! Stories told by hand, event by event, for the tests of the checks.

use std::sync::Arc;

use super::{Checks, Invariant, Probe, Violation};
use crate::proto::{
    Config, ConnId, ElectionReply, Epoch, LearnerType, Member, Membership, Micros, NodeId, Notification, Packet, PeerState, Port, QuorumData,
    QuorumKind, Round, ServerId, Vote, Zxid,
};
use crate::trace::{Better, ElectedBy, EpochFile, Event, Note, Record, What};

/// A vote for s`leader` with zxid 1:`counter` and this epoch.
pub fn vote(leader: i64, counter: u32, epoch: i64) -> Vote {
    Vote { leader: ServerId(leader), zxid: Zxid::new(1, counter), epoch: Epoch(epoch) }
}

pub fn ids(servers: &[i64]) -> Vec<ServerId> {
    servers.iter().copied().map(ServerId).collect()
}

/// A run that is made up. Event numbers count from 1, one millisecond apart.
pub struct Story {
    checks: Checks,
    pub events: Vec<Event>,
    found: Option<Violation>,
}

impl Story {
    pub fn of(voters: u32) -> Story {
        Story::with_observers(voters, 0)
    }

    pub fn with_observers(voters: u32, observers: u32) -> Story {
        Story::among(&Membership::of(voters, observers))
    }

    /// Voters of one group with these weights.
    pub fn weighted(weights: &[u32]) -> Story {
        let mut members = Membership::of(weights.len() as u32, 0);
        for (member, weight) in members.members.values_mut().zip(weights) {
            *member = Member { role: LearnerType::Participant, weight: *weight, group: Some(1) };
        }
        Story::among(&members)
    }

    fn among(members: &Membership) -> Story {
        Story { checks: Checks::new(&Config::new(members.clone())), events: Vec::new(), found: None }
    }

    /// The first violation.
    pub fn violation(&self) -> Option<&Violation> {
        self.found.as_ref()
    }

    /// The violation that the last event must have brought, and no earlier one.
    pub fn breaks(&self, invariant: Invariant) -> &Violation {
        let violation = self.found.as_ref().expect("something is broken");
        assert_eq!((violation.invariant, violation.event), (invariant, self.events.len() as u64), "{violation}");
        violation
    }

    /// What the checks have asked of the disk of s`node` since the last look; what they asked of others is dropped.
    pub fn probes(&mut self, node: i64) -> Vec<Probe> {
        let asked: Vec<Probe> = std::iter::from_fn(|| self.checks.probe()).collect();
        asked.into_iter().filter(|probe| probe.server == ServerId(node)).collect()
    }

    fn happens(&mut self, node: Option<i64>, what: What) -> &mut Story {
        self.happens_to(node.map(NodeId::server), what)
    }

    fn happens_to(&mut self, node: Option<NodeId>, what: What) -> &mut Story {
        let n = self.events.len() as u64 + 1;
        let event = Event { n, at: Micros::from_millis(n), node, cause: None, what };
        let found = self.checks.observe(&event);
        self.found = self.found.take().or(found);
        self.events.push(event);
        self
    }

    pub fn notes(&mut self, node: i64, note: Note) -> &mut Story {
        self.happens(Some(node), What::Note(note))
    }

    pub fn records(&mut self, node: i64, record: Record) -> &mut Story {
        self.happens(Some(node), What::Record(record))
    }

    pub fn client_notes(&mut self, client: u32, note: Note) -> &mut Story {
        self.happens_to(Some(NodeId::Client(client)), What::Note(note))
    }

    pub fn action(&mut self, action: &str) -> &mut Story {
        self.happens(None, What::Record(Record::Action { action: action.into() }))
    }

    /// The action that was just recorded had no effect.
    pub fn action_fails(&mut self, action: &str) -> &mut Story {
        self.happens(None, What::Record(Record::ActionFailed { action: action.into(), why: "it is up".into() }))
    }

    pub fn looks(&mut self, node: i64, round: i64, vote: Vote) -> &mut Story {
        self.notes(node, Note::LookingStarted { round: Round(round), vote })
    }

    /// s`node` changes its vote because of a note of s`sender`.
    pub fn changes(&mut self, node: i64, sender: i64, to: Vote) -> &mut Story {
        let ballot = self.checks.ghosts.of(ServerId(node)).and_then(|ghost| ghost.ballot()).expect("it is looking");
        let (round, from) = (ballot.round, ballot.proposals.last().expect("never empty").vote);
        self.notes(node, Note::VoteChanged { round, sender: ServerId(sender), from: from.into(), to: to.into(), because: Better::Id })
    }

    /// s`node` goes to round `to`, told by s`sender`.
    pub fn raises(&mut self, node: i64, to: i64, sender: i64, theirs: Vote, initial: Vote, vote: Vote) -> &mut Story {
        let (from, to, sender) = (Round(to - 1), Round(to), ServerId(sender));
        self.notes(
            node,
            Note::RoundRaised { from, to, sender, theirs: theirs.into(), initial: initial.into(), vote: vote.into(), because: Better::Zxid },
        )
    }

    /// s`node` counts the vote of s`sender`.
    pub fn counts(&mut self, node: i64, sender: i64, round: i64, vote: Vote) -> &mut Story {
        self.notes(node, Note::VoteCounted { round: Round(round), sender: ServerId(sender), vote, proposal: vote.into() })
    }

    /// A notification of s`sender` is delivered to s`node`.
    pub fn hears(&mut self, node: i64, sender: i64, state: PeerState, round: i64, vote: Vote) -> &mut Story {
        let note = Notification { state, vote, round: Round(round), config_version: 0, config: "".into() };
        self.delivers(node, sender, Packet::Notification(Arc::new(note)))
    }

    pub fn elects(&mut self, node: i64, state: PeerState, round: i64, vote: Vote, supporters: &[i64], how: ElectedBy) -> &mut Story {
        self.notes(node, Note::Elected { state, vote: vote.into(), round: Round(round), supporters: ids(supporters), how })
    }

    pub fn queries(&mut self, node: i64, xid: i32, vote: Vote) -> &mut Story {
        self.notes(node, Note::QueryRound { xid, vote })
    }

    /// s`from` answers the query of s`node` that it votes for s`leader`.
    pub fn is_answered(&mut self, node: i64, from: i64, xid: i32, leader: i64) -> &mut Story {
        let reply = ElectionReply { xid, from: ServerId(from), leader: ServerId(leader), zxid: Zxid::ZERO };
        let packet = Packet::ElectionReply(Arc::new(reply));
        self.records(node, Record::DatagramDelivered { from: NodeId::server(from), port: Port::Quorum, packet })
    }

    /// The process dies and starts again.
    pub fn restarts(&mut self, node: i64) -> &mut Story {
        self.records(node, Record::Crashed).records(node, Record::Started { life: 2 })
    }

    pub fn boots(&mut self, node: i64, current: i64, accepted: i64) -> &mut Story {
        self.boots_from(node, (0, 0), current, accepted)
    }

    /// Boots with a history that ends at this zxid.
    pub fn boots_from(&mut self, node: i64, (epoch, counter): (u32, u32), current: i64, accepted: i64) -> &mut Story {
        let (zxid, role) = (Zxid::new(epoch, counter), LearnerType::Participant);
        self.notes(node, Note::Booted { role, zxid, current_epoch: Epoch(current), accepted_epoch: Epoch(accepted) })
    }

    pub fn writes(&mut self, node: i64, file: EpochFile, epoch: i64) -> &mut Story {
        self.notes(node, Note::EpochWritten { file, epoch: Epoch(epoch) })
    }

    pub fn sends_leader_info(&mut self, leader: i64, learner: i64, epoch: i64) -> &mut Story {
        self.sends(leader, learner, leader_info(epoch))
    }

    /// s`leader` sends LEADERINFO to s`learner`, which receives it.
    pub fn offers(&mut self, leader: i64, learner: i64, epoch: i64) -> &mut Story {
        self.sends_leader_info(leader, learner, epoch).delivers(learner, leader, leader_info(epoch))
    }

    /// s`learner` answers LEADERINFO; `None` when it had promised before.
    pub fn acks_epoch(&mut self, learner: i64, leader: i64, current: Option<i64>) -> &mut Story {
        let data = QuorumData::CurrentEpoch(current.map(Epoch));
        self.sends(learner, leader, Packet::Quorum { kind: QuorumKind::AckEpoch, zxid: Zxid::ZERO, data })
    }

    pub fn establishes(&mut self, node: i64, epoch: i64, quorum: &[i64]) -> &mut Story {
        self.notes(node, Note::Established { epoch: Epoch(epoch), quorum: ids(quorum) })
    }

    pub fn sends(&mut self, node: i64, to: i64, packet: Packet) -> &mut Story {
        self.records(node, Record::Sent { to: NodeId::server(to), conn: conn(node, to), packet })
    }

    pub fn delivers(&mut self, node: i64, from: i64, packet: Packet) -> &mut Story {
        self.records(node, Record::Delivered { from: NodeId::server(from), conn: conn(node, from), packet })
    }
}

fn leader_info(epoch: i64) -> Packet {
    Packet::quorum(QuorumKind::LeaderInfo, Epoch(epoch).first_zxid())
}

/// One connection for each pair.
fn conn(one: i64, other: i64) -> ConnId {
    ConnId { slot: (one.min(other) * 10 + one.max(other)) as u32, generation: 1 }
}
