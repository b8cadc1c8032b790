//! Everything that travels between nodes, and the ports it travels to.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use super::{Epoch, Notification, ServerId, Zxid};

/// A listening port of a server. Source: `server.N=host:quorumPort:electionPort` and `clientPort`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Port {
    /// Election connections (3888). Its datagram twin carries nothing today.
    Election = 0,
    /// Learners connect here to their leader (2888); with `electionAlg 0` the responder's datagrams use the same number.
    Quorum = 1,
    /// Sessions (2181).
    Client = 2,
}

impl Port {
    pub const ALL: [Port; 3] = [Port::Election, Port::Quorum, Port::Client];
}

impl fmt::Display for Port {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.pad(match self {
            Port::Election => "election",
            Port::Quorum => "quorum",
            Port::Client => "client",
        })
    }
}

/// Type of a packet on a quorum connection, with its wire number. Source: constants of `Leader`; zab reference §1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum QuorumKind {
    Request = 1,
    Proposal = 2,
    Ack = 3,
    Commit = 4,
    Ping = 5,
    NewLeader = 10,
    FollowerInfo = 11,
    UpToDate = 12,
    Diff = 13,
    ObserverInfo = 16,
    LeaderInfo = 17,
    AckEpoch = 18,
}

impl QuorumKind {
    /// ZooKeeper's own name.
    pub const fn name(self) -> &'static str {
        match self {
            QuorumKind::Request => "REQUEST",
            QuorumKind::Proposal => "PROPOSAL",
            QuorumKind::Ack => "ACK",
            QuorumKind::Commit => "COMMIT",
            QuorumKind::Ping => "PING",
            QuorumKind::NewLeader => "NEWLEADER",
            QuorumKind::FollowerInfo => "FOLLOWERINFO",
            QuorumKind::UpToDate => "UPTODATE",
            QuorumKind::Diff => "DIFF",
            QuorumKind::ObserverInfo => "OBSERVERINFO",
            QuorumKind::LeaderInfo => "LEADERINFO",
            QuorumKind::AckEpoch => "ACKEPOCH",
        }
    }
}

/// Reply of the alg-0 responder: who answers, for whom it votes, with what zxid. Source: `QuorumPeer.ResponderThread`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElectionReply {
    /// The xid of the request this answers; the asker drops any other.
    pub xid: i32,
    pub from: ServerId,
    pub leader: ServerId,
    pub zxid: Zxid,
}

/// The data part of a quorum packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum QuorumData {
    Empty,
    /// FOLLOWERINFO and OBSERVERINFO: who is speaking. Source: `LearnerInfo`.
    LearnerInfo(ServerId),
    /// ACKEPOCH: the learner's currentEpoch, or `None` (-1) when it had promised this epoch before and must not be counted again.
    CurrentEpoch(Option<Epoch>),
}

/// One unit of traffic. Small, so that it moves by value; bulk is behind an `Arc`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet {
    /// First message on an election connection: who dialled. Source: `QuorumCnxManager.InitialMessage`.
    Initial {
        sid: ServerId,
    },
    Notification(Arc<Notification>),
    /// A packet between a learner and its leader.
    Quorum {
        kind: QuorumKind,
        zxid: Zxid,
        data: QuorumData,
    },
    /// Datagrams of `electionAlg 0`.
    ElectionRequest {
        xid: i32,
    },
    ElectionReply(Arc<ElectionReply>),
}

/// Names that `hold` and the trace filters know, one for each kind of packet.
pub const PACKET_KINDS: [&str; 16] = [
    "INITIAL",
    "NOTIFICATION",
    "ELECTION_REQUEST",
    "ELECTION_REPLY",
    "REQUEST",
    "PROPOSAL",
    "ACK",
    "COMMIT",
    "PING",
    "NEWLEADER",
    "FOLLOWERINFO",
    "UPTODATE",
    "DIFF",
    "OBSERVERINFO",
    "LEADERINFO",
    "ACKEPOCH",
];

impl Packet {
    /// A quorum packet that carries a zxid and nothing else.
    pub const fn quorum(kind: QuorumKind, zxid: Zxid) -> Packet {
        Packet::Quorum { kind, zxid, data: QuorumData::Empty }
    }

    /// Its name, one of [`PACKET_KINDS`].
    pub fn kind(&self) -> &'static str {
        match self {
            Packet::Initial { .. } => "INITIAL",
            Packet::Notification(_) => "NOTIFICATION",
            Packet::Quorum { kind, .. } => kind.name(),
            Packet::ElectionRequest { .. } => "ELECTION_REQUEST",
            Packet::ElectionReply(_) => "ELECTION_REPLY",
        }
    }

    /// Bytes it takes in a send window, framing included.
    pub fn size(&self) -> u32 {
        match self {
            Packet::Initial { .. } => 36,
            Packet::Notification(note) => 4 + note.size() as u32,
            Packet::Quorum { data, .. } => {
                24 + match data {
                    QuorumData::Empty => 0,
                    QuorumData::LearnerInfo(_) => 20,
                    QuorumData::CurrentEpoch(_) => 4,
                }
            }
            Packet::ElectionRequest { .. } => 4,
            Packet::ElectionReply(_) => 28,
        }
    }

    /// The first two of its words for the digest: what it is, and its foremost value.
    #[inline]
    pub fn head_words(&self) -> [u64; 2] {
        match self {
            Packet::Quorum { kind, zxid, data } => {
                let tag = match data {
                    QuorumData::Empty => 0,
                    QuorumData::LearnerInfo(_) => 1,
                    QuorumData::CurrentEpoch(_) => 2,
                };
                [3 | (*kind as u64) << 8 | tag << 16, zxid.0 as u64]
            }
            Packet::Initial { sid } => [1, sid.0 as u64],
            Packet::Notification(note) => [2 | (note.state as u64) << 8, note.vote.leader.0 as u64],
            Packet::ElectionRequest { xid } => [4, u64::from(*xid as u32)],
            Packet::ElectionReply(reply) => [5 | u64::from(reply.xid as u32) << 32, reply.from.0 as u64],
        }
    }

    /// Feeds the words after [`Packet::head_words`] to `word`, in a fixed order: with those, every field is told.
    #[inline]
    pub fn tail_words(&self, mut word: impl FnMut(u64)) {
        match self {
            Packet::Quorum { data: QuorumData::Empty, .. } | Packet::Initial { .. } | Packet::ElectionRequest { .. } => {}
            Packet::Quorum { data: QuorumData::LearnerInfo(sid), .. } => word(sid.0 as u64),
            Packet::Quorum { data: QuorumData::CurrentEpoch(epoch), .. } => word(epoch.map_or(-1, |epoch| epoch.0) as u64),
            Packet::Notification(note) => {
                for value in [note.vote.zxid.0, note.vote.epoch.0, note.round.0, note.config_version] {
                    word(value as u64);
                }
            }
            Packet::ElectionReply(reply) => {
                word(reply.leader.0 as u64);
                word(reply.zxid.0 as u64);
            }
        }
    }
}

/// One line: the kind and the values that matter, `NOTIFICATION LOOKING s3 (zxid 4:10, epoch 4) round 4`.
impl fmt::Display for Packet {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str(self.kind())?;
        match self {
            Packet::Initial { sid } => write!(out, " from {sid}"),
            Packet::Notification(note) => write!(out, " {} {} round {}", note.state, note.vote, note.round),
            Packet::Quorum { zxid, data, .. } => {
                write!(out, " {zxid}")?;
                match data {
                    QuorumData::Empty => Ok(()),
                    QuorumData::LearnerInfo(sid) => write!(out, " from {sid}"),
                    QuorumData::CurrentEpoch(None) => write!(out, " already promised"),
                    QuorumData::CurrentEpoch(Some(epoch)) => write!(out, " currentEpoch {epoch}"),
                }
            }
            Packet::ElectionRequest { xid } => write!(out, " xid {xid}"),
            Packet::ElectionReply(reply) => write!(out, " {} votes {} zxid {} xid {}", reply.from, reply.leader, reply.zxid, reply.xid),
        }
    }
}

/// A packet in a trace: its kind, to filter by, and its text.
impl Serialize for Packet {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}
