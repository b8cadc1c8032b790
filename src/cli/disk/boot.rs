//! What a server would recover from a directory, found by its own code on a copy of the files in memory.

use std::sync::Arc;

use crate::actor::{Cx, Draw, Effect};
use crate::bugs::Bugs;
use crate::proto::{Config, FileImage, FileName, Membership, Micros, NodeId};
use crate::sim::Stream;
use crate::sim::disk::{Disk, DiskTiming};
use crate::store::boot::{Boot, BootEvent, Booted};
use crate::trace::Note;

/// What came of a boot.
pub struct Recovery {
    /// The database and the epochs, or why the server refuses to start.
    pub outcome: Result<Box<Booted>, String>,
    /// What the server told meanwhile: snapshots that were skipped, transactions that were replayed.
    pub notes: Vec<Note>,
}

/// Boots a server on these files, named as in its data directory. Its settings are ZooKeeper's defaults.
pub fn recover<'a>(files: impl Iterator<Item = (&'a FileName, &'a FileImage)>) -> Recovery {
    let mut disk = Disk::new(Stream::named(0, "disk"), DiskTiming::default());
    for (name, image) in files {
        disk.install_image(name.clone(), image.clone());
    }
    let config = Arc::new(Config::new(Membership::of(1, 0)));
    let (mut effects, mut notes) = (Vec::new(), Vec::new());
    let mut boot = Boot::start(&mut cx(&mut NoDraw, &mut effects), config, true);
    loop {
        let mut asked = None;
        for effect in effects.drain(..) {
            match effect {
                Effect::Disk { op, .. } => asked = Some(op),
                Effect::Note(note) => notes.push(note),
                _ => {}
            }
        }
        let op = asked.expect("a boot that is not over has asked for something");
        let (ticket, _) = disk.submit(&op);
        let outcome = disk.complete(ticket).expect("nothing crashes here");
        match boot.on_disk(&mut cx(&mut NoDraw, &mut effects), outcome) {
            BootEvent::Continues => {}
            BootEvent::Booted(booted) => return Recovery { outcome: Ok(booted), notes: told(notes, effects) },
            BootEvent::Refused(reason) => return Recovery { outcome: Err(reason), notes: told(notes, effects) },
        }
    }
}

/// The notes of the last step, too.
fn told(mut notes: Vec<Note>, effects: Vec<Effect>) -> Vec<Note> {
    notes.extend(effects.into_iter().filter_map(|effect| if let Effect::Note(note) = effect { Some(note) } else { None }));
    notes
}

fn cx<'a>(draw: &'a mut NoDraw, effects: &'a mut Vec<Effect>) -> Cx<'a> {
    Cx::new(NodeId::server(1), Micros::ZERO, Micros::ZERO, Bugs::NONE, draw, effects)
}

/// A boot leaves nothing to chance.
struct NoDraw;

impl Draw for NoDraw {
    fn below(&mut self, _: u64) -> u64 {
        0
    }
}
