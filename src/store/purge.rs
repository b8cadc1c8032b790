//! Old snapshots and logs are deleted. Source: `DatadirCleanupManager`, `PurgeTxnLog`; storage reference §5.

use std::sync::Arc;

use crate::actor::Cx;
use crate::proto::{Config, DiskError, DiskReply};

/// Off unless `autopurge.purgeInterval` is set.
#[derive(Clone, Debug)]
pub struct Purge {}

impl Purge {
    pub fn new(config: Arc<Config>) -> Purge {
        let _ = config;
        todo!()
    }

    /// At boot, once the database is read: runs, and again after every interval.
    pub fn start(&mut self, cx: &mut Cx) {
        let _ = cx;
    }

    /// For `Timer::Purge`. `truncating`: a [`super::Truncation`] is under way, and the purge waits for the next interval.
    pub fn on_timer(&mut self, cx: &mut Cx, truncating: bool) {
        let _ = (cx, truncating);
    }

    /// For `DiskTag::Purge`. A failure is told in a note, and all is left as it is until the next interval.
    pub fn on_disk(&mut self, cx: &mut Cx, outcome: Result<DiskReply, DiskError>) {
        let _ = (cx, outcome);
    }
}
