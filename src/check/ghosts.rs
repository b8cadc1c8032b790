//! What the checks of elections remember of each server: what it was told, what it proposed, and what it knew when it did.
//!
//! Ghost variables: no server has them, and nothing in the run depends on them. What was *told* comes from the kernel's deliveries. What
//! was *read* can come only from the server's own notes: a delivered notification waits in queues, and one that still waits is not known.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::electorate::Electorate;
use crate::proto::{ElectionReply, Epoch, NodeId, Packet, PeerState, Round, ServerId, Vote};
use crate::trace::{Event, Note, Record, What};

/// Rounds that are remembered of each server. An election may end long after its supporters have gone on to other rounds; when it rests
/// on a forgotten one, it is not judged.
const BALLOTS_MAX: usize = 8;

/// Calls of `lookForLeader` within which a delivered notification may still be read. A call empties the queue that its main loop reads, but
/// the threads before that queue may be slower than an election that ends by joining, so that notes outlive several calls.
const CALLS_MAX: usize = 16;

/// The memories of all servers; shared until written, so that runs are cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Ghosts {
    servers: BTreeMap<ServerId, Arc<Ghost>>,
}

/// What is remembered of one server.
#[derive(Clone, Debug, Default)]
pub struct Ghost {
    /// Notifications delivered in this life, and what it answered to itself, with the latest event of each.
    heard: BTreeMap<Heard, u64>,
    /// Its rounds, the latest last; they outlive its process.
    ballots: VecDeque<Ballot>,
    /// Where its last calls of `lookForLeader` in this life began, the latest last.
    calls: VecDeque<u64>,
    /// `electionAlg 0`: the xid of the present call, and who named whom in answers to it, with the event of the delivery.
    query: Option<i32>,
    replies: BTreeMap<(ServerId, ServerId), u64>,
}

/// A notification as far as elections look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Heard {
    leader: ServerId,
    round: Round,
    epoch: Epoch,
    sender: ServerId,
    /// The sender was FOLLOWING or LEADING, not LOOKING.
    settled: bool,
}

/// One round of one server.
#[derive(Clone, Debug)]
pub struct Ballot {
    pub round: Round,
    /// What it proposed, in this order; never empty.
    pub proposals: Vec<Proposal>,
    /// The best vote it has read so far, its own initial one included.
    best: Known,
}

#[derive(Clone, Debug)]
pub struct Proposal {
    pub vote: Vote,
    pub event: u64,
    /// A better vote that the server had already read.
    pub outdone_by: Option<Known>,
}

/// A vote that a server has read, and the event of reading.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    pub vote: Vote,
    pub event: u64,
}

impl Ghosts {
    /// What is remembered of a server; `None` before its first event.
    pub fn of(&self, server: ServerId) -> Option<&Ghost> {
        self.servers.get(&server).map(Arc::as_ref)
    }

    /// Learns from an event. To be called before the checks look at the same event.
    pub fn observe(&mut self, electorate: &Electorate, event: &Event) {
        let Some(me) = event.node.and_then(NodeId::as_server) else { return };
        if !is_remembered(event) {
            return;
        }
        let ghost = Arc::make_mut(self.servers.entry(me).or_default());
        match &event.what {
            What::Record(record) => ghost.on_record(record, event.n),
            What::Note(note) => ghost.on_note(electorate, me, note, event.n),
        }
    }
}

/// Whether [`Ghosts::observe`] learns from it: most events are mechanics, and must not cost a copy of what is shared.
fn is_remembered(event: &Event) -> bool {
    match &event.what {
        What::Record(Record::Started { .. }) => true,
        What::Record(Record::Delivered { packet, .. }) => matches!(packet, Packet::Notification(_)),
        What::Record(Record::DatagramDelivered { packet, .. }) => matches!(packet, Packet::ElectionReply(_)),
        What::Record(_) => false,
        What::Note(Note::LookingAnswered { to, .. }) => event.node == Some(NodeId::Server(*to)),
        What::Note(note) => matches!(
            note,
            Note::LookingStarted { .. } | Note::RoundRaised { .. } | Note::VoteChanged { .. } | Note::VoteCounted { .. } | Note::QueryRound { .. }
        ),
    }
}

impl Ghost {
    /// The round the server is in, or was in last.
    pub fn ballot(&self) -> Option<&Ballot> {
        self.ballots.back()
    }

    /// All proposals of `vote` in `round` that are remembered; more than one when the server has been restarted.
    pub fn proposals<'a>(&'a self, round: Round, vote: &'a Vote) -> impl Iterator<Item = &'a Proposal> {
        self.ballots.iter().filter(move |ballot| ballot.round == round).flat_map(|ballot| &ballot.proposals).filter(|proposal| proposal.vote == *vote)
    }

    /// Whether it proposed `leader` in `round` itself, in one of the calls that are remembered: its own votes may come back to it late, too.
    pub fn proposed_lately(&self, leader: ServerId, round: Round) -> bool {
        let earliest = self.calls.front().copied().unwrap_or(0);
        let proposals = self.ballots.iter().filter(|ballot| ballot.round == round).flat_map(|ballot| &ballot.proposals);
        proposals.filter(|proposal| proposal.event >= earliest).any(|proposal| proposal.vote.leader == leader)
    }

    /// Who was delivered as naming `leader` in `round`, whatever state it was in.
    pub fn named_in_round(&self, leader: ServerId, round: Round) -> BTreeSet<ServerId> {
        self.heard_of(leader).filter(|(heard, _)| heard.round == round).map(|(heard, _)| heard.sender).collect()
    }

    /// For each epoch: who was delivered as following `leader` in it (or leading it), whatever the round.
    pub fn named_as_established(&self, leader: ServerId) -> BTreeMap<Epoch, BTreeSet<ServerId>> {
        let mut by_epoch: BTreeMap<Epoch, BTreeSet<ServerId>> = BTreeMap::new();
        for (heard, _) in self.heard_of(leader).filter(|(heard, _)| heard.settled) {
            by_epoch.entry(heard.epoch).or_default().insert(heard.sender);
        }
        by_epoch
    }

    /// Who answered the present queries (`electionAlg 0`) by naming `leader`.
    pub fn named_in_replies(&self, leader: ServerId) -> BTreeSet<ServerId> {
        self.replies.keys().filter(|(named, _)| *named == leader).map(|(_, sender)| *sender).collect()
    }

    /// The latest delivery of a message that names `leader`, in a notification or a reply.
    pub fn last_heard_of(&self, leader: ServerId) -> Option<u64> {
        let replies = self.replies.iter().filter(|((named, _), _)| *named == leader).map(|(_, event)| event);
        self.heard_of(leader).map(|(_, event)| event).chain(replies).max().copied()
    }

    /// Where the present call of `lookForLeader` began.
    pub fn call(&self) -> u64 {
        self.calls.back().copied().unwrap_or(0)
    }

    fn heard_of(&self, leader: ServerId) -> impl Iterator<Item = (&Heard, &u64)> {
        self.heard.iter().filter(move |(heard, _)| heard.leader == leader)
    }

    fn on_record(&mut self, record: &Record, event: u64) {
        match record {
            // The process's queues and logical clock are gone.
            Record::Started { .. } => {
                self.heard.clear();
                self.query = None;
                self.calls.clear();
            }
            Record::Delivered { from: NodeId::Server(sender), packet: Packet::Notification(note), .. } => {
                self.heard.insert(Heard::new(*sender, note.state, &note.vote, note.round), event);
            }
            Record::DatagramDelivered { from: NodeId::Server(sender), packet: Packet::ElectionReply(reply), .. } => {
                self.on_reply(*sender, reply, event);
            }
            _ => {}
        }
    }

    fn on_reply(&mut self, sender: ServerId, reply: &ElectionReply, event: u64) {
        if self.query == Some(reply.xid) {
            self.replies.insert((reply.leader, sender), event);
        }
    }

    fn on_note(&mut self, electorate: &Electorate, me: ServerId, note: &Note, event: u64) {
        match note {
            Note::LookingStarted { round, vote } => {
                self.begin_call(event);
                self.open_ballot(*round, *vote, Known { vote: *vote, event });
            }
            Note::RoundRaised { to, theirs, initial, vote, .. } => {
                let best = if electorate.beats(theirs, initial) { theirs } else { initial };
                self.open_ballot(*to, **vote, Known { vote: **best, event });
                self.judge_last_proposal(electorate);
            }
            Note::VoteChanged { to, .. } => {
                self.learn(electorate, to, event);
                if let Some(ballot) = self.ballots.back_mut() {
                    ballot.proposals.push(Proposal { vote: **to, event, outdone_by: None });
                }
                self.judge_last_proposal(electorate);
            }
            // Its own vote comes back to it as a note, and is what it proposed.
            Note::VoteCounted { sender, vote, .. } if *sender != me => self.learn(electorate, vote, event),
            // A note to itself was read late, when it had ended its election: it answers, and may count that in its next one.
            Note::LookingAnswered { state, vote, round, .. } => {
                self.heard.insert(Heard::new(me, *state, vote, *round), event);
            }
            Note::QueryRound { xid, .. } if self.query != Some(*xid) => {
                self.query = Some(*xid);
                self.replies.clear();
                self.begin_call(event);
            }
            _ => {}
        }
    }

    /// Drops what was delivered before the calls that are remembered. What comes before the first call of a life is kept with it.
    fn begin_call(&mut self, event: u64) {
        if self.calls.len() == CALLS_MAX {
            self.calls.pop_front();
            let earliest = self.calls[0];
            self.heard.retain(|_, heard| *heard >= earliest);
        }
        self.calls.push_back(event);
    }

    fn open_ballot(&mut self, round: Round, vote: Vote, best: Known) {
        if self.ballots.len() == BALLOTS_MAX {
            self.ballots.pop_front();
        }
        self.ballots.push_back(Ballot { round, proposals: vec![Proposal { vote, event: best.event, outdone_by: None }], best });
    }

    fn learn(&mut self, electorate: &Electorate, vote: &Vote, event: u64) {
        if let Some(ballot) = self.ballots.back_mut()
            && electorate.beats(vote, &ballot.best.vote)
        {
            ballot.best = Known { vote: *vote, event };
        }
    }

    fn judge_last_proposal(&mut self, electorate: &Electorate) {
        if let Some(Ballot { proposals, best, .. }) = self.ballots.back_mut()
            && let Some(proposal) = proposals.last_mut()
        {
            proposal.outdone_by = electorate.beats(&best.vote, &proposal.vote).then_some(*best);
        }
    }
}

impl Heard {
    fn new(sender: ServerId, state: PeerState, vote: &Vote, round: Round) -> Heard {
        Heard { leader: vote.leader, round, epoch: vote.epoch, sender, settled: state != PeerState::Looking }
    }
}
