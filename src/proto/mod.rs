//! Nouns without behaviour: ids, times, votes, messages, configuration. Everything else may use them; they use nothing.

mod acl;
mod answer;
#[cfg(test)]
pub mod ask;
mod call;
mod client;
mod config;
pub mod date;
mod disk;
mod error_code;
mod file_image;
mod ids;
pub mod jute;
mod membership;
mod names;
mod op;
mod packet;
mod path_rules;
mod proposal;
pub mod state_digest;
mod time;
mod txn;
pub mod txn_bytes;
mod vote;
mod watch;
mod words;

pub use acl::{Acl, AclList, AclText, AuthId, AuthIds, PERM_LETTERS};
pub use answer::{Answer, Stat, result_text};
pub use call::{Caller, Calls, count_of};
pub use client::{Claim, Claimed, ClientReply, ClientRequest, Command, ConnectRequest, ConnectResponse, SET_WATCHES_XID};
pub use config::{Config, Version};
pub use disk::{DiskError, DiskOp, DiskReply, FileName, WriteAt};
pub use error_code::ErrorCode;
pub use file_image::{FileImage, Patch};
pub use ids::{Epoch, NodeId, Round, ServerId, SessionId, Zxid};
pub use membership::{CONFIG_NODE, Member, Membership, Reconfiguration, SpecError, server_spec};
pub use names::{CloseReason, ConnId, DialError, DiskTag, SmallFile, Stage, Timer};
pub use op::{AUTH_XID, CreateMode, Op};
pub use packet::{ElectionReply, PACKET_KINDS, Packet, Port, QuorumData, QuorumKind, QuorumRequest};
pub use path_rules::{SPECIAL_PATHS, is_valid_path, parent_path};
pub use proposal::Proposal;
pub use time::{Micros, Span};
pub use txn::{Bytes, CreateForm, Path, Txn, TxnHeader, TxnRef};
pub use vote::{LearnerType, Notification, PeerState, Vote};
pub use watch::{AddWatchMode, EventType, KeeperState, SetWatches, WatcherEvent, WatcherType};
pub use words::bytes_as_words;
