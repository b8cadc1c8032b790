//! The checks may not read disks; what they ask about one is answered here, by a start on a copy of it.
//!
//! The answer is an event that only those who watch hear of. It is not of the run, which is the same whether anybody watches or not.

use std::sync::Arc;

use super::Process;
use crate::check::Probe;
use crate::proto::{Config, NodeId, Zxid};
use crate::sim::World;
use crate::store::Rehearsal;
use crate::trace::{Event, Note, Probing, What};

/// What became of the copy, as of `asked`, the event that had the checks ask. `config` is the server's own.
pub fn answer(world: &World<Process>, config: Arc<Config>, probe: &Probe, asked: &Event) -> Option<Event> {
    let server = NodeId::Server(probe.server);
    let mut disk = world.disk(server)?.clone();
    if probe.why == Probing::PowerLoss {
        disk.power_loss();
    }
    let rehearsal = Rehearsal { config, bugs: world.config().bugs, files: disk.files().collect() };
    let recovered = match probe.up_to {
        None => rehearsal.boot().outcome.map(|booted| booted.database),
        Some(zxid) => rehearsal.restore(zxid).outcome,
    };
    let note = match recovered {
        Ok(database) => Note::DiskProbed { why: probe.why, zxid: database.last_processed, digest: database.digest(), refused: None },
        Err(reason) => Note::DiskProbed { why: probe.why, zxid: Zxid::ZERO, digest: 0, refused: Some(reason) },
    };
    Some(Event { n: asked.n, at: asked.at, node: Some(server), cause: Some(asked.n), what: What::Note(note) })
}
