//! ZAB between an election and the next: a leader and its learners agree on an epoch, then on a history, and then extend it together.
//!
//! - [`Leader`] and [`Learner`] are the two roles; what they act upon is the server's [`Replica`].
//! - [`sync_choice`] decides how a learner is brought up to date.
//! - [`Configuration`]: who is in the ensemble, and who will be; `quorums` and `voters` say who decides.
//!
//! Where ZooKeeper's threads block, a role has a state, and what arrives meanwhile waits: a learner blocked on its disk has an inbox, and so
//! has the handler of a learner that waits for others. What concerns the clients, the request processors or the whole process leaves as
//! [`RoleEvent`]s.
//!
//! Left out: observer masters, protocol versions before 3.4, and the limits on how many observers synchronise at once.

mod configuration;
mod leader;
mod learner;
mod quorums;
mod replica;
pub mod sync_choice;
mod voters;

pub use configuration::{Configuration, proposed_by};
pub use leader::Leader;
pub use learner::Learner;
pub use replica::Replica;

use std::sync::Arc;

use crate::proto::{ConnId, Epoch, Membership, Proposal, QuorumRequest, ServerId, SessionId, Zxid};
use crate::trace::LookingReason;

/// The process ends: a COMMIT was not that of the oldest proposal. Source: `ExitCode.UNMATCHED_TXN_COMMIT`.
pub const EXIT_UNMATCHED_COMMIT: i32 = 12;

/// The process ends: it cannot truncate as it is told, or does not know what it is told. Source: `ExitCode.QUORUM_PACKET_ERROR`.
pub const EXIT_QUORUM_PACKET_ERROR: i32 = 13;

/// What a role tells the server that plays it. To be carried out in order, before the next input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoleEvent {
    /// It serves from now on: as an established leader, or as a learner of one.
    Serves(Epoch),
    /// It is over; the server looks for a leader again.
    Leave(LookingReason),
    /// The process must end with this code.
    Exit(i32),
    /// Committed: to the commit processor.
    Commit(Arc<Proposal>),
    /// A configuration is in force. With it may come who leads from now on, and by which zxid.
    Activate { config: Arc<Membership>, leader: Option<(ServerId, Zxid)> },

    /// Leader: a learner sends what one of its clients asks. The connection owns the request.
    Request(ConnId, Arc<QuorumRequest>),
    /// Leader: a learner heard from these sessions.
    Touched(Arc<[(SessionId, i32)]>),
    /// Leader: a client came back through this learner; to be answered by [`Leader::answer_revalidate`].
    Revalidate { learner: ConnId, session: SessionId, timeout: i32 },

    /// Learner: the leader's PING wants to know which sessions were heard from; to be answered by [`Learner::answer_ping`].
    Pinged(Zxid),
    /// Learner: the leader has answered the oldest sync.
    SyncReplied,
    /// Learner: the leader has answered a REVALIDATE.
    Revalidated { session: SessionId, valid: bool },
}
