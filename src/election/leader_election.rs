//! The older `LeaderElection` (`electionAlg 0`): ask every voter for its vote, take the best candidate, ask again.
//!
//! It pulls where FastLeaderElection pushes. Nobody is told anything: a looking server asks all voters, itself included, one after the
//! other, and counts the answers. Requests and answers are datagrams and may be lost. There is no round number on the wire, so the answers
//! of one count may come from different moments, and two servers may find different leaders; discovery settles that. A leader or follower
//! answers too (`responder`), which is how a late joiner finds an established ensemble.
//!
//! Source: `LeaderElection.lookForLeader` of branch-3.4 (the class was removed in 3.6.0); election reference §7.1.
//!
//! Left out: the hash order in which Java walks the voters (they are asked by id), and servers that answer with an id that is not theirs.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::responder::Standing;
use super::tally::{TallyResult, count_votes};
use crate::actor::{Cx, Effect};
use crate::proto::{ElectionReply, Epoch, LearnerType, Membership, Micros, Packet, PeerState, Port, Round, ServerId, Timer, Vote, Zxid};
use crate::trace::{ElectedBy, Note};

/// How long one answer is waited for. Source: `setSoTimeout(200)`.
const REPLY_TIMEOUT: Micros = Micros::from_millis(200);

/// Pause between two rounds. Source: `Thread.sleep(1000)`.
const ROUND_PAUSE: Micros = Micros::from_millis(1000);

/// A learner gives its leader this time to start before it connects. Source: `Thread.sleep(100)`.
const LEADER_HEAD_START: Micros = Micros::from_millis(100);

/// What a vote says of epochs in this algorithm: -1, for they are neither sent nor compared. Source: the constructor `Vote(id, zxid)`.
pub const NO_EPOCH: Epoch = Epoch(-1);

/// What a vote says of rounds in this algorithm: -1 likewise.
pub const NO_ROUND: Round = Round(-1);

/// One call of `lookForLeader`. To be dropped once it has given its [`Outcome`].
#[derive(Clone, Debug)]
pub struct LeaderElection {
    me: ServerId,
    role: LearnerType,
    /// Whom to ask, in this order. Observers are in no list, so nobody counts their votes.
    voters: Arc<[ServerId]>,
    /// This server's own last zxid: does not move while it looks for a leader.
    last_zxid: Zxid,
    /// Drawn once per call, the same in all of its rounds; other answers are not for this call.
    xid: i32,
    vote: Vote,
    /// The answers of this round by who gave them. A second one of the same server replaces the first.
    votes: BTreeMap<ServerId, Vote>,
    /// Answers that came in a pause, oldest first: the asker's socket keeps them, and the next queries read them as if they were theirs.
    unread: VecDeque<ElectionReply>,
    phase: Phase,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// Waits for an answer, having asked the voter at this place of the list. Nothing is unread.
    Asking(usize),
    /// Every voter was asked without success.
    Pausing,
    /// The leader is known. A learner waits before it acts on it, and answers with its new state already.
    Elected(PeerState),
}

/// How the election ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The leader and its zxid, as far as the answers tell; the epoch is [`NO_EPOCH`].
    pub vote: Vote,
    /// LEADING, FOLLOWING or OBSERVING.
    pub state: PeerState,
}

impl LeaderElection {
    /// Begins to look for a leader, with a vote for itself: asks the first voter.
    pub fn start(cx: &mut Cx, me: ServerId, role: LearnerType, members: &Membership, last_zxid: Zxid) -> LeaderElection {
        let mut election = LeaderElection {
            me,
            role,
            voters: members.voters().collect(),
            last_zxid,
            xid: cx.draw_below(1 << 32) as u32 as i32,
            vote: Vote { leader: me, zxid: last_zxid, epoch: NO_EPOCH },
            votes: BTreeMap::new(),
            unread: VecDeque::new(),
            phase: Phase::Pausing,
        };
        let outcome = election.begin_round(cx);
        debug_assert_eq!(outcome, None, "nobody can have answered yet");
        election
    }

    /// What the responder has to say for a server that is looking.
    pub fn standing(&self) -> Standing {
        match self.phase {
            Phase::Asking(_) | Phase::Pausing => Standing::Looking(self.vote),
            Phase::Elected(PeerState::Leading) => Standing::Leading { last_proposed: None },
            Phase::Elected(PeerState::Observing) => Standing::Observing,
            Phase::Elected(_) => Standing::Following { leader: self.vote.leader, zxid: None },
        }
    }

    /// The server's current vote.
    pub fn vote(&self) -> Vote {
        self.vote
    }

    /// An answer arrived. It need not be the one of the server asked last: a late one is read in its place, counts for whoever gave it,
    /// and leaves the awaited one to the next query. So one late answer can cost the last voter its vote in this round.
    pub fn on_reply(&mut self, cx: &mut Cx, reply: ElectionReply) -> Option<Outcome> {
        // An answer to an earlier call: it went to a socket that is closed.
        if reply.xid != self.xid {
            return None;
        }
        match self.phase {
            Phase::Asking(place) => self.count_reply(cx, place, reply),
            Phase::Pausing => {
                self.unread.push_back(reply);
                None
            }
            // This call's socket is closed, too.
            Phase::Elected(_) => None,
        }
    }

    /// `Timer::QueryReply` or `Timer::QueryPause` ran out.
    pub fn on_timer(&mut self, cx: &mut Cx, timer: Timer) -> Option<Outcome> {
        match (self.phase, timer) {
            // Lost, late or dead: errors are fine, the next one is asked.
            (Phase::Asking(place), Timer::QueryReply) => {
                cx.note(Note::QueryTimedOut { to: self.voters[place] });
                self.ask(cx, place + 1)
            }
            (Phase::Pausing, Timer::QueryPause) => self.begin_round(cx),
            (Phase::Elected(state), Timer::QueryPause) => Some(Outcome { vote: self.vote, state }),
            // The phase it was for is over.
            _ => None,
        }
    }

    fn begin_round(&mut self, cx: &mut Cx) -> Option<Outcome> {
        cx.note(Note::QueryRound { xid: self.xid, vote: self.vote });
        self.votes.clear();
        self.ask(cx, 0)
    }

    /// Asks the voter at this place of the list; after the last one the votes are counted.
    ///
    /// A server asks itself as it asks the others, by a datagram to its own responder.
    fn ask(&mut self, cx: &mut Cx, place: usize) -> Option<Outcome> {
        let Some(to) = self.voters.get(place) else {
            return self.count(cx);
        };
        cx.emit(Effect::Datagram { to: *to, port: Port::Quorum, packet: Packet::ElectionRequest { xid: self.xid } });
        self.phase = Phase::Asking(place);
        if let Some(stale) = self.unread.pop_front() {
            return self.count_reply(cx, place, stale);
        }
        cx.arm(Timer::QueryReply, REPLY_TIMEOUT);
        None
    }

    fn count_reply(&mut self, cx: &mut Cx, place: usize, reply: ElectionReply) -> Option<Outcome> {
        let ElectionReply { from, leader, zxid, .. } = reply;
        cx.note(Note::ReplyCounted { from, leader, zxid });
        self.votes.insert(from, Vote { leader, zxid, epoch: NO_EPOCH });
        self.ask(cx, place + 1)
    }

    /// Ends a round: a candidate with more than half of the voters is elected, else the best one gets this server's vote in the next round.
    fn count(&mut self, cx: &mut Cx) -> Option<Outcome> {
        cx.disarm(Timer::QueryReply);
        let tally = count_votes(&self.votes);
        for (candidate, supporters) in tally.dead {
            cx.note(Note::DeadCandidateDropped { candidate, supporters });
        }
        // Not to vote for the dead for ever (ZOOKEEPER-569).
        let own = Vote { leader: self.me, zxid: self.last_zxid, epoch: NO_EPOCH };
        let nobody = Vote { leader: ServerId::NOBODY, zxid: Zxid::NONE, epoch: NO_EPOCH };
        let TallyResult { best, winner, supporters } = tally.result.unwrap_or(TallyResult { best: own, winner: nobody, supporters: Vec::new() });

        // A plain majority: weights and groups are not looked at.
        let needed = self.voters.len() as u32 / 2 + 1;
        let count = supporters.len() as u32;
        cx.note(Note::VotesTallied { best: best.leader, winner: winner.leader, supporters: count, needed });
        if count < needed {
            self.vote = best;
            return self.pause(cx, ROUND_PAUSE);
        }
        self.vote = winner;
        self.elect(cx, supporters)
    }

    /// The current vote has won.
    fn elect(&mut self, cx: &mut Cx, supporters: Vec<ServerId>) -> Option<Outcome> {
        let state = match (self.role, self.vote.leader == self.me) {
            (LearnerType::Participant, true) => PeerState::Leading,
            (LearnerType::Participant, false) => PeerState::Following,
            (LearnerType::Observer, false) => PeerState::Observing,
            // Others list this observer as a voter. It does not lead, and asks again.
            (LearnerType::Observer, true) => return self.pause(cx, LEADER_HEAD_START + ROUND_PAUSE),
        };
        cx.note(Note::Elected { state, vote: self.vote.into(), round: NO_ROUND, supporters, how: ElectedBy::Tally });
        self.phase = Phase::Elected(state);
        if state == PeerState::Leading {
            return Some(Outcome { vote: self.vote, state });
        }
        cx.arm(Timer::QueryPause, LEADER_HEAD_START);
        None
    }

    fn pause(&mut self, cx: &mut Cx, length: Micros) -> Option<Outcome> {
        self.phase = Phase::Pausing;
        cx.arm(Timer::QueryPause, length);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actor::Draw;
    use crate::bugs::Bugs;
    use crate::election::responder::Responder;
    use crate::proto::NodeId;

    const XID: i32 = 77;

    /// Draws the same number always.
    struct Fixed(u64);

    impl Draw for Fixed {
        fn below(&mut self, bound: u64) -> u64 {
            self.0 % bound
        }
    }

    /// One server that looks for a leader, and what it did since it was last looked at.
    struct Asker {
        election: LeaderElection,
        effects: Vec<Effect>,
        outcome: Option<Outcome>,
    }

    /// An effect, without those notes that no test here is about.
    #[derive(Debug, PartialEq)]
    enum Did {
        Ask(i64),
        Arm(Timer, u64),
        TimedOut(i64),
        Dropped(i64, Vec<i64>),
        /// best, winner, supporters, needed
        Tallied(i64, i64, u32, u32),
        Elected(PeerState, i64, Vec<i64>),
    }

    fn ids(servers: &[ServerId]) -> Vec<i64> {
        servers.iter().map(|id| id.0).collect()
    }

    fn zxid(counter: u32) -> Zxid {
        Zxid::new(1, counter)
    }

    fn reply(from: i64, leader: i64, counter: u32) -> ElectionReply {
        ElectionReply { xid: XID, from: ServerId(from), leader: ServerId(leader), zxid: zxid(counter) }
    }

    impl Asker {
        /// Server `me` of `voters` and one observer more, with last zxid 1:`counter`.
        fn new(me: i64, voters: u32, counter: u32) -> Asker {
            let members = Membership::of(voters, 1);
            let role = members.members[&ServerId(me)].role;
            Asker::with_role(me, role, &members, counter)
        }

        fn with_role(me: i64, role: LearnerType, members: &Membership, counter: u32) -> Asker {
            let (mut draw, mut effects) = (Fixed(XID as u64), Vec::new());
            let mut cx = Cx::new(NodeId::server(me), Micros::ZERO, Micros::ZERO, Bugs::NONE, &mut draw, &mut effects);
            let election = LeaderElection::start(&mut cx, ServerId(me), role, members, zxid(counter));
            Asker { election, effects, outcome: None }
        }

        fn step(&mut self, input: impl FnOnce(&mut LeaderElection, &mut Cx) -> Option<Outcome>) {
            let (mut draw, me) = (Fixed(0), NodeId::Server(self.election.me));
            let mut cx = Cx::new(me, Micros::ZERO, Micros::ZERO, Bugs::NONE, &mut draw, &mut self.effects);
            assert_eq!(self.outcome, None, "the election is over");
            self.outcome = input(&mut self.election, &mut cx);
        }

        fn hear(&mut self, replies: impl IntoIterator<Item = ElectionReply>) {
            replies.into_iter().for_each(|reply| self.step(|election, cx| election.on_reply(cx, reply)));
        }

        fn fire(&mut self, timer: Timer) {
            self.step(|election, cx| election.on_timer(cx, timer));
        }

        /// What it did since the last call.
        fn did(&mut self) -> Vec<Did> {
            self.effects.drain(..).filter_map(summary).collect()
        }

        /// The last tally since the last look, as (best, winner, supporters, needed).
        fn tallied(&mut self) -> (i64, i64, u32, u32) {
            let tally = |did| if let Did::Tallied(best, winner, count, needed) = did { Some((best, winner, count, needed)) } else { None };
            self.did().into_iter().rev().find_map(tally).expect("a round ended")
        }

        fn ends_as(&self, leader: i64, state: PeerState) -> bool {
            self.outcome.is_some_and(|outcome| (outcome.vote.leader, outcome.state) == (ServerId(leader), state))
        }
    }

    fn summary(effect: Effect) -> Option<Did> {
        match effect {
            Effect::Datagram { to, port: Port::Quorum, packet: Packet::ElectionRequest { xid: XID } } => Some(Did::Ask(to.0)),
            Effect::Arm { timer, after } => Some(Did::Arm(timer, after.0 / 1000)),
            Effect::Disarm(Timer::QueryReply) => None,
            Effect::Note(note) => match note {
                Note::QueryTimedOut { to } => Some(Did::TimedOut(to.0)),
                Note::DeadCandidateDropped { candidate, supporters } => Some(Did::Dropped(candidate.0, ids(&supporters))),
                Note::VotesTallied { best, winner, supporters, needed } => Some(Did::Tallied(best.0, winner.0, supporters, needed)),
                Note::Elected { state, vote, supporters, .. } => Some(Did::Elected(state, vote.leader.0, ids(&supporters))),
                _ => None,
            },
            other => panic!("an election does not do this: {other:?}"),
        }
    }

    #[test]
    fn asks_one_after_the_other_and_again_after_a_second() {
        let mut s1 = Asker::new(1, 3, 5);
        assert_eq!(s1.did(), [Did::Ask(1), Did::Arm(Timer::QueryReply, 200)]);
        s1.hear([reply(1, 1, 5)]);
        assert_eq!(s1.did(), [Did::Ask(2), Did::Arm(Timer::QueryReply, 200)]);
        s1.fire(Timer::QueryReply);
        assert_eq!(s1.did(), [Did::TimedOut(2), Did::Ask(3), Did::Arm(Timer::QueryReply, 200)]);
        s1.hear([reply(3, 3, 5)]);
        assert_eq!(s1.did(), [Did::Tallied(3, 3, 1, 2), Did::Arm(Timer::QueryPause, 1000)]);
        assert_eq!(s1.election.vote(), Vote { leader: ServerId(3), zxid: zxid(5), epoch: NO_EPOCH });

        s1.fire(Timer::QueryPause);
        assert_eq!(s1.did(), [Did::Ask(1), Did::Arm(Timer::QueryReply, 200)]);
        s1.hear([reply(1, 3, 5), reply(2, 2, 5), reply(3, 3, 5)]);
        assert_eq!(s1.did().pop(), Some(Did::Arm(Timer::QueryPause, 100)), "the leader gets a head start");
        s1.hear([reply(2, 2, 9)]);
        assert_eq!(s1.did(), [], "its socket is closed");
        assert_eq!((s1.outcome, s1.election.standing()), (None, Standing::Following { leader: ServerId(3), zxid: None }));
        s1.fire(Timer::QueryPause);
        assert!(s1.ends_as(3, PeerState::Following));
    }

    #[test]
    fn the_leader_starts_at_once() {
        let mut s3 = Asker::new(3, 3, 5);
        s3.hear([reply(1, 3, 5), reply(2, 3, 5), reply(3, 3, 5)]);
        assert_eq!(s3.did().pop(), Some(Did::Elected(PeerState::Leading, 3, vec![1, 2, 3])));
        assert!(s3.ends_as(3, PeerState::Leading));
    }

    /// Half of four voters is no majority, and the candidate with the most votes need not be the next one to vote for.
    #[test]
    fn half_of_the_voters_are_not_enough() {
        let mut s1 = Asker::new(1, 4, 5);
        s1.hear([reply(1, 4, 5), reply(2, 2, 9), reply(3, 3, 5), reply(4, 4, 5)]);
        assert_eq!(s1.tallied(), (2, 4, 2, 3));
        assert_eq!((s1.election.vote().leader, s1.outcome), (ServerId(2), None));
    }

    /// s3 led and died; its followers still name it.
    #[test]
    fn a_dead_candidate_is_not_elected() {
        let mut s1 = Asker::new(1, 5, 5);
        s1.hear([reply(1, 1, 5), reply(2, 3, 9)]);
        s1.fire(Timer::QueryReply);
        s1.hear([reply(4, 3, 9), reply(5, 3, 9)]);
        let did = s1.did();
        assert!(did.contains(&Did::Dropped(3, vec![2, 4, 5])), "{did:?}");
        assert_eq!(did[did.len() - 2], Did::Tallied(1, 1, 1, 3));
    }

    #[test]
    fn without_an_answer_it_votes_for_itself_again() {
        let mut s1 = Asker::new(1, 3, 5);
        s1.hear([reply(1, 1, 5), reply(2, 2, 8), reply(3, 3, 5)]);
        assert_eq!(s1.election.vote().leader, ServerId(2));
        s1.fire(Timer::QueryPause);
        (0..3).for_each(|_| s1.fire(Timer::QueryReply));
        assert_eq!(s1.tallied(), (1, ServerId::NOBODY.0, 0, 2));
        assert_eq!(s1.election.vote(), Vote { leader: ServerId(1), zxid: zxid(5), epoch: NO_EPOCH });
    }

    /// The leader said 1:5 while its follower already heard 1:8 of it.
    #[test]
    fn an_established_leader_is_found() {
        let mut s1 = Asker::new(1, 3, 5);
        s1.hear([reply(1, 1, 5), reply(2, 3, 8), reply(3, 3, 5)]);
        assert_eq!(s1.did().iter().rev().nth(1), Some(&Did::Elected(PeerState::Following, 3, vec![2, 3])));
        assert_eq!(s1.election.vote().zxid, zxid(8));
    }

    /// s1 answers when s2 is being waited for: everybody is heard one query late, and s3, asked last, is heard in the next round.
    #[test]
    fn a_late_answer_takes_the_place_of_the_awaited_one() {
        let mut s1 = Asker::new(1, 3, 5);
        s1.fire(Timer::QueryReply);
        s1.hear([reply(1, 3, 5), reply(2, 3, 5)]);
        let did = s1.did();
        assert!(did.contains(&Did::Dropped(3, vec![1, 2])), "s3 was not heard: {did:?}");

        s1.hear([reply(3, 3, 5)]);
        assert_eq!(s1.did(), [], "nobody reads in the pause");
        s1.fire(Timer::QueryPause);
        assert_eq!(s1.did(), [Did::Ask(1), Did::Ask(2), Did::Arm(Timer::QueryReply, 200)], "the stale answer is read at once");
        s1.hear([reply(1, 3, 5), reply(2, 3, 5)]);
        assert_eq!(s1.tallied(), (3, 3, 3, 2));
    }

    #[test]
    fn answers_to_an_earlier_call_are_not_read() {
        let mut s1 = Asker::new(1, 3, 5);
        s1.did();
        s1.hear([ElectionReply { xid: XID + 1, ..reply(3, 3, 9) }]);
        assert_eq!(s1.did(), [], "it waits on for the answer of s1");
        s1.hear([reply(1, 1, 5), reply(2, 2, 5), reply(3, 3, 5)]);
        assert_eq!(s1.tallied(), (3, 3, 1, 2));
    }

    #[test]
    fn an_observer_asks_voters_only_and_observes() {
        let mut s4 = Asker::new(4, 3, 9);
        s4.hear([reply(1, 3, 5), reply(2, 3, 5), reply(3, 3, 5)]);
        let did = s4.did();
        assert!(!did.contains(&Did::Ask(4)), "{did:?}");
        assert_eq!(did.last(), Some(&Did::Arm(Timer::QueryPause, 100)));
        assert_eq!(s4.election.standing(), Standing::Observing);
        s4.fire(Timer::QueryPause);
        assert!(s4.ends_as(3, PeerState::Observing));
    }

    #[test]
    fn an_observer_that_others_list_as_a_voter_does_not_lead() {
        let mut s3 = Asker::with_role(3, LearnerType::Observer, &Membership::of(3, 0), 5);
        s3.hear([reply(1, 3, 5), reply(2, 3, 5), reply(3, 3, 5)]);
        assert_eq!((s3.did().pop(), s3.outcome), (Some(Did::Arm(Timer::QueryPause, 1100)), None));
    }

    /// Lets every server that has no outcome yet run one round (or end its last pause), in the order of ids. Datagrams take no time, and
    /// those between the (asker, asked) of `lost` are lost.
    fn everybody_asks_once(ensemble: &mut [(Asker, Responder)], lost: &[(i64, i64)]) {
        for asking in 0..ensemble.len() {
            if ensemble[asking].0.outcome.is_none() && matches!(ensemble[asking].0.election.phase, Phase::Pausing | Phase::Elected(_)) {
                ensemble[asking].0.fire(Timer::QueryPause);
            }
            while let Phase::Asking(place) = ensemble[asking].0.election.phase {
                if lost.contains(&(asking as i64 + 1, place as i64 + 1)) {
                    ensemble[asking].0.fire(Timer::QueryReply);
                    continue;
                }
                let (asked, responder) = &mut ensemble[place];
                let answer = responder.answer(asked.election.me, XID, asked.election.standing());
                ensemble[asking].0.hear([answer]);
            }
        }
    }

    /// Three servers with these counters in their last zxids, by id. The larger zxid leads, then the larger id; a first round in which
    /// each asker misses somebody only delays it.
    #[test]
    fn three_servers_agree() {
        for (counters, lost, leader) in [([5, 5, 5], &[][..], 3), ([5, 9, 5], &[], 2), ([9, 5, 5], &[], 1), ([5, 9, 5], &[(1, 2), (3, 1), (2, 3)], 2)]
        {
            let new = |(place, counter): (usize, &u32)| (Asker::new(place as i64 + 1, 3, *counter), Responder::default());
            let mut ensemble: Vec<_> = counters.iter().enumerate().map(new).collect();
            for round in 0..4 {
                everybody_asks_once(&mut ensemble, if round == 0 { lost } else { &[] });
            }
            for (asker, _) in &ensemble {
                let state = if asker.election.me.0 == leader { PeerState::Leading } else { PeerState::Following };
                assert!(asker.ends_as(leader, state), "zxids {counters:?}: {:?}", asker.election);
            }
        }
    }
}
