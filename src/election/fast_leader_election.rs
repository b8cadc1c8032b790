//! FastLeaderElection (`electionAlg 3`): the main loop. Source: `FastLeaderElection.lookForLeader`; election reference §2.
//!
//! While a reconfiguration is under way two configurations decide: voters of both are asked, and a quorum is one of each.
//! Not modelled: the two-server oracle.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::actor::Cx;
use crate::bugs::{Bug, Bugs};
use crate::proto::{Config, Epoch, LearnerType, Membership, Micros, PeerState, Round, ServerId, Stage, Timer, Vote, Zxid};
use crate::trace::{Better, ElectedBy, IgnoreReason, JoinObstacle, Note};

use super::connection_manager::{ConnectionManager, Received};
use super::messenger::SendQueue;
use super::{quorum, vote_order};

/// How long a quorum waits for a better vote before it is final. Source: `finalizeWait`, a constant.
const FINALIZE_WAIT: Micros = Micros::from_millis(200);

/// The election of one process; lives as long as the process.
#[derive(Clone, Debug)]
pub struct FastLeaderElection {
    me: ServerId,
    role: LearnerType,
    pub(super) config: Arc<Config>,
    /// The configuration that was proposed last, if it is not in force.
    next: Option<Arc<Membership>>,
    /// The membership's text, which rides along in every note.
    pub(super) config_text: Arc<str>,
    /// The election round. Not persisted: 0 at boot, raised by 1 at each call, set to the ensemble's on joining one.
    pub(super) logical_clock: Round,
    /// This server's vote in the present round (`proposedLeader`, `proposedZxid`, `proposedEpoch`).
    pub(super) proposal: Vote,
    pub(super) receive_queue: VecDeque<Received>,
    pub(super) send_queue: SendQueue,
    pub connections: ConnectionManager,
    /// The call of lookForLeader under way.
    call: Option<Call>,
}

/// One call of `lookForLeader`.
#[derive(Clone, Debug)]
struct Call {
    initial: Vote,
    /// Votes of the present round, by sender.
    recvset: BTreeMap<ServerId, Ballot>,
    /// Notes of FOLLOWING and LEADING senders, any round, by sender.
    outofelection: BTreeMap<ServerId, Ballot>,
    /// The present poll; doubles with each that times out, and is never reset within a call.
    poll: Micros,
    /// The proposal had a quorum: only a better vote keeps the election open.
    draining: bool,
}

/// A vote as it is compared: with round, sender's state and format version. Source: `Vote`.
#[derive(Clone, Copy, Debug)]
struct Ballot {
    vote: Vote,
    round: Round,
    state: PeerState,
    /// Format version 0: stored so, it matches the others by leader alone (ZOOKEEPER-1805).
    unversioned: bool,
}

/// How an election ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub state: PeerState,
    pub vote: Vote,
    pub round: Round,
}

impl Ballot {
    /// Whether both elect the same leader, as far as the two kinds of senders can be compared. Source: `Vote.equals`.
    fn matches(&self, other: &Ballot) -> bool {
        if self.state == PeerState::Looking || other.state == PeerState::Looking {
            return self.vote == other.vote && self.round == other.round;
        }
        let same_leader = self.vote.leader == other.vote.leader;
        if self.unversioned != other.unversioned { same_leader } else { same_leader && self.vote.epoch == other.vote.epoch }
    }
}

impl FastLeaderElection {
    pub fn new(me: ServerId, role: LearnerType, config: Arc<Config>) -> FastLeaderElection {
        let nobody = Vote { leader: ServerId::NOBODY, zxid: Zxid::NONE, epoch: Epoch::NONE };
        FastLeaderElection {
            me,
            role,
            config_text: config.membership.text().into(),
            connections: ConnectionManager::new(me, config.clone()),
            config,
            next: None,
            logical_clock: Round(0),
            proposal: nobody,
            receive_queue: VecDeque::new(),
            send_queue: SendQueue::new(),
            call: None,
        }
    }

    pub fn logical_clock(&self) -> Round {
        self.logical_clock
    }

    /// The vote of the present round.
    pub fn proposal(&self) -> Vote {
        self.proposal
    }

    /// The configuration in force is another one, with the same members; or another one is proposed.
    pub fn set_configuration(&mut self, cx: &mut Cx, config: Arc<Config>, next: Option<Arc<Membership>>) {
        self.config_text = config.membership.text().into();
        self.connections.set_configuration(cx, config.clone(), next.clone());
        (self.config, self.next) = (config, next);
    }

    /// The election begins anew among other members: every connection is closed, the round is forgotten. Source: `restartLeaderElection`.
    pub fn restart(&mut self, cx: &mut Cx, role: LearnerType, config: Arc<Config>, next: Option<Arc<Membership>>) {
        cx.disarm(Timer::ElectionPoll);
        let mut anew = FastLeaderElection::new(self.me, role, config);
        anew.connections = self.connections.restart(cx);
        let config = anew.config.clone();
        anew.set_configuration(cx, config, next);
        *self = anew;
    }

    /// Whether a server has a say, in the configuration in force or in the next one. Source: `validVoter`.
    pub(super) fn is_voter(&self, id: ServerId) -> bool {
        self.config.membership.is_voter(id) || self.next.as_ref().is_some_and(|next| next.is_voter(id))
    }

    /// Whether these are a quorum of both configurations. Source: `SyncedLearnerTracker.hasAllQuorums`.
    fn contains_quorum(&self, set: &BTreeSet<ServerId>) -> bool {
        quorum::contains_quorum(&self.config.membership, set) && self.next.as_ref().is_none_or(|next| quorum::contains_quorum(next, set))
    }

    /// By id. Source: `getCurrentAndNextConfigVoters`.
    fn all_voters(&self) -> BTreeSet<ServerId> {
        self.config.membership.voters().chain(self.next.iter().flat_map(|next| next.voters())).collect()
    }

    /// A new round begins with this server's own vote. An observer, or a server that is not in the list, votes for nobody.
    pub fn look_for_leader(&mut self, cx: &mut Cx, zxid: Zxid, epoch: Epoch) {
        let votes = self.role == LearnerType::Participant;
        let initial = match votes {
            true => Vote { leader: if self.config.membership.is_voter(self.me) { self.me } else { ServerId::NOBODY }, zxid, epoch },
            false => Vote { leader: ServerId::NOBODY, zxid: Zxid::NONE, epoch: Epoch::NONE },
        };
        self.logical_clock = self.logical_clock.next();
        self.proposal = initial;
        self.call = Some(Call {
            initial,
            recvset: BTreeMap::new(),
            outofelection: BTreeMap::new(),
            poll: self.config.min_notification_interval,
            draining: false,
        });
        cx.note(Note::LookingStarted { round: self.logical_clock, vote: initial });
        self.send_notifications(cx);
        self.wait(cx);
    }

    /// Tells every voter, this server included, what it proposes. The own vote is counted only when it comes back.
    fn send_notifications(&mut self, cx: &mut Cx) {
        for voter in self.all_voters() {
            self.queue_note(cx, voter, PeerState::Looking, self.proposal, self.logical_clock);
        }
    }

    /// Polls the receive queue again, for as long as the present phase allows.
    fn wait(&mut self, cx: &mut Cx) {
        if let Some(call) = &self.call {
            cx.arm(Timer::ElectionPoll, if call.draining { FINALIZE_WAIT } else { call.poll });
        }
        if !self.receive_queue.is_empty() {
            cx.wake(Stage::QuorumPeer);
        }
    }

    /// The main loop takes one note from its queue.
    pub fn on_note(&mut self, cx: &mut Cx) -> Option<Outcome> {
        let call = self.call.as_ref()?;
        let received = self.receive_queue.pop_front()?;
        let outcome = if call.draining { self.drain(cx, received) } else { self.consider(cx, &received) };
        if outcome.is_none() {
            self.wait(cx);
        }
        outcome
    }

    /// The poll came to its end with an empty queue.
    pub fn on_poll_timeout(&mut self, cx: &mut Cx) -> Option<Outcome> {
        let call = self.call.as_mut()?;
        if !self.receive_queue.is_empty() {
            // A note was there in time; its wake-up is on the way.
            return None;
        }
        if call.draining {
            let supporters = self.supporters_of_proposal();
            return Some(self.conclude(cx, self.proposal, self.logical_clock, ElectedBy::Silence, supporters));
        }
        let waited = call.poll;
        call.poll = waited.times(2).min(self.config.max_notification_interval);
        let (next, resent) = (call.poll, self.connections.have_delivered());
        if !cx.bugs.has(Bug::MutantNoRebroadcast) {
            cx.note(Note::PollTimedOut { waited, next, resent });
            if resent {
                self.send_notifications(cx);
            } else {
                self.connections.connect_all(cx);
            }
        }
        self.wait(cx);
        None
    }

    /// In the finalize drain only a better vote counts: it goes back to the tail of the queue and the main loop resumes.
    /// Everything else is thrown away, whatever its state, round or sender.
    fn drain(&mut self, cx: &mut Cx, received: Received) -> Option<Outcome> {
        let (sender, note) = (received.sid, received.note.clone());
        match self.compare(cx.bugs, &note.vote, &self.proposal) {
            Better::No => cx.note(Note::DrainDiscarded { sender, state: note.state, vote: note.vote, round: note.round }),
            because => {
                cx.note(Note::DrainBroken { sender, vote: note.vote, round: note.round, proposal: self.proposal.into(), because });
                self.receive_queue.push_back(received);
                self.call.as_mut()?.draining = false;
            }
        }
        None
    }

    /// The switch over the sender's state.
    fn consider(&mut self, cx: &mut Cx, received: &Received) -> Option<Outcome> {
        let (sender, note) = (received.sid, &received.note);
        if !self.is_voter(sender) || !self.is_voter(note.vote.leader) {
            cx.note(Note::NoteIgnored { sender, why: IgnoreReason::NotAVoter { leader: note.vote.leader } });
            return None;
        }
        match note.state {
            PeerState::Looking => self.on_looking(cx, received),
            PeerState::Observing => {
                cx.note(Note::NoteIgnored { sender, why: IgnoreReason::Observing });
                None
            }
            PeerState::Following | PeerState::Leading => self.on_established(cx, received),
        }
    }

    /// A note of a server that is looking too: rounds first, then votes, then the count.
    fn on_looking(&mut self, cx: &mut Cx, received: &Received) -> Option<Outcome> {
        let (sender, theirs, round) = (received.sid, received.note.vote, received.note.round);
        let call = self.call.as_mut()?;
        if call.initial.zxid == Zxid::UNTRUSTED || theirs.zxid == Zxid::UNTRUSTED {
            cx.note(Note::NoteIgnored { sender, why: IgnoreReason::UntrustedZxid });
            return None;
        }
        if round < self.logical_clock {
            cx.note(Note::NoteIgnored { sender, why: IgnoreReason::OldRound { theirs: round, ours: self.logical_clock } });
            return None;
        }
        if round > self.logical_clock {
            self.raise_round(cx, sender, theirs, round);
        } else {
            self.adopt_if_better(cx, sender, theirs);
        }
        cx.note(Note::VoteCounted { round: self.logical_clock, sender, vote: theirs, proposal: self.proposal.into() });
        let ballot = Ballot { vote: theirs, round, state: PeerState::Looking, unversioned: false };
        self.call.as_mut()?.recvset.insert(sender, ballot);
        self.test_quorum(cx)
    }

    /// A higher round makes this server's round void: it starts over with the better of the sender's vote and its own initial one.
    fn raise_round(&mut self, cx: &mut Cx, sender: ServerId, theirs: Vote, round: Round) {
        let Some(call) = self.call.as_mut() else {
            return;
        };
        call.recvset.clear();
        let initial = call.initial;
        let mut because = vote_order::compare(&self.config.membership, cx.bugs, &theirs, &initial);
        if cx.bugs.has(Bug::Zk275) {
            because = Better::No;
        }
        let from = std::mem::replace(&mut self.logical_clock, round);
        self.proposal = if because == Better::No { initial } else { theirs };
        cx.note(Note::RoundRaised { from, to: round, sender, theirs: theirs.into(), initial: initial.into(), vote: self.proposal.into(), because });
        self.send_notifications(cx);
    }

    fn adopt_if_better(&mut self, cx: &mut Cx, sender: ServerId, theirs: Vote) {
        let because = self.compare(cx.bugs, &theirs, &self.proposal);
        if because == Better::No {
            return;
        }
        let from = std::mem::replace(&mut self.proposal, theirs);
        cx.note(Note::VoteChanged { round: self.logical_clock, sender, from: from.into(), to: theirs.into(), because });
        self.send_notifications(cx);
    }

    /// With a quorum for the proposal the finalize drain begins. Election reference §2.6.
    fn test_quorum(&mut self, cx: &mut Cx) -> Option<Outcome> {
        let supporters = self.supporters_of_proposal();
        if self.contains_quorum(&supporters) {
            cx.note(Note::QuorumReached { round: self.logical_clock, vote: self.proposal.into(), supporters: supporters.iter().copied().collect() });
            self.call.as_mut()?.draining = true;
        } else if cx.bugs.has(Bug::Zk975) && self.call.as_ref()?.recvset.len() == self.config.membership.voters().count() {
            return Some(self.conclude(cx, self.proposal, self.logical_clock, ElectedBy::Shortcut, supporters));
        }
        None
    }

    fn supporters_of_proposal(&self) -> BTreeSet<ServerId> {
        let proposal = Ballot { vote: self.proposal, round: self.logical_clock, state: PeerState::Looking, unversioned: false };
        self.call.iter().flat_map(|call| agreeing(&call.recvset, |ballot| ballot.matches(&proposal))).collect()
    }

    /// FOLLOWING and LEADING notes: an ensemble may be established already. Election reference §2.7.
    fn on_established(&mut self, cx: &mut Cx, received: &Received) -> Option<Outcome> {
        let (sender, note) = (received.sid, &received.note);
        let ballot = Ballot { vote: note.vote, round: note.round, state: note.state, unversioned: false };
        let dropped = cx.bugs.has(Bug::Zk480) && note.state == PeerState::Following;
        if note.round == self.logical_clock && !dropped {
            if cx.bugs.has(Bug::Zk975) && note.state == PeerState::Leading {
                return Some(self.conclude(cx, note.vote, note.round, ElectedBy::Shortcut, BTreeSet::from([sender])));
            }
            // Stored without a version, it matches FOLLOWING and LEADING notes by the leader alone.
            self.call.as_mut()?.recvset.insert(sender, Ballot { unversioned: true, ..ballot });
            if let Ok(supporters) = self.joinable(cx.bugs, &self.call.as_ref()?.recvset, &ballot) {
                return Some(self.conclude(cx, note.vote, note.round, ElectedBy::SameRound, supporters));
            }
        }
        self.call.as_mut()?.outofelection.insert(sender, ballot);
        match self.joinable(cx.bugs, &self.call.as_ref()?.outofelection, &ballot) {
            Ok(supporters) => Some(self.join(cx, ballot, supporters)),
            Err(why) => {
                cx.note(Note::JoinWaits { sender, leader: note.vote.leader, why });
                None
            }
        }
    }

    /// Takes over an established ensemble's leader and round, without any further wait.
    fn join(&mut self, cx: &mut Cx, ballot: Ballot, supporters: BTreeSet<ServerId>) -> Outcome {
        let mut stored = ballot.vote;
        let mut round = ballot.round;
        if cx.bugs.has(Bug::Zk1732) {
            // The member keeps the round, zxid and epoch that it happened to have; later joiners find no two votes alike.
            let initial = self.call.as_ref().map_or(stored, |call| call.initial);
            stored = Vote { leader: ballot.vote.leader, ..initial };
            round = self.logical_clock;
        }
        self.logical_clock = round;
        self.conclude(cx, stored, round, ElectedBy::Established, supporters)
    }

    /// Whether the notes in `votes` settle that `note.leader` leads; who says so, or what is missing.
    fn joinable(&self, bugs: Bugs, votes: &BTreeMap<ServerId, Ballot>, note: &Ballot) -> Result<BTreeSet<ServerId>, JoinObstacle> {
        let all_equal = bugs.has(Bug::Zk1732);
        let same = |ballot: &Ballot| if all_equal { ballot.vote == note.vote && ballot.round == note.round } else { ballot.matches(note) };
        let supporters: BTreeSet<ServerId> = agreeing(votes, same).collect();
        if !self.contains_quorum(&supporters) {
            return Err(JoinObstacle::NoQuorum { agreeing: supporters.len() as u32 });
        }
        self.check_leader(bugs, votes, note).map(|()| supporters)
    }

    /// Keeps a dead leader from being elected on its followers' old votes, and a restarted one from believing them. Source: `checkLeader`.
    fn check_leader(&self, bugs: Bugs, votes: &BTreeMap<ServerId, Ballot>, note: &Ballot) -> Result<(), JoinObstacle> {
        if note.vote.leader != self.me || bugs.has(Bug::Zk480) {
            let says_so = votes.get(&note.vote.leader).is_some_and(|ballot| ballot.state == PeerState::Leading);
            return if says_so { Ok(()) } else { Err(JoinObstacle::LeaderSilent) };
        }
        if note.round != self.logical_clock && !bugs.has(Bug::Zk1514) {
            return Err(JoinObstacle::OtherRound { theirs: note.round, ours: self.logical_clock });
        }
        Ok(())
    }

    /// The call returns. The server's state changes now, its current vote a moment later.
    fn conclude(&mut self, cx: &mut Cx, vote: Vote, round: Round, how: ElectedBy, supporters: BTreeSet<ServerId>) -> Outcome {
        let state = match (vote.leader == self.me, self.role) {
            (true, _) => PeerState::Leading,
            (false, LearnerType::Participant) => PeerState::Following,
            (false, LearnerType::Observer) => PeerState::Observing,
        };
        cx.note(Note::Elected { state, vote: vote.into(), round, supporters: supporters.into_iter().collect(), how });
        cx.disarm(Timer::ElectionPoll);
        self.receive_queue.clear();
        self.call = None;
        Outcome { state, vote, round }
    }

    fn compare(&self, bugs: Bugs, new: &Vote, current: &Vote) -> Better {
        vote_order::compare(&self.config.membership, bugs, new, current)
    }
}

fn agreeing(votes: &BTreeMap<ServerId, Ballot>, same: impl Fn(&Ballot) -> bool) -> impl Iterator<Item = ServerId> {
    votes.iter().filter(move |(_, ballot)| same(ballot)).map(|(id, _)| *id)
}
