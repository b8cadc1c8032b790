//! ZAB between an election and the next: a leader and its learners agree on an epoch and stay in touch.
//!
//! Discovery and the tick loop are complete. Synchronisation is still only its frame: a learner takes over the leader's last zxid
//! without any transactions between, and nothing is broadcast.

mod leader;
mod learner;

pub use leader::Leader;
pub use learner::Learner;

use crate::proto::Epoch;
use crate::trace::LookingReason;

/// What a role tells the server that plays it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleEvent {
    /// It serves from now on: as an established leader, or as a learner of one.
    Serves(Epoch),
    /// It is over; the server looks for a leader again.
    Leave(LookingReason),
}
