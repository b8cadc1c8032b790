//! How the values of notes read in the story.

use std::fmt;

use super::note::{ElectedBy, IgnoreReason, JoinObstacle, LookingReason, Probing, Surprise, SyncHow};

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
            LookingReason::SyncAborted => "its synchronisation cannot go on",
            LookingReason::ZxidRolledOver => "its epoch has no zxid left",
            LookingReason::Reconfigured => "the new configuration gives it another part",
        })
    }
}

impl fmt::Display for Probing {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.pad(match self {
            Probing::Crash => "as it is now",
            Probing::PowerLoss => "as a power loss might leave it",
            Probing::Snapshot => "as it is after a snapshot",
            Probing::Purge => "as it is after purging",
        })
    }
}

impl fmt::Display for SyncHow {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.pad(match self {
            SyncHow::Diff => "DIFF",
            SyncHow::Trunc => "TRUNC",
            SyncHow::Snap => "SNAP",
        })
    }
}

impl fmt::Display for Surprise {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.pad(match self {
            Surprise::State => "a packet of another phase,",
            Surprise::Ack => "ACK",
            Surprise::Proposal => "PROPOSAL",
            Surprise::Commit => "COMMIT",
            Surprise::Message => "a packet of another role,",
        })
    }
}
