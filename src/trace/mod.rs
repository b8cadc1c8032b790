//! What a run tells: events with their causes, as records of the kernel and notes of the protocol, and the digest over the former.

mod digest;
mod event;
mod note;
mod record;

pub use digest::Digest;
pub use event::{Event, What};
pub use note::{Better, ElectedBy, EpochFile, IgnoreReason, JoinObstacle, KINDS as NOTE_KINDS, LookingReason, Note};
pub use record::{RECORD_KINDS, Record};
