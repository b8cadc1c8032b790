//! What a server proposes in an election, and the message that carries it.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Epoch, Round, ServerId, Zxid};

/// State of a server in its outer loop. The discriminant is the wire value. Source: `QuorumPeer.ServerState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum PeerState {
    Looking = 0,
    Following = 1,
    Leading = 2,
    Observing = 3,
}

impl fmt::Display for PeerState {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.pad(match self {
            PeerState::Looking => "LOOKING",
            PeerState::Following => "FOLLOWING",
            PeerState::Leading => "LEADING",
            PeerState::Observing => "OBSERVING",
        })
    }
}

/// What the server list calls a member (`server.N=…:participant`): only participants vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LearnerType {
    Participant,
    Observer,
}

/// A candidate with the history that speaks for it: (leader, zxid, peerEpoch), as in the election reference §6.
///
/// The order of votes is `election::vote_order`; `derive(PartialEq)` compares all three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Vote {
    pub leader: ServerId,
    /// The candidate's last processed zxid.
    pub zxid: Zxid,
    /// The candidate's `currentEpoch` (peerEpoch), not the election round.
    pub epoch: Epoch,
}

/// `s3 (zxid 4:10, epoch 4)`.
impl fmt::Display for Vote {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "{} (zxid {}, epoch {})", self.leader, self.zxid, self.epoch)
    }
}

/// One message of FastLeaderElection. Source: `FastLeaderElection.Notification`, `buildMsg`; election reference §2.2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// The sender's state when it sent this.
    pub state: PeerState,
    pub vote: Vote,
    /// The sender's logical clock, or the round of the election that it already finished (electionEpoch).
    pub round: Round,
    /// Version of the sender's last committed configuration; its text rides along as `config`.
    pub config_version: i64,
    /// The sender's membership as configuration text; shared, since every note carries it.
    pub config: Arc<str>,
}

impl Notification {
    /// Bytes on the wire without the frame's own length: 44 and the configuration text.
    pub fn size(&self) -> usize {
        44 + self.config.len()
    }
}
