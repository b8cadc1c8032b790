//! From snapshot and log to a database. Source: `FileTxnSnapLog.restore`, `FileTxnSnapLog.fastForwardFromEdits`; storage reference §6.

use std::sync::Arc;

use crate::actor::Cx;
use crate::proto::{Config, DiskError, DiskReply, Zxid};
use crate::tree::Database;

/// Reads the database from disk. All of its operations carry `DiskTag::Recovery`.
#[derive(Clone, Debug)]
pub struct Recovery {}

/// What the disk gave.
#[derive(Clone, Debug)]
pub struct Recovered {
    /// With its committed ring filled from the replayed log. `last_processed` is [`Zxid::UNTRUSTED`] for an empty disk that is not trusted.
    pub database: Database,
    /// The zxid to vote with: that of the database. (Zk582: the last one of the log alone, zero without a log.)
    pub last_logged: Zxid,
}

/// What a step came to.
#[derive(Clone, Debug)]
pub enum RecoveryEvent {
    Continues,
    Recovered(Box<Recovered>),
    /// The database cannot be loaded, and why: at boot the process ends; a fast-forward that fails means clear and [`Recovery::load`].
    Refused(String),
}

impl Recovery {
    /// The whole database: at boot (through [`super::boot::Boot`]) and again after memory was cleared. `db_autocreate`: an empty disk is an
    /// empty database (config reference), a setting of this very server.
    pub fn load(cx: &mut Cx, config: Arc<Config>, db_autocreate: bool) -> Recovery {
        let _ = (cx, config, db_autocreate);
        todo!()
    }

    /// On leaving a role: what the log holds beyond `database` is replayed into it (ZOOKEEPER-2845; whether at all is the caller's switch
    /// Zk2845). The logger must be idle. Answered by the same database, further on, with the note FastForwarded if it moved.
    pub fn fast_forward(cx: &mut Cx, config: Arc<Config>, database: Database) -> Recovery {
        let _ = (cx, config, database);
        todo!()
    }

    /// For `DiskTag::Recovery`, unless a [`super::boot::Boot`] is under way.
    pub fn on_disk(&mut self, cx: &mut Cx, outcome: Result<DiskReply, DiskError>) -> RecoveryEvent {
        let _ = (cx, outcome);
        todo!()
    }
}
