//! What a server keeps whatever role it plays: the database, the epochs, and the machines that write them down.

use std::sync::Arc;

use crate::actor::Cx;
use crate::bugs::Bug;
use crate::proto::{Config, Proposal, Zxid};
use crate::store::{Epochs, LogSync, Purge, RequestLogger, Snapshotter};
use crate::trace::{ApplyHow, Note};
use crate::tree::Database;

use super::Configuration;

/// Memory and disk of one life of a server. Roles change around it.
#[derive(Clone, Debug)]
pub struct Replica {
    pub config: Arc<Config>,
    pub configuration: Configuration,
    pub epochs: Epochs,
    pub database: Database,
    /// Whether the database is a history, and not what is left after it was dropped. Source: `ZKDatabase.isInitialized`.
    pub is_loaded: bool,
    /// The request logger died: the server leaves its role as soon as its main thread looks. Source: `ZooKeeperServer.State.ERROR`.
    pub has_failed: bool,
    pub logger: RequestLogger,
    pub snapshotter: Snapshotter,
    pub log_sync: LogSync,
    pub purge: Purge,
}

impl Replica {
    /// Before anything was read.
    pub fn blank(config: Arc<Config>) -> Replica {
        Replica {
            configuration: Configuration::new(&config.membership),
            epochs: Epochs::default(),
            database: Database::new(config.commit_log_count),
            is_loaded: false,
            has_failed: false,
            logger: RequestLogger::new(config.clone()),
            snapshotter: Snapshotter::default(),
            log_sync: LogSync::new(config.clone()),
            purge: Purge::new(config.clone()),
            config,
        }
    }

    /// `lastProcessedZxid`, which is what a server votes with and tells its leader. Source: `QuorumPeer.getLastLoggedZxid`.
    pub fn last_zxid(&self) -> Zxid {
        self.database.last_processed
    }

    /// Drops the database. Whoever still writes a snapshot of it goes on with what it was. Source: `ZKDatabase.clear`.
    pub fn clear(&mut self) {
        self.snapshotter.freeze(&self.database);
        self.database.clear();
        self.is_loaded = false;
    }

    /// Puts another database in its place.
    pub fn replace(&mut self, database: Database) {
        self.database = database;
        self.is_loaded = true;
    }

    /// Applies a transaction that came with the synchronisation. The error is the zxid behind which it leaves a gap (ZOOKEEPER-4925).
    pub fn apply_synced(&mut self, cx: &mut Cx, proposal: &Arc<Proposal>) -> Result<(), Zxid> {
        if let Some(last) = self.database.gap_before(proposal.zxid()).filter(|_| !cx.bugs.has(Bug::Zk4925)) {
            return Err(last);
        }
        // What the client was answered is of no concern here.
        let _ = self.database.apply_synced(proposal, cx.bugs);
        cx.note(Note::Applied { txn: proposal.id(), how: ApplyHow::Sync, digest: self.database.digest() });
        Ok(())
    }
}
