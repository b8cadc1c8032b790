//! What a server would have if it started from these files: found out on a copy, in no time, and without touching anything.
//!
//! For checks that ask what a crash would leave. It is the way of a real start, [`Boot`] or [`Recovery`]; what that writes on its way is taken
//! for done, since nobody will read it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::actor::{Cx, Draw, Effect};
use crate::bugs::Bugs;
use crate::proto::{Config, DiskError, DiskOp, DiskReply, DiskTag, FileImage, FileName, Micros, NodeId, Zxid};
use crate::tree::Database;

use super::boot::{Boot, BootEvent};
use super::recovery::{Recovery, RecoveryEvent};

/// A start that nobody sees.
#[derive(Debug)]
pub struct Rehearsal<'a> {
    /// With the server's own `db_autocreate`.
    pub config: Arc<Config>,
    pub bugs: Bugs,
    pub files: BTreeMap<&'a FileName, &'a FileImage>,
}

/// A start draws nothing.
struct NoChance;

impl Draw for NoChance {
    fn below(&mut self, _bound: u64) -> u64 {
        0
    }
}

impl Rehearsal<'_> {
    /// The database of a server that boots, or why it refuses to.
    pub fn boot(&self) -> Result<Database, String> {
        let autocreate = self.config.db_autocreate;
        self.play(
            |cx| Boot::start(cx, self.config.clone(), autocreate),
            |boot, cx, outcome| match boot.on_disk(cx, outcome) {
                BootEvent::Continues => None,
                BootEvent::Booted(booted) => Some(Ok(booted.database)),
                BootEvent::Refused(reason) => Some(Err(reason)),
            },
        )
    }

    /// The database as snapshot and log give it up to `zxid`, without what comes after.
    pub fn restore(&self, zxid: Zxid) -> Result<Database, String> {
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
    fn play<M, R>(&self, start: impl FnOnce(&mut Cx) -> M, step: impl Fn(&mut M, &mut Cx, Result<DiskReply, DiskError>) -> Option<R>) -> R {
        let (mut effects, mut draw) = (Vec::new(), NoChance);
        let mut cx = Cx::new(NodeId::server(0), Micros::ZERO, Micros::ZERO, self.bugs, &mut draw, &mut effects);
        let mut machine = start(&mut cx);
        loop {
            let asked = effects.drain(..).find_map(|effect| if let Effect::Disk { op, .. } = effect { Some(op) } else { None });
            let outcome = self.answer(&asked.expect("it asks the disk until it is over"));
            let mut cx = Cx::new(NodeId::server(0), Micros::ZERO, Micros::ZERO, self.bugs, &mut draw, &mut effects);
            if let Some(result) = step(&mut machine, &mut cx, outcome) {
                return result;
            }
        }
    }

    fn answer(&self, op: &DiskOp) -> Result<DiskReply, DiskError> {
        match op {
            DiskOp::List => Ok(DiskReply::Listed(self.files.iter().map(|(name, image)| ((*name).clone(), image.len())).collect())),
            DiskOp::Load { file } => self.files.get(file).map(|image| DiskReply::Loaded((*image).clone())).ok_or(DiskError::NotFound),
            _ => Ok(DiskReply::Done),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::{config, digest_at, log_of, snapshot_of, zxids};
    use super::*;

    fn rehearsed<R>(files: &[(FileName, Vec<u8>)], act: impl FnOnce(&Rehearsal) -> R) -> R {
        let images: BTreeMap<FileName, FileImage> = files.iter().map(|(name, bytes)| (name.clone(), FileImage::from(&bytes[..]))).collect();
        act(&Rehearsal { config: config(1000), bugs: Bugs::NONE, files: images.iter().collect() })
    }

    #[test]
    fn it_finds_what_a_start_would() {
        let files = [snapshot_of(Zxid::new(1, 3)), log_of(zxids(2..=7))];
        let booted = rehearsed(&files, |rehearsal| rehearsal.boot()).expect("nothing is wrong with it");
        assert_eq!((booted.last_processed, booted.digest()), (Zxid::new(1, 7), digest_at(Zxid::new(1, 7))));
        let restored = rehearsed(&files, |rehearsal| rehearsal.restore(Zxid::new(1, 5))).expect("nothing is wrong with it");
        assert_eq!((restored.last_processed, restored.digest()), (Zxid::new(1, 5), digest_at(Zxid::new(1, 5))));
    }

    #[test]
    fn it_refuses_what_a_start_would() {
        let log_alone = [log_of(zxids(2..=7))];
        assert!(rehearsed(&log_alone, |rehearsal| rehearsal.boot()).is_err(), "ZOOKEEPER-2325");
        let epochs_in_disorder =
            [snapshot_of(Zxid::new(1, 3)), ("version-2/currentEpoch".into(), b"2".to_vec()), ("version-2/acceptedEpoch".into(), b"1".to_vec())];
        assert!(rehearsed(&epochs_in_disorder, |rehearsal| rehearsal.boot()).is_err());
        assert_eq!(rehearsed(&[], |rehearsal| rehearsal.boot()).map(|database| database.last_processed), Ok(Zxid::ZERO));
    }
}
