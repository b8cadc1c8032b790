//! Protocol notes: facts that a node tells about itself, with the values that decided. Their `Display` is the story.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::proto::{Epoch, LearnerType, Micros, PeerState, Round, ServerId, Vote, Zxid};

/// A fact told by one server (the event's node). The kind's snake_case name is what `when`, `saw` and the trace filters match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "fields", rename_all = "snake_case")]
pub enum Note {
    // The outer loop (`QuorumPeer`).
    /// The database and the epoch files are read; the server starts to look for a leader.
    Booted { role: LearnerType, zxid: Zxid, current_epoch: Epoch, accepted_epoch: Epoch },
    /// The server cannot start from what its disk holds.
    BootRefused { reason: String },
    /// `peerType` says one thing and the server list another; the list wins.
    RoleOverridden { configured: LearnerType, listed: LearnerType },
    /// The server went back to LOOKING.
    WentLooking { from: PeerState, why: LookingReason },

    // FastLeaderElection.
    /// `lookForLeader` begins: a new round, the server's own initial vote.
    LookingStarted { round: Round, vote: Vote },
    /// A note with a better vote of the same round: the proposal changes.
    VoteChanged { round: Round, sender: ServerId, from: Vote, to: Vote, because: Better },
    /// A note of a higher round: the votes counted so far are void.
    RoundRaised { from: Round, to: Round, sender: ServerId, theirs: Vote, initial: Vote, vote: Vote, because: Better },
    /// The vote of a LOOKING server entered the count of the current round. What FOLLOWING and LEADING servers say is counted without a word.
    VoteCounted { round: Round, sender: ServerId, vote: Vote, proposal: Vote },
    /// A note did not count.
    NoteIgnored { sender: ServerId, why: IgnoreReason },
    /// A looking server of an older round is told the current one, before the main loop sees its note.
    LaggardAnswered { to: ServerId, their_round: Round, round: Round },
    /// A server that is not looking answers one that is: this is how a late joiner learns who leads.
    LookingAnswered { to: ServerId, state: PeerState, vote: Vote, round: Round },
    /// The server already left the election while its vote is still the old one.
    StaleAnswer { to: ServerId, state: PeerState, vote: Vote },
    /// The proposal has a quorum: 200 ms of silence will end the election.
    QuorumReached { round: Round, vote: Vote, supporters: Vec<ServerId> },
    /// A note that arrived in the finalize drain was no better and is thrown away.
    DrainDiscarded { sender: ServerId, state: PeerState, vote: Vote, round: Round },
    /// A better vote arrived in the finalize drain: the election goes on.
    DrainBroken { sender: ServerId, vote: Vote, round: Round, proposal: Vote, because: Better },
    /// Nothing came within the poll; the proposal is sent again, or (nothing ever left) everybody is dialled.
    PollTimedOut { waited: Micros, next: Micros, resent: bool },
    /// FOLLOWING and LEADING notes do not settle the election yet.
    JoinWaits { sender: ServerId, leader: ServerId, why: JoinObstacle },
    /// An election ended for this server.
    Elected { state: PeerState, vote: Vote, round: Round, supporters: Vec<ServerId>, how: ElectedBy },

    // The older LeaderElection (`electionAlg 0`).
    /// A round of queries begins.
    QueryRound { xid: i32, vote: Vote },
    /// An answer was counted.
    ReplyCounted { from: ServerId, leader: ServerId, zxid: Zxid },
    /// No answer within 200 ms.
    QueryTimedOut { to: ServerId },
    /// A candidate that did not answer itself is not counted.
    DeadCandidateDropped { candidate: ServerId, supporters: Vec<ServerId> },
    /// The votes of a round are counted: the best candidate and the one with the most supporters.
    VotesTallied { best: ServerId, winner: ServerId, supporters: u32, needed: u32 },

    // The election connections (`QuorumCnxManager`).
    /// A dial to a server with a larger id only asks it to dial back.
    Knocked { peer: ServerId },
    /// A server with a smaller id knocked: its connection is closed and it is dialled.
    DialsBack { peer: ServerId },
    /// The connection of the pair is up; `replaced` when it took the place of an older one.
    PeerConnected { peer: ServerId, replaced: bool },
    /// The connection of the pair is gone; only the next note to send dials again.
    PeerLost { peer: ServerId },
    /// A dial to the peer failed.
    PeerUnreachable { peer: ServerId },
    /// The peer's send queue holds one note: a newer one replaced it.
    QueuedNoteReplaced { peer: ServerId },
    /// A new connection starts by repeating the last note.
    LastNoteResent { peer: ServerId },
    /// More than 100 notes waited for the receiver: the oldest is gone.
    ReceiveQueueOverflowed { dropped_from: ServerId },
    /// An accepted connection did not say in time who it is.
    HandshakeTimedOut,

    // Discovery and synchronisation, as far as an election shows them.
    /// The leader listens for learners.
    LeadingStarted { vote: Vote },
    /// The learner starts to connect to its leader.
    FollowingStarted { leader: ServerId, role: LearnerType },
    /// A try to reach the leader failed.
    LeaderUnreachable { leader: ServerId, attempt: u32 },
    /// A quorum has told its accepted epochs: the new epoch is larger than all of them.
    EpochProposed { epoch: Epoch, quorum: Vec<ServerId> },
    /// The learner promises never to follow a leader of a smaller epoch.
    EpochAccepted { epoch: Epoch, leader: ServerId, before: Epoch },
    /// The learner had promised a larger epoch than its leader proposes.
    EpochRefused { epoch: Epoch, promised: Epoch, leader: ServerId },
    /// A learner whose history is newer than the leader's is turned away.
    NewerLearnerRefused { learner: ServerId, epoch: Epoch, zxid: Zxid, own_epoch: Epoch, own_zxid: Zxid },
    /// An epoch file is durable on this server.
    EpochWritten { file: EpochFile, epoch: Epoch },
    /// The learner adopted the leader's history and epoch.
    Synced { leader: ServerId, epoch: Epoch, zxid: Zxid, role: LearnerType },
    /// A quorum follows: the leader serves.
    Established { epoch: Epoch, quorum: Vec<ServerId> },
    /// The learner serves, under an established leader.
    Serving { leader: ServerId, epoch: Epoch, state: PeerState },
    /// A voter looks for a leader while this one still waits for its epoch quorum (ZOOKEEPER-3109).
    AbandonedBy { voter: ServerId, waited: Micros },
}

/// Which part of (epoch, zxid, id) made one vote better than another, in the order in which they are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    Epoch,
    Zxid,
    Id,
    /// Not better at all: the one it is compared with stays.
    No,
}

/// Why a note is not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IgnoreReason {
    /// Its round is over: (theirs, ours).
    OldRound { theirs: Round, ours: Round },
    /// Sender or candidate is not a voter.
    NotAVoter { leader: ServerId },
    /// One of the two databases is not trusted: zxid -1 (ZOOKEEPER-261).
    UntrustedZxid,
    /// Observers have no say.
    Observing,
}

/// Why FOLLOWING and LEADING notes do not settle an election yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JoinObstacle {
    /// Fewer than a quorum name this leader alike.
    NoQuorum { agreeing: u32 },
    /// The leader itself has not said LEADING.
    LeaderSilent,
    /// They name this very server, for another round than its own.
    OtherRound { theirs: Round, ours: Round },
}

/// How an election ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ElectedBy {
    /// A quorum of equal votes and 200 ms of silence.
    Silence,
    /// A quorum of followers and the leader's own word, in this round.
    SameRound,
    /// The same, whatever the round: the server takes over the ensemble's.
    Established,
    /// `electionAlg 0`: more than half of the voters named it.
    Tally,
    /// A known bug let it end early (ZK-975).
    Shortcut,
}

/// Why a server looks for a leader (again).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LookingReason {
    /// The learner could not reach its leader within the budget.
    LeaderUnreachable,
    /// The connection to the leader broke.
    LeaderLost,
    /// The leader was silent for the read timeout.
    LeaderSilent,
    /// The leader proposed a smaller epoch than the one promised.
    LowerEpoch,
    /// No epoch quorum, epoch acknowledgements or NEWLEADER acknowledgements in time.
    NoQuorumInTime,
    /// The leader lost its quorum of synced followers.
    QuorumLost,
    /// A voter abandoned the leader before it had an epoch (ZOOKEEPER-3109).
    Abandoned,
    /// An epoch file could not be written.
    DiskError,
}

/// The two persistent epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EpochFile {
    AcceptedEpoch,
    CurrentEpoch,
}

impl Note {
    /// The snake_case name of the kind, as in the trace.
    pub fn kind(&self) -> &'static str {
        KINDS[self.index()].0
    }

    /// Whether it tells the plot (votes, rounds, roles, epochs) rather than the mechanics (single notes, connections).
    pub fn is_headline(&self) -> bool {
        KINDS[self.index()].1
    }
}

/// Declares the table of kinds beside the match that indexes it, so that neither can miss a variant or a field.
macro_rules! kinds {
    ($($index:literal $variant:ident { $($field:ident),* } $name:literal $headline:literal,)*) => {
        /// Every kind of note: its name, whether it is a headline, and its fields.
        pub const KINDS: &[(&str, bool, &[&str])] = &[$(($name, $headline, &[$(stringify!($field)),*])),*];

        impl Note {
            fn index(&self) -> usize {
                match self { $(Note::$variant { $($field: _),* } => $index),* }
            }
        }
    };
}

kinds! {
    0 Booted { role, zxid, current_epoch, accepted_epoch } "booted" true,
    1 BootRefused { reason } "boot_refused" true,
    2 RoleOverridden { configured, listed } "role_overridden" true,
    3 WentLooking { from, why } "went_looking" true,
    4 LookingStarted { round, vote } "looking_started" true,
    5 VoteChanged { round, sender, from, to, because } "vote_changed" true,
    6 RoundRaised { from, to, sender, theirs, initial, vote, because } "round_raised" true,
    7 VoteCounted { round, sender, vote, proposal } "vote_counted" false,
    8 NoteIgnored { sender, why } "note_ignored" false,
    9 LaggardAnswered { to, their_round, round } "laggard_answered" true,
    10 LookingAnswered { to, state, vote, round } "looking_answered" false,
    11 StaleAnswer { to, state, vote } "stale_answer" true,
    12 QuorumReached { round, vote, supporters } "quorum_reached" true,
    13 DrainDiscarded { sender, state, vote, round } "drain_discarded" false,
    14 DrainBroken { sender, vote, round, proposal, because } "drain_broken" true,
    15 PollTimedOut { waited, next, resent } "poll_timed_out" false,
    16 JoinWaits { sender, leader, why } "join_waits" false,
    17 Elected { state, vote, round, supporters, how } "elected" true,
    18 QueryRound { xid, vote } "query_round" true,
    19 ReplyCounted { from, leader, zxid } "reply_counted" false,
    20 QueryTimedOut { to } "query_timed_out" false,
    21 DeadCandidateDropped { candidate, supporters } "dead_candidate_dropped" true,
    22 VotesTallied { best, winner, supporters, needed } "votes_tallied" true,
    23 Knocked { peer } "knocked" false,
    24 DialsBack { peer } "dials_back" false,
    25 PeerConnected { peer, replaced } "peer_connected" false,
    26 PeerLost { peer } "peer_lost" false,
    27 PeerUnreachable { peer } "peer_unreachable" false,
    28 QueuedNoteReplaced { peer } "queued_note_replaced" false,
    29 LastNoteResent { peer } "last_note_resent" false,
    30 ReceiveQueueOverflowed { dropped_from } "receive_queue_overflowed" true,
    31 HandshakeTimedOut {} "handshake_timed_out" false,
    32 LeadingStarted { vote } "leading_started" true,
    33 FollowingStarted { leader, role } "following_started" true,
    34 LeaderUnreachable { leader, attempt } "leader_unreachable" false,
    35 EpochProposed { epoch, quorum } "epoch_proposed" true,
    36 EpochAccepted { epoch, leader, before } "epoch_accepted" true,
    37 EpochRefused { epoch, promised, leader } "epoch_refused" true,
    38 NewerLearnerRefused { learner, epoch, zxid, own_epoch, own_zxid } "newer_learner_refused" true,
    39 EpochWritten { file, epoch } "epoch_written" false,
    40 Synced { leader, epoch, zxid, role } "synced" true,
    41 Established { epoch, quorum } "established" true,
    42 Serving { leader, epoch, state } "serving" true,
    43 AbandonedBy { voter, waited } "abandoned_by" true,
}

/// One sentence without its subject, which is the event's node: "changes its vote from s2 to s3: equal epoch 1, zxid 1:4 > 1:3".
impl fmt::Display for Note {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Note::Booted { role, zxid, current_epoch, accepted_epoch } => {
                let role = if *role == LearnerType::Observer { " as an observer" } else { "" };
                write!(out, "boots{role}: last zxid {zxid}, currentEpoch {current_epoch}, acceptedEpoch {accepted_epoch}")
            }
            Note::BootRefused { reason } => write!(out, "refuses to boot: {reason}"),
            Note::RoleOverridden { configured, listed } => {
                write!(out, "is configured as {} but listed as {}: the server list wins", role(*configured), role(*listed))
            }
            Note::WentLooking { from, why } => write!(out, "leaves {from} and looks for a leader: {why}"),
            Note::LookingStarted { round, vote } if vote.leader == ServerId::NOBODY => write!(out, "starts round {round} without a vote of its own"),
            Note::LookingStarted { round, vote } => {
                write!(out, "starts round {round} and votes for itself: zxid {}, epoch {}", vote.zxid, vote.epoch)
            }
            Note::VoteChanged { sender, from, to, because, .. } => {
                write!(out, "changes its vote from {} to {}: {} (heard from {sender})", from.leader, to.leader, Versus(*because, to, from))
            }
            Note::RoundRaised { from, to, sender, theirs, initial, vote, because } => {
                write!(
                    out,
                    "jumps from round {from} to {to}, heard from {sender}, and forgets the votes it counted; it votes for {}: ",
                    vote.leader
                )?;
                match because {
                    Better::No if theirs == initial => write!(out, "both votes are equal"),
                    Better::No => write!(out, "its initial vote is no worse than {theirs}"),
                    _ => write!(out, "{}", Versus(*because, theirs, initial)),
                }
            }
            Note::VoteCounted { sender, vote, proposal, .. } if vote == proposal => write!(out, "counts {sender} for its proposal {}", vote.leader),
            Note::VoteCounted { sender, vote, proposal, .. } => {
                write!(out, "counts {sender} for {}, keeps proposing {}", vote.leader, proposal.leader)
            }
            Note::NoteIgnored { sender, why } => write!(out, "ignores a note of {sender}: {why}"),
            Note::LaggardAnswered { to, their_round, round } => {
                write!(out, "tells {to}, which is in round {their_round}, that this is round {round}")
            }
            Note::LookingAnswered { to, state, vote, round } => write!(out, "answers {to}: {state}, leader {}, round {round}", vote.leader),
            Note::StaleAnswer { to, state, vote } => {
                write!(out, "answers {to} with its new state {state} and its old vote {}: the result is not stored yet", vote.leader)
            }
            Note::QuorumReached { vote, supporters, .. } => {
                write!(out, "has a quorum {} for {}: 200 ms without a better vote end the election", list(supporters), vote.leader)
            }
            Note::DrainDiscarded { sender, state, vote, round } => {
                write!(out, "throws away a note of {sender} ({state}, {vote}, round {round}): no better, and the drain asks no more")
            }
            Note::DrainBroken { sender, vote, proposal, because, .. } => {
                write!(out, "is not done: within the 200 ms {sender} votes for {}, {}", vote.leader, Versus(*because, vote, proposal))
            }
            Note::PollTimedOut { waited, next, resent: true } => write!(out, "heard nothing for {waited}: sends its vote again, waits {next} next"),
            Note::PollTimedOut { waited, next, resent: false } => write!(out, "heard nothing for {waited}: dials everybody, waits {next} next"),
            Note::JoinWaits { sender, leader, why } => write!(out, "hears from {sender} that {leader} leads, and waits: {why}"),
            Note::Elected { state, vote, supporters, how, .. } => {
                let verb = match state {
                    PeerState::Leading => "will lead".to_owned(),
                    PeerState::Observing => format!("will observe {}", vote.leader),
                    _ => format!("will follow {}", vote.leader),
                };
                write!(out, "{verb}: {how} {}", list(supporters))
            }
            Note::QueryRound { vote, .. } => write!(out, "asks everybody for their vote; its own is {} (zxid {})", vote.leader, vote.zxid),
            Note::ReplyCounted { from, leader, zxid } => write!(out, "hears from {from}: votes for {leader}, zxid {zxid}"),
            Note::QueryTimedOut { to } => write!(out, "hears nothing from {to}"),
            Note::DeadCandidateDropped { candidate, supporters } => {
                write!(out, "drops the votes of {} for {candidate}, which did not answer itself", list(supporters))
            }
            Note::VotesTallied { winner: ServerId::NOBODY, .. } => write!(out, "has no vote that counts: votes for itself and asks again in 1 s"),
            Note::VotesTallied { best, winner, supporters, needed } => {
                write!(out, "counts {supporters} of the {needed} votes needed for {winner}: ")?;
                if supporters >= needed { write!(out, "elected") } else { write!(out, "votes for the best candidate {best} and asks again in 1 s") }
            }
            Note::Knocked { peer } => write!(out, "knocks at {peer} and closes: the larger id dials"),
            Note::DialsBack { peer } => write!(out, "closes the connection of {peer}, which has the smaller id, and dials back"),
            Note::PeerConnected { peer, replaced: false } => write!(out, "has an election connection with {peer}"),
            Note::PeerConnected { peer, replaced: true } => write!(out, "has a new election connection with {peer}, in place of the old one"),
            Note::PeerLost { peer } => write!(out, "lost its election connection with {peer}"),
            Note::PeerUnreachable { peer } => write!(out, "cannot reach {peer}"),
            Note::QueuedNoteReplaced { peer } => write!(out, "replaces the note that waits for {peer} by a newer one"),
            Note::LastNoteResent { peer } => write!(out, "repeats its last note to {peer} on the new connection"),
            Note::ReceiveQueueOverflowed { dropped_from } => write!(out, "drops the oldest received note, of {dropped_from}: 100 are waiting"),
            Note::HandshakeTimedOut => write!(out, "closes a connection that never said who it is"),
            Note::LeadingStarted { vote } if vote.epoch < Epoch(0) => write!(out, "waits for learners: zxid {}", vote.zxid),
            Note::LeadingStarted { vote } => write!(out, "waits for learners: zxid {}, epoch {}", vote.zxid, vote.epoch),
            Note::FollowingStarted { leader, .. } => write!(out, "connects to its leader {leader}"),
            Note::LeaderUnreachable { leader, attempt } => write!(out, "did not reach {leader}, try {attempt} of 5"),
            Note::EpochProposed { epoch, quorum } => write!(out, "proposes epoch {epoch}, larger than any that {} accepted", list(quorum)),
            Note::EpochAccepted { epoch, leader, before } => write!(out, "accepts epoch {epoch} of {leader} (acceptedEpoch was {before})"),
            Note::EpochRefused { epoch, promised, leader } => write!(out, "refuses epoch {epoch} of {leader}: it promised {promised}"),
            Note::NewerLearnerRefused { learner, epoch, zxid, own_epoch, own_zxid } => {
                write!(
                    out,
                    "turns {learner} away: its history (epoch {epoch}, zxid {zxid}) is newer than the leader's (epoch {own_epoch}, zxid {own_zxid})"
                )
            }
            Note::EpochWritten { file: EpochFile::AcceptedEpoch, epoch } => write!(out, "has acceptedEpoch {epoch} on disk"),
            Note::EpochWritten { file: EpochFile::CurrentEpoch, epoch } => write!(out, "has currentEpoch {epoch} on disk"),
            Note::Synced { leader, epoch, zxid, .. } => write!(out, "adopts the history of {leader} up to {zxid} and epoch {epoch}"),
            Note::Established { epoch, quorum } => write!(out, "leads epoch {epoch} with the quorum {}", list(quorum)),
            Note::Serving { leader, epoch, state } => {
                write!(out, "serves as {} of {leader} in epoch {epoch}", if *state == PeerState::Observing { "an observer" } else { "a follower" })
            }
            Note::AbandonedBy { voter, waited } => write!(out, "hears that {voter} looks for a leader, after {waited} without an epoch quorum"),
        }
    }
}

/// The comparison that made the first vote better: `equal epoch 1, zxid 1:4 > 1:3`.
struct Versus<'a>(Better, &'a Vote, &'a Vote);

impl fmt::Display for Versus<'_> {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let Versus(because, new, old) = self;
        match because {
            Better::Epoch if old.leader == ServerId::NOBODY => write!(out, "it has no vote of its own"),
            Better::Epoch => write!(out, "epoch {} > {}", new.epoch, old.epoch),
            Better::Zxid if new.epoch == old.epoch => write!(out, "equal epoch {}, zxid {} > {}", new.epoch, new.zxid, old.zxid),
            Better::Zxid => write!(out, "zxid {} > {}, epochs {} and {} not compared", new.zxid, old.zxid, new.epoch, old.epoch),
            Better::Id if new.epoch == old.epoch => {
                write!(out, "equal epoch {} and zxid {}, id {} > {}", new.epoch, new.zxid, new.leader, old.leader)
            }
            Better::Id => {
                write!(out, "equal zxid {}, id {} > {}, epochs {} and {} not compared", new.zxid, new.leader, old.leader, new.epoch, old.epoch)
            }
            Better::No => write!(out, "{new} is no better than {old}"),
        }
    }
}

impl fmt::Display for IgnoreReason {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            IgnoreReason::OldRound { theirs, ours } => write!(out, "it is of round {theirs}, this is round {ours}"),
            IgnoreReason::NotAVoter { leader } => write!(out, "sender and candidate {leader} must both be voters"),
            IgnoreReason::UntrustedZxid => write!(out, "zxid -1, a database that is not trusted"),
            IgnoreReason::Observing => write!(out, "observers have no say"),
        }
    }
}

impl fmt::Display for JoinObstacle {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            JoinObstacle::NoQuorum { agreeing } => write!(out, "{agreeing} so far, not yet a quorum"),
            JoinObstacle::LeaderSilent => write!(out, "the leader itself has not said so"),
            JoinObstacle::OtherRound { theirs, ours } => write!(out, "that was round {theirs}, this is round {ours}"),
        }
    }
}

impl fmt::Display for ElectedBy {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str(match self {
            ElectedBy::Silence => "no better vote came in 200 ms, voted for by",
            ElectedBy::SameRound => "already settled in this round, as reported by",
            ElectedBy::Established => "an ensemble stands, as reported by",
            ElectedBy::Tally => "more than half of the voters,",
            ElectedBy::Shortcut => "without asking for a quorum, on the word of",
        })
    }
}

impl fmt::Display for LookingReason {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str(match self {
            LookingReason::LeaderUnreachable => "its leader cannot be reached",
            LookingReason::LeaderLost => "the connection to its leader broke",
            LookingReason::LeaderSilent => "its leader was silent for too long",
            LookingReason::LowerEpoch => "its leader has a smaller epoch than it promised",
            LookingReason::NoQuorumInTime => "no quorum of learners came in time",
            LookingReason::QuorumLost => "no quorum of synced followers is left",
            LookingReason::Abandoned => "a voter gave it up before it had an epoch",
            LookingReason::DiskError => "its disk failed",
        })
    }
}

fn role(role: LearnerType) -> &'static str {
    match role {
        LearnerType::Participant => "participant",
        LearnerType::Observer => "observer",
    }
}

/// `s1, s2 and s3`, or `nobody`.
fn list(ids: &[ServerId]) -> String {
    match ids {
        [] => "nobody".into(),
        [only] => only.to_string(),
        [first @ .., last] => format!("{} and {last}", first.iter().map(ServerId::to_string).collect::<Vec<_>>().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_story_names_the_rule_and_the_values() {
        let vote = |leader, counter| Vote { leader: ServerId(leader), zxid: Zxid::new(1, counter), epoch: Epoch(1) };
        let note = Note::VoteChanged { round: Round(2), sender: ServerId(1), from: vote(2, 3), to: vote(3, 4), because: Better::Zxid };
        assert_eq!(note.to_string(), "changes its vote from s2 to s3: equal epoch 1, zxid 1:4 > 1:3 (heard from s1)");
    }

    #[test]
    fn kinds_are_the_serialized_names() {
        let note = Note::PeerLost { peer: ServerId(2) };
        let json = serde_json::to_value(&note).expect("notes serialize");
        assert_eq!(json["kind"], note.kind());
        assert_eq!(json["fields"]["peer"], "s2");
        for (index, (kind, ..)) in KINDS.iter().enumerate() {
            assert!(!KINDS[..index].iter().any(|(earlier, ..)| earlier == kind), "{kind} twice");
        }
    }
}
