//! Nouns without behaviour: ids, times, votes, messages, configuration. Everything else may use them; they use nothing.

mod config;
mod disk;
mod file_image;
mod ids;
mod names;
mod packet;
mod time;
mod vote;
mod words;

pub use config::{Config, Member, Membership};
pub use disk::{DiskError, DiskOp, DiskReply, FileName, WriteAt};
pub use file_image::FileImage;
pub use ids::{Epoch, NodeId, Round, ServerId, Zxid};
pub use names::{CloseReason, ConnId, DialError, DiskTag, SmallFile, Stage, Timer};
pub use packet::{ElectionReply, PACKET_KINDS, Packet, Port, QuorumData, QuorumKind};
pub use time::{Micros, Span};
pub use vote::{LearnerType, Notification, PeerState, Vote};
pub use words::bytes_as_words;
