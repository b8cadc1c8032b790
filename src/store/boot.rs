//! Everything a server reads before it can vote: database, then epochs. Source: `QuorumPeer.loadDataBase`; storage reference §6.

use std::sync::Arc;

use crate::actor::Cx;
use crate::proto::{Config, DiskError, DiskReply, DiskTag, Zxid};
use crate::tree::Database;

use super::epochs::Epochs;

/// The boot of a server, as far as its disk is concerned.
#[derive(Clone, Debug)]
pub struct Boot {}

/// A server with its memory.
#[derive(Clone, Debug)]
pub struct Booted {
    pub database: Database,
    /// The zxid to vote with; see [`super::Recovered`].
    pub last_logged: Zxid,
    pub epochs: Epochs,
}

/// What a step came to.
#[derive(Clone, Debug)]
pub enum BootEvent {
    Continues,
    Booted(Box<Booted>),
    /// The server must not start from this disk, and why: BootRefused, exit 1.
    Refused(String),
}

impl Boot {
    /// Starts reading. `db_autocreate`: see [`super::Recovery::load`].
    pub fn start(cx: &mut Cx, config: Arc<Config>, db_autocreate: bool) -> Boot {
        let _ = (cx, config, db_autocreate);
        todo!()
    }

    /// For `DiskTag::Recovery`, `DiskTag::Boot` and `DiskTag::Atomic` until it is over.
    pub fn on_disk(&mut self, cx: &mut Cx, tag: DiskTag, outcome: Result<DiskReply, DiskError>) -> BootEvent {
        let _ = (cx, tag, outcome);
        todo!()
    }
}
