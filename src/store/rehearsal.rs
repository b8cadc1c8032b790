//! What a server would have if it started from these files: found out on a copy, in no time, and without touching anything.
//!
//! For checks that ask what a crash would leave, and for people who have a data directory. It is the way of a real start, [`Boot`] or [`Recovery`]; what that writes on its way is taken
//! for done, since nobody will read it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::actor::{Cx, Draw, Effect};
use crate::bugs::Bugs;
use crate::proto::{Config, DiskError, DiskOp, DiskReply, DiskTag, FileImage, FileName, Micros, NodeId, Zxid};
use crate::trace::Note;
use crate::tree::Database;

use super::boot::{Boot, BootEvent, Booted};
use super::recovery::{Recovery, RecoveryEvent};

/// A start that no server makes.
#[derive(Debug)]
pub struct Rehearsal<'a> {
    /// With the server's own `db_autocreate`.
    pub config: Arc<Config>,
    pub bugs: Bugs,
    pub files: BTreeMap<&'a FileName, &'a FileImage>,
}

/// What came of a start.
#[derive(Debug)]
pub struct Rehearsed<T> {
    /// What the server has then, or why it refuses to start.
    pub outcome: Result<T, String>,
    /// What it told meanwhile: snapshots that were skipped, transactions that were replayed.
    pub notes: Vec<Note>,
}

type Answer = Result<DiskReply, DiskError>;

/// A start draws nothing.
struct NoChance;

impl Draw for NoChance {
    fn below(&mut self, _bound: u64) -> u64 {
        0
    }
}

impl Rehearsal<'_> {
    /// The boot of a server.
    pub fn boot(&self) -> Rehearsed<Box<Booted>> {
        let autocreate = self.config.db_autocreate;
        self.play(
            |cx| Boot::start(cx, self.config.clone(), autocreate),
            |boot, cx, outcome| match boot.on_disk(cx, outcome) {
                BootEvent::Continues => None,
                BootEvent::Booted(booted) => Some(Ok(booted)),
                BootEvent::Refused(reason) => Some(Err(reason)),
            },
        )
    }

    /// The database as snapshot and log give it up to `zxid`, without what comes after, and without notes.
    pub fn restore(&self, zxid: Zxid) -> Rehearsed<Database> {
        self.play(
            |cx| Recovery::up_to(cx, self.config.clone(), zxid, DiskTag::Recovery(0), true),
            |recovery, cx, outcome| match recovery.on_disk(cx, outcome) {
                RecoveryEvent::Continues => None,
                RecoveryEvent::Recovered(recovered) => Some(Ok(recovered.database)),
                RecoveryEvent::Refused(reason) => Some(Err(reason)),
            },
        )
    }

    /// Answers a machine until it has come to its end.
    fn play<M, T>(&self, start: impl FnOnce(&mut Cx) -> M, step: impl Fn(&mut M, &mut Cx, Answer) -> Option<Result<T, String>>) -> Rehearsed<T> {
        let (mut effects, mut notes, mut draw) = (Vec::new(), Vec::new(), NoChance);
        let mut cx = Cx::new(NodeId::server(0), Micros::ZERO, Micros::ZERO, self.bugs, &mut draw, &mut effects);
        let mut machine = start(&mut cx);
        loop {
            let asked = take(&mut effects, &mut notes);
            let answer = self.answer(&asked.expect("it asks the disk until it is over"));
            let mut cx = Cx::new(NodeId::server(0), Micros::ZERO, Micros::ZERO, self.bugs, &mut draw, &mut effects);
            if let Some(outcome) = step(&mut machine, &mut cx, answer) {
                take(&mut effects, &mut notes);
                return Rehearsed { outcome, notes };
            }
        }
    }

    fn answer(&self, op: &DiskOp) -> Answer {
        match op {
            DiskOp::List => Ok(DiskReply::Listed(self.files.iter().map(|(name, image)| ((*name).clone(), image.len())).collect())),
            DiskOp::Load { file } => self.files.get(file).map(|image| DiskReply::Loaded((*image).clone())).ok_or(DiskError::NotFound),
            _ => Ok(DiskReply::Done),
        }
    }
}

/// What is asked of the disk, if anything; what is told is noted.
fn take(effects: &mut Vec<Effect>, notes: &mut Vec<Note>) -> Option<DiskOp> {
    let mut asked = None;
    for effect in effects.drain(..) {
        match effect {
            Effect::Disk { op, .. } => asked = Some(op),
            Effect::Note(note) => notes.push(note),
            _ => {}
        }
    }
    asked
}

#[cfg(test)]
mod tests {
    use super::super::bench::{config, digest_at, log_of, snapshot_of, zxids};
    use super::*;

    fn images(files: &[(FileName, Vec<u8>)]) -> BTreeMap<FileName, FileImage> {
        files.iter().map(|(name, bytes)| (name.clone(), FileImage::from(&bytes[..]))).collect()
    }

    fn rehearsal(images: &BTreeMap<FileName, FileImage>) -> Rehearsal<'_> {
        Rehearsal { config: config(1000), bugs: Bugs::NONE, files: images.iter().collect() }
    }

    #[test]
    fn it_finds_what_a_start_would() {
        let images = images(&[snapshot_of(Zxid::new(1, 3)), log_of(zxids(2..=7))]);
        let (booted, restored) = (rehearsal(&images).boot(), rehearsal(&images).restore(Zxid::new(1, 5)));
        let replayed = booted.notes.iter().filter(|note| matches!(note, Note::Applied { .. })).count();
        assert_eq!((replayed, restored.notes), (4, Vec::new()));
        for (outcome, zxid) in [(booted.outcome.map(|booted| booted.database), Zxid::new(1, 7)), (restored.outcome, Zxid::new(1, 5))] {
            let database = outcome.expect("nothing is wrong with it");
            assert_eq!((database.last_processed, database.digest()), (zxid, digest_at(zxid)));
        }
    }

    #[test]
    fn it_refuses_what_a_start_would() {
        let log_alone = images(&[log_of(zxids(2..=7))]);
        assert!(rehearsal(&log_alone).boot().outcome.is_err(), "ZOOKEEPER-2325");
        let epoch = |file: &str, epoch: &str| (FileName::from(file), epoch.as_bytes().to_vec());
        let epochs = [epoch("version-2/currentEpoch", "2"), epoch("version-2/acceptedEpoch", "1")];
        let in_disorder = images(&[&[snapshot_of(Zxid::new(1, 3))], &epochs[..]].concat());
        assert!(rehearsal(&in_disorder).boot().outcome.is_err());
        let nothing = images(&[]);
        assert_eq!(rehearsal(&nothing).boot().outcome.map(|booted| booted.database.last_processed), Ok(Zxid::ZERO));
    }
}
