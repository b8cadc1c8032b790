//! How notes read: the sentence of each, as the story tells it.

use std::fmt;

use super::note::{ApplyHow, Better, EpochFile, Note, SnapshotSource, SyncHow};
use crate::proto::{Epoch, EventType, LearnerType, PeerState, ServerId, Vote};

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
            Note::RoleAssigned { state, leader } => write!(out, "goes on {state} under {leader}, as the configuration says"),
            Note::ConfigurationLoaded { current, next: None } => write!(out, "has configuration {current}"),
            Note::ConfigurationLoaded { current, next: Some(next) } => write!(out, "has configuration {current}, and saw {next} proposed"),
            Note::NotListed { config } => write!(out, "does not start: it is not in its configuration, {config}"),
            Note::ConfigurationSeen { config } => write!(out, "remembers that configuration {config} is proposed"),
            Note::ConfigurationActivated { config } => write!(out, "has configuration {config} in force"),
            Note::RoleOver { from, why } => write!(out, "is done with {from}: {why}; what its log was given is written first"),
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
            Note::VoteCounted { sender, vote, proposal, .. } if *vote == **proposal => {
                write!(out, "counts {sender} for its proposal {}", vote.leader)
            }
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
            Note::SnapshotLoaded { zxid, from: SnapshotSource::Disk, nodes, .. } => write!(out, "loads the snapshot of {zxid}: {nodes} nodes"),
            Note::SnapshotLoaded { zxid, from: SnapshotSource::Leader, nodes, .. } => {
                write!(out, "takes over the leader's tree as of {zxid}: {nodes} nodes")
            }
            Note::SnapshotSkipped { zxid, why } => write!(out, "cannot use the snapshot of {zxid}: {why}"),
            Note::TailIgnored { file, at, why } => write!(out, "ignores the end of {file} from byte {at} on: {why}"),
            Note::Applied { txn, how: ApplyHow::Commit, .. } => write!(out, "applies {}", txn.zxid),
            Note::Applied { txn, how: ApplyHow::Sync, .. } => write!(out, "applies {} while it is synchronised", txn.zxid),
            Note::Applied { txn, how: ApplyHow::Replay, .. } => write!(out, "replays {} from its log", txn.zxid),
            Note::Appended { txn, file } => write!(out, "appends {} to {file}", txn.zxid),
            Note::LogSynced { last, txns } => write!(out, "has {txns} more transactions on disk, up to {last}"),
            Note::SnapshotStarted { zxid } => write!(out, "starts a snapshot of {zxid}"),
            Note::SnapshotTaken { zxid, synced: true } => write!(out, "has the snapshot of {zxid} on disk"),
            Note::SnapshotTaken { zxid, synced: false } => write!(out, "has written the snapshot of {zxid}"),
            Note::FollowerTruncates { to, last } => write!(out, "cuts its log, which ends at {last}, back to {to}"),
            Note::LogTruncated { to } => write!(out, "has a log that ends at {to}"),
            Note::Purged { oldest, files } => write!(out, "deletes {} old files; its oldest snapshot is now {oldest}", files.len()),
            Note::PurgeFailed { why } => write!(out, "cannot purge old files: {why}"),
            Note::StorageFailed { what, error } => write!(out, "fails at {what}: {error}"),
            Note::FastForwarded { from, to } => write!(out, "catches up with its own log, from {from} to {to}"),
            Note::MemoryCleared { why } => write!(out, "drops its database and will read it from disk again: {why}"),
            Note::DiskProbed { why, refused: Some(refused), .. } => write!(out, "could not start from its disk {why}: {refused}"),
            Note::DiskProbed { why, zxid, digest, .. } => write!(out, "would start at {zxid} from its disk {why}, with digest {digest:016x}"),
            Note::MemoryProbed { rule: Some(_), why, .. } => write!(out, "has this in memory: {why}"),
            Note::MemoryProbed { zxid, digest, .. } => write!(out, "has the database of {zxid} in memory, with digest {digest:016x}"),
            Note::SyncChosen { learner, how: SyncHow::Diff, peer, zxid, .. } if peer == zxid => {
                write!(out, "finds {learner} level at {peer}: an empty DIFF")
            }
            Note::SyncChosen { learner, how: SyncHow::Diff, peer, zxid, .. } => write!(out, "sends {learner} what follows {peer}: DIFF up to {zxid}"),
            Note::SyncChosen { learner, how: SyncHow::Trunc, peer, zxid, .. } => {
                write!(out, "tells {learner}, which is at {peer}, to cut its log back: TRUNC to {zxid}")
            }
            Note::SyncChosen { learner, how: SyncHow::Snap, peer, zxid, .. } => {
                write!(out, "sends {learner}, which is at {peer}, the whole tree: SNAP {zxid}")
            }
            Note::SyncStarted { leader, how, zxid } => write!(out, "is synchronised by {leader}: {how} {zxid}"),
            Note::SyncAborted { why } => write!(out, "breaks off its synchronisation: {why}"),
            Note::Proposed { what, .. } => write!(out, "proposes {what}"),
            Note::Committed { txn, quorum } => write!(out, "commits {}, logged by {}", txn.zxid, list(quorum)),
            Note::SlowLearnerDropped { learner, zxid, age } => write!(out, "drops {learner}, which has not acknowledged {zxid} for {age}"),
            Note::ZxidRolledOver { zxid } => write!(out, "steps down: after {zxid} its epoch has no zxid left"),
            Note::Unexpected { what, zxid, expected } => write!(out, "is told {what} {zxid} where only {expected} fits"),
            Note::SessionAttached { session, timeout, renewed: false } => write!(out, "opens session {session}, timeout {timeout} ms"),
            Note::SessionAttached { session, timeout, renewed: true } => write!(out, "takes over session {session}, timeout {timeout} ms"),
            Note::ClientAhead { seen, applied } => write!(out, "sends a client away that has seen {seen}: it has applied {applied}"),
            Note::SessionExpiring { session } => write!(out, "has not heard of session {session} for too long and closes it"),
            Note::SessionMoved { session } => write!(out, "refuses a request of session {session}, which moved to another server"),
            Note::SessionUpgraded { session } => write!(out, "makes session {session} known to everybody"),
            Note::ServingReadOnly { zxid } => write!(out, "finds no leader, and lets clients read what it has, up to {zxid}"),
            Note::WriteRefused { session } => write!(out, "refuses what session {session} asks for: it can only be read"),
            Note::WatchSet { session, path, mode } => write!(out, "watches {mode} {path} for session {session}"),
            Note::WatchFired { session, event, path, hidden: false, .. } => write!(out, "tells session {session}: {event} {path}"),
            Note::WatchFired { session, event, path, hidden: true, .. } => {
                write!(out, "does not tell session {session}, which may not read it: {event} {path}")
            }
            Note::Connecting { server } => write!(out, "tries {server}"),
            Note::Connected { server, session, timeout, renewed: false } => write!(out, "has session {session} on {server}, timeout {timeout} ms"),
            Note::Connected { server, session, renewed: true, .. } => write!(out, "is back in session {session} on {server}"),
            Note::ConnectedReadOnly { server, session, .. } => {
                write!(out, "can only read: it has session {session} on {server}, which has no leader")
            }
            Note::ReadWriteFound { server } => write!(out, "hears that {server} has a leader, and goes there"),
            Note::Disconnected { server, why } => write!(out, "lost its connection with {server}: {why}"),
            Note::SessionExpired { session } => write!(out, "loses session {session}: it has expired"),
            Note::ClientClosed { session } => write!(out, "has closed session {session}"),
            Note::Called { op, .. } => write!(out, "asks: {op}"),
            Note::Returned { result, zxid: Some(zxid), .. } => write!(out, "is answered: {result} (zxid {zxid})"),
            Note::Returned { result, zxid: None, .. } => write!(out, "is answered: {result}"),
            Note::WorkloadDone { workload, acked, failed, unknown } => {
                write!(out, "ends its workload {workload}: {acked} acknowledged, {failed} failed, {unknown} unknown")
            }
            Note::RoundDone { workload, end } => write!(out, "is done with a round of {workload}: {end}"),
            Note::WatchesRenewed { count, seen } => write!(out, "sets {count} watches again: it has seen everything up to {seen}"),
            Note::EventDelivered { event: EventType::None, state, .. } => write!(out, "is told: {state}"),
            Note::EventDelivered { event, path, .. } => write!(out, "is told: {event} {path}"),
            Note::RecipeCalled { what, .. } => write!(out, "begins: {what}"),
            Note::RecipeReturned { result, .. } => write!(out, "has come to its end: {result}"),
            Note::Waits { recipe, path, ahead, .. } => write!(out, "waits for the {recipe} {path}: {ahead} is before it"),
            Note::Granted { recipe, path, token, .. } => write!(out, "holds the {recipe} {path} from now on, with the token {token}"),
            Note::Counted { path, before, after } => write!(out, "has counted {path} from {before} to {after}"),
            Note::Numbered { path, id, .. } => write!(out, "is given the number {id} of {path}"),
            Note::Learned { path, zxid, value } => write!(out, "learns that {path} is {value} (zxid {zxid})"),
            Note::Joined { path, node, .. } => write!(out, "is one of {path}, with {node}"),
            Note::LetGo { recipe, path, why, .. } => write!(out, "does not hold the {recipe} {path} any more: {why}"),
            Note::Picks { node, seen, .. } => write!(out, "goes for {node}, the next one as of {seen}"),
            Note::Passes { recipe, path, seen, .. } => write!(out, "passes the {recipe} {path}, as of {seen}"),
            Note::Leaves { recipe, path, seen, .. } => write!(out, "leaves the {recipe} {path}, as of {seen}"),
            Note::Decided { path, outcome } => write!(out, "takes {path} for decided: {outcome}"),
            Note::Taken { node, .. } => write!(out, "has taken {node}"),
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
    use crate::proto::{Round, Zxid};

    #[test]
    fn the_story_names_the_rule_and_the_values() {
        let vote = |leader, counter| Vote { leader: ServerId(leader), zxid: Zxid::new(1, counter), epoch: Epoch(1) };
        let note = Note::VoteChanged { round: Round(2), sender: ServerId(1), from: vote(2, 3).into(), to: vote(3, 4).into(), because: Better::Zxid };
        assert_eq!(note.to_string(), "changes its vote from s2 to s3: equal epoch 1, zxid 1:4 > 1:3 (heard from s1)");
    }
}
