//! Everything that travels between nodes, and the ports it travels to.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use super::acl::id_size;
use super::{
    Answer, AuthIds, Bytes, ClientReply, ClientRequest, ConnectRequest, ConnectResponse, Epoch, Membership, Notification, Op, Proposal, ServerId,
    SessionId, WatcherEvent, Zxid, bytes_as_words,
};

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
    Revalidate = 6,
    Sync = 7,
    Inform = 8,
    CommitAndActivate = 9,
    NewLeader = 10,
    FollowerInfo = 11,
    UpToDate = 12,
    Diff = 13,
    Trunc = 14,
    Snap = 15,
    ObserverInfo = 16,
    LeaderInfo = 17,
    AckEpoch = 18,
    InformAndActivate = 19,
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
            QuorumKind::Revalidate => "REVALIDATE",
            QuorumKind::Sync => "SYNC",
            QuorumKind::Inform => "INFORM",
            QuorumKind::CommitAndActivate => "COMMITANDACTIVATE",
            QuorumKind::InformAndActivate => "INFORMANDACTIVATE",
            QuorumKind::NewLeader => "NEWLEADER",
            QuorumKind::FollowerInfo => "FOLLOWERINFO",
            QuorumKind::UpToDate => "UPTODATE",
            QuorumKind::Diff => "DIFF",
            QuorumKind::Trunc => "TRUNC",
            QuorumKind::Snap => "SNAP",
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

/// A client's request on its way from a learner to the leader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuorumRequest {
    pub session: SessionId,
    /// The xid of the client's request.
    pub cxid: i32,
    pub op: Op,
    /// Who the client is, as its server knows. Source: `Request.authInfo`.
    pub auth: AuthIds,
}

/// The data part of a quorum packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuorumData {
    Empty,
    /// FOLLOWERINFO and OBSERVERINFO: who is speaking, and the version of the configuration it has. Source: `LearnerInfo`.
    LearnerInfo {
        sid: ServerId,
        config: i64,
    },
    /// ACKEPOCH: the learner's currentEpoch, or `None` (-1) when it had promised this epoch before and must not be counted again.
    CurrentEpoch(Option<Epoch>),
    /// PROPOSAL and INFORM.
    Txn(Arc<Proposal>),
    /// NEWLEADER, where the membership may change: the configuration that comes into force with the leader.
    Config(Arc<Membership>),
    /// COMMITANDACTIVATE: the configuration that was proposed is in force, and this server leads from now on.
    Activate(ServerId),
    /// INFORMANDACTIVATE: the same, with what an observer has not seen.
    ActivateTxn(Arc<(ServerId, Arc<Proposal>)>),
    /// REQUEST.
    Request(Arc<QuorumRequest>),
    /// PING from a learner: the sessions it heard from since the last one, with their timeouts in milliseconds.
    Touched(Arc<[(SessionId, i32)]>),
    /// REVALIDATE from a learner.
    Revalidate {
        session: SessionId,
        timeout: i32,
    },
    /// REVALIDATE, answered.
    Revalidated {
        session: SessionId,
        valid: bool,
    },
    /// SNAP: the next bytes of the snapshot stream; the last part ends with its signature.
    Snapshot {
        bytes: Bytes,
        last: bool,
    },
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
    /// Packets of a session's connection.
    ConnectRequest(Arc<ConnectRequest>),
    ConnectResponse(Arc<ConnectResponse>),
    ClientRequest(Arc<ClientRequest>),
    ClientReply(Arc<ClientReply>),
    /// The four-letter word `isro`, in place of a ConnectRequest.
    IsReadOnly,
    /// The answer to it: `ro` or `rw`.
    IsReadOnlyAnswer(bool),
    /// A watch fired.
    WatcherEvent(Arc<WatcherEvent>),
}

/// Names that `hold` and the trace filters know, one for each kind of packet.
pub const PACKET_KINDS: [&str; 30] = [
    "INITIAL",
    "NOTIFICATION",
    "ELECTION_REQUEST",
    "ELECTION_REPLY",
    "REQUEST",
    "PROPOSAL",
    "ACK",
    "COMMIT",
    "PING",
    "REVALIDATE",
    "SYNC",
    "INFORM",
    "COMMITANDACTIVATE",
    "NEWLEADER",
    "FOLLOWERINFO",
    "UPTODATE",
    "DIFF",
    "TRUNC",
    "SNAP",
    "OBSERVERINFO",
    "LEADERINFO",
    "ACKEPOCH",
    "INFORMANDACTIVATE",
    "CONNECT",
    "CONNECTED",
    "CLIENT_REQUEST",
    "CLIENT_REPLY",
    "ISRO",
    "ISRO_ANSWER",
    "WATCHER_EVENT",
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
            Packet::ConnectRequest(_) => "CONNECT",
            Packet::ConnectResponse(_) => "CONNECTED",
            Packet::ClientRequest(_) => "CLIENT_REQUEST",
            Packet::ClientReply(_) => "CLIENT_REPLY",
            Packet::IsReadOnly => "ISRO",
            Packet::IsReadOnlyAnswer(_) => "ISRO_ANSWER",
            Packet::WatcherEvent(_) => "WATCHER_EVENT",
        }
    }

    /// Whether those who watch a run look at it when it is sent, or delivered: votes, promises, what is acknowledged and answered.
    #[inline]
    pub fn is_evidence(&self, sent: bool) -> bool {
        use QuorumKind as K;
        match self {
            Packet::Quorum { kind: K::Snap, data: QuorumData::Snapshot { last, .. }, .. } => sent && *last,
            Packet::Quorum { kind, .. } if sent => matches!(kind, K::LeaderInfo | K::AckEpoch | K::NewLeader | K::Ack),
            Packet::Quorum { kind, .. } => matches!(kind, K::LeaderInfo | K::Ping),
            Packet::ClientRequest(request) => sent && request.is_in_turn(),
            Packet::ClientReply(_) | Packet::WatcherEvent(_) => sent,
            _ => true,
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
                    QuorumData::LearnerInfo { .. } => 20,
                    QuorumData::CurrentEpoch(_) => 4,
                    QuorumData::Txn(proposal) => proposal.record.len() as u32,
                    QuorumData::Config(membership) => membership.text().len() as u32,
                    QuorumData::Activate(_) => 8,
                    QuorumData::ActivateTxn(inform) => 8 + inform.1.record.len() as u32,
                    QuorumData::Request(request) => 20 + request.auth.iter().map(id_size).sum::<u32>() + request.op.size(),
                    QuorumData::Touched(sessions) => 12 * sessions.len() as u32,
                    QuorumData::Revalidate { .. } | QuorumData::Revalidated { .. } => 12,
                    QuorumData::Snapshot { bytes, .. } => bytes.len() as u32,
                }
            }
            Packet::ConnectRequest(_) => 45,
            Packet::ConnectResponse(_) => 41,
            Packet::ClientRequest(request) => 12 + request.op.size(),
            Packet::WatcherEvent(event) => 32 + event.path.len() as u32,
            Packet::ClientReply(reply) => 20 + reply.result.as_ref().map_or(0, Answer::size),
            Packet::ElectionRequest { .. } => 4,
            Packet::ElectionReply(_) => 28,
            Packet::IsReadOnly => 4,
            Packet::IsReadOnlyAnswer(_) => 2,
        }
    }

    /// The first two of its words for the digest: what it is, and its foremost value.
    #[inline]
    pub fn head_words(&self) -> [u64; 2] {
        match self {
            Packet::Quorum { kind, zxid, data } => {
                let tag = match data {
                    QuorumData::Empty => 0,
                    QuorumData::LearnerInfo { .. } => 1,
                    QuorumData::CurrentEpoch(_) => 2,
                    QuorumData::Txn(_) => 3,
                    QuorumData::Request(_) => 4,
                    QuorumData::Touched(_) => 5,
                    QuorumData::Revalidate { .. } => 6,
                    QuorumData::Revalidated { .. } => 7,
                    QuorumData::Snapshot { .. } => 8,
                    QuorumData::Config(_) => 9,
                    QuorumData::Activate(_) => 10,
                    QuorumData::ActivateTxn(_) => 11,
                };
                [3 | (*kind as u64) << 8 | tag << 16, zxid.0 as u64]
            }
            Packet::Initial { sid } => [1, sid.0 as u64],
            Packet::Notification(note) => [2 | (note.state as u64) << 8, note.vote.leader.0 as u64],
            Packet::ElectionRequest { xid } => [4, u64::from(*xid as u32)],
            Packet::ElectionReply(reply) => [5 | u64::from(reply.xid as u32) << 32, reply.from.0 as u64],
            Packet::ConnectRequest(request) => [6 | u64::from(request.read_only) << 8 | (request.timeout as u64) << 32, request.session.0 as u64],
            Packet::ConnectResponse(response) => {
                [7 | u64::from(response.read_only) << 8 | (response.timeout as u64) << 32, response.session.0 as u64]
            }
            Packet::ClientRequest(request) => [8 | (request.xid as u64) << 32, request.op.number() as u64],
            Packet::ClientReply(reply) => [9 | (reply.xid as u64) << 32, reply.zxid.0 as u64],
            Packet::IsReadOnly => [11, 0],
            Packet::IsReadOnlyAnswer(read_only) => [12, u64::from(*read_only)],
            Packet::WatcherEvent(event) => [10 | (event.kind as u64) << 32, event.zxid.0 as u64],
        }
    }

    /// Feeds the words after [`Packet::head_words`] to `word`, in a fixed order: with those, every field is told.
    #[inline]
    pub fn tail_words(&self, mut word: impl FnMut(u64)) {
        match self {
            Packet::Quorum { data: QuorumData::Empty, .. } | Packet::Initial { .. } | Packet::ElectionRequest { .. } => {}
            Packet::IsReadOnly | Packet::IsReadOnlyAnswer(_) => {}
            Packet::Quorum { data: QuorumData::LearnerInfo { sid, config }, .. } => {
                word(sid.0 as u64);
                // Of a list that nobody has confirmed there is nothing to say.
                if *config != 0 {
                    word(*config as u64);
                }
            }
            Packet::Quorum { data: QuorumData::Config(membership), .. } => bytes_as_words(membership.text().as_bytes(), word),
            Packet::Quorum { data: QuorumData::Activate(leader), .. } => word(leader.0 as u64),
            Packet::Quorum { data: QuorumData::ActivateTxn(inform), .. } => {
                word(inform.0.0 as u64);
                word(inform.1.hash);
            }
            Packet::Quorum { data: QuorumData::CurrentEpoch(epoch), .. } => word(epoch.map_or(-1, |epoch| epoch.0) as u64),
            Packet::Quorum { data: QuorumData::Txn(proposal), .. } => word(proposal.hash),
            Packet::Quorum { data: QuorumData::Request(request), .. } => {
                word(request.session.0 as u64);
                word(request.cxid as u64);
                request.op.words(&mut word);
                request.auth.iter().for_each(|id| id.words(&mut word));
            }
            Packet::Quorum { data: QuorumData::Touched(sessions), .. } => {
                word(sessions.len() as u64);
                for (session, timeout) in sessions.iter() {
                    word(session.0 as u64);
                    word(*timeout as u64);
                }
            }
            Packet::Quorum { data: QuorumData::Revalidate { session, timeout }, .. } => {
                word(session.0 as u64);
                word(*timeout as u64);
            }
            Packet::Quorum { data: QuorumData::Revalidated { session, valid }, .. } => {
                word(session.0 as u64);
                word(u64::from(*valid));
            }
            Packet::Quorum { data: QuorumData::Snapshot { bytes, last }, .. } => {
                word(u64::from(*last));
                bytes_as_words(bytes, word);
            }
            Packet::ConnectRequest(request) => {
                word(request.last_zxid_seen.0 as u64);
                bytes_as_words(&request.password, word);
            }
            Packet::ConnectResponse(response) => bytes_as_words(&response.password, word),
            Packet::ClientRequest(request) => request.op.words(&mut word),
            Packet::ClientReply(reply) => match &reply.result {
                Ok(answer) => answer.words(&mut word),
                Err(code) => word(code.number() as u64),
            },
            Packet::WatcherEvent(event) => {
                word(event.state as u64);
                bytes_as_words(event.path.as_bytes(), word);
            }
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
                    QuorumData::LearnerInfo { sid, .. } => write!(out, " from {sid}"),
                    QuorumData::Config(membership) => write!(out, " with configuration {membership}"),
                    QuorumData::Activate(leader) => write!(out, " under {leader}"),
                    QuorumData::ActivateTxn(inform) => write!(out, " under {}", inform.0),
                    QuorumData::CurrentEpoch(None) => write!(out, " already promised"),
                    QuorumData::CurrentEpoch(Some(epoch)) => write!(out, " currentEpoch {epoch}"),
                    QuorumData::Txn(proposal) => write!(out, " {}", proposal.txn),
                    QuorumData::Request(request) => write!(out, " {} of {}", request.op, request.session),
                    QuorumData::Touched(sessions) => write!(out, " heard from {} sessions", sessions.len()),
                    QuorumData::Revalidate { session, .. } => write!(out, " {session}"),
                    QuorumData::Revalidated { session, valid } => write!(out, " {session} {}", if *valid { "valid" } else { "unknown" }),
                    QuorumData::Snapshot { bytes, last } => write!(out, " {} bytes{}", bytes.len(), if *last { ", the last" } else { "" }),
                }
            }
            Packet::ElectionRequest { xid } => write!(out, " xid {xid}"),
            Packet::ElectionReply(reply) => write!(out, " {} votes {} zxid {} xid {}", reply.from, reply.leader, reply.zxid, reply.xid),
            Packet::IsReadOnly => Ok(()),
            Packet::IsReadOnlyAnswer(read_only) => write!(out, " {}", if *read_only { "ro" } else { "rw" }),
            Packet::ConnectRequest(request) if request.session == SessionId::NONE => write!(out, " new session, timeout {} ms", request.timeout),
            Packet::ConnectRequest(request) => write!(out, " session {}, last zxid seen {}", request.session, request.last_zxid_seen),
            Packet::ConnectResponse(response) if response.timeout <= 0 => write!(out, " session expired"),
            Packet::ConnectResponse(response) => write!(out, " session {}, timeout {} ms", response.session, response.timeout),
            Packet::ClientRequest(request) => write!(out, " {}", request.op),
            Packet::ClientReply(reply) => write!(out, " {} {}", reply.zxid, super::result_text(&reply.result)),
            Packet::WatcherEvent(event) => write!(out, " {event}"),
        }
    }
}

/// A packet in a trace: its kind, to filter by, and its text.
impl Serialize for Packet {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}
