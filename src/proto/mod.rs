//! Nouns without behaviour: ids, times, votes, messages, configuration. Everything else may use them; they use nothing.

mod ids;
mod packet;
mod time;
mod vote;

pub use ids::{Epoch, NodeId, Round, ServerId, Zxid};
pub use packet::{ElectionReply, PACKET_KINDS, Packet, Port, QuorumKind};
pub use time::{Micros, Span};
pub use vote::{LearnerType, Notification, PeerState, Vote};
