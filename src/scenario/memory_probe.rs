//! The checks may not look into servers; what each of them has in its memory when all is over is told here.
//!
//! As with disks, the answer is an event that only those who watch hear of.

use super::Process;
use crate::sim::World;
use crate::trace::{Event, Note, What};

/// What every server that serves has in its memory.
pub fn answers(world: &World<Process>) -> impl Iterator<Item = Event> {
    let servers = world.node_ids().filter_map(|id| Some((id, world.actor(id)?.as_server()?)));
    let (n, at) = (world.events(), world.now());
    servers.filter(|(_, server)| server.is_serving()).map(move |(id, server)| {
        let (rule, why) = server.memory_flaw().map_or((None, String::new()), |(rule, why)| (Some(rule), why));
        let database = server.database();
        let note = Note::MemoryProbed { zxid: database.last_processed, digest: database.digest(), rule, why };
        Event { n, at, node: Some(id), cause: Some(n), what: What::Note(note) }
    })
}
