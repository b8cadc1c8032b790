//! Everything a server reads before it can vote: the server list where it may change, the database, then the epochs. Source:
//! `QuorumPeerConfig.parse`, `QuorumPeer.loadDataBase`; storage reference §6.

use std::sync::Arc;

use crate::actor::{Cx, Effect};
use crate::bugs::Bug;
use crate::proto::{Config, DiskError, DiskOp, DiskReply, DiskTag, Epoch, FileName, SmallFile, Zxid};
use crate::tree::Database;

use super::config_files::{ConfigReader, OnDisk};
use super::epochs::Epochs;
use super::recovery::{Recovered, Recovery, RecoveryEvent};
use super::small_file::{Progress, name, number_in};

/// The boot of a server, as far as its disk is concerned. One question to the disk at a time.
#[derive(Clone, Debug)]
pub struct Boot {
    phase: Phase,
    configuration: OnDisk,
    recovered: Option<Box<Recovered>>,
    /// What the file holds; `None`: there is none.
    current: Option<Epoch>,
    /// In its place, when the history is newer.
    raised: Option<Epoch>,
}

#[derive(Clone, Debug)]
enum Phase {
    /// The server list comes first; with what is needed to go on.
    Configuration {
        reader: ConfigReader,
        config: Arc<Config>,
        db_autocreate: bool,
    },
    Database(Box<Recovery>),
    CurrentEpoch,
    /// `currentEpoch.tmp`: a write of the epoch that was under way when the server died.
    UnfinishedEpoch,
    AcceptedEpoch,
    /// Files that were missing, or behind the history, are being written.
    Writing(Epochs),
}

/// A server's memory, as its disk gave it.
#[derive(Clone, Debug)]
pub struct Booted {
    /// What its files say of the membership: nothing, unless that may change.
    pub configuration: OnDisk,
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
    /// Starts reading. `db_autocreate`: see [`Recovery::load`].
    pub fn start(cx: &mut Cx, config: Arc<Config>, db_autocreate: bool) -> Boot {
        let phase = if config.reconfig_enabled {
            Phase::Configuration { reader: ConfigReader::start(cx), config, db_autocreate }
        } else {
            Phase::Database(Box::new(Recovery::load(cx, config, db_autocreate)))
        };
        Boot { phase, configuration: OnDisk::default(), recovered: None, current: None, raised: None }
    }

    /// For `DiskTag::Config`, `DiskTag::Recovery`, `DiskTag::Boot` and `DiskTag::Atomic` until it is over.
    pub fn on_disk(&mut self, cx: &mut Cx, outcome: Result<DiskReply, DiskError>) -> BootEvent {
        match self.go_on(cx, outcome) {
            Ok(None) => BootEvent::Continues,
            Ok(Some(booted)) => BootEvent::Booted(Box::new(booted)),
            Err(reason) => BootEvent::Refused(reason),
        }
    }

    fn go_on(&mut self, cx: &mut Cx, outcome: Result<DiskReply, DiskError>) -> Result<Option<Booted>, String> {
        match &mut self.phase {
            Phase::Configuration { reader, config, db_autocreate } => {
                if let Some(on_disk) = reader.on_disk(cx, outcome)? {
                    self.configuration = on_disk;
                    self.phase = Phase::Database(Box::new(Recovery::load(cx, config.clone(), *db_autocreate)));
                }
            }
            Phase::Database(recovery) => match recovery.on_disk(cx, outcome) {
                RecoveryEvent::Continues => {}
                RecoveryEvent::Recovered(recovered) => {
                    self.recovered = Some(recovered);
                    self.load(cx, Phase::CurrentEpoch);
                }
                RecoveryEvent::Refused(reason) => return Err(reason),
            },
            Phase::CurrentEpoch => self.on_current_epoch(cx, outcome)?,
            Phase::UnfinishedEpoch => self.on_unfinished_epoch(cx, outcome),
            Phase::AcceptedEpoch => {
                let accepted = epoch_in(SmallFile::AcceptedEpoch, outcome)?;
                return self.settle(cx, accepted);
            }
            Phase::Writing(epochs) => {
                if let Progress::Failed(file, error) = epochs.on_disk(cx, outcome) {
                    return Err(format!("writing {}: {error}", name(file)));
                }
                if !epochs.is_writing() {
                    let epochs = std::mem::take(epochs);
                    return Ok(Some(self.booted(epochs)));
                }
            }
        }
        Ok(None)
    }

    /// The history may be newer than the epoch: the server died between the two, after what it was sent in a synchronisation was durable and
    /// before `currentEpoch` was.
    fn on_current_epoch(&mut self, cx: &mut Cx, outcome: Result<DiskReply, DiskError>) -> Result<(), String> {
        self.current = epoch_in(SmallFile::CurrentEpoch, outcome)?;
        let history = self.history();
        match self.current {
            // ZOOKEEPER-1653, and again 2307 and 4269: such a server would not start.
            Some(current) if current < history && cx.bugs.has(Bug::Zk1653) => {
                Err(format!("the current epoch, {current}, is older than the epoch of the last zxid, {history}"))
            }
            Some(current) if current < history => {
                self.load(cx, Phase::UnfinishedEpoch);
                Ok(())
            }
            _ => {
                self.load(cx, Phase::AcceptedEpoch);
                Ok(())
            }
        }
    }

    /// The epoch that was being written counts (ZOOKEEPER-4269). Without it, or when it is cut short, ZooKeeper refuses to boot; here the
    /// epoch of the history counts. It holds a transaction of that epoch, and so all of the epoch's initial history: that is what
    /// `currentEpoch` says.
    fn on_unfinished_epoch(&mut self, cx: &mut Cx, outcome: Result<DiskReply, DiskError>) {
        let unfinished = epoch_in(SmallFile::CurrentEpoch, outcome).ok().flatten();
        self.raised = unfinished.max(Some(self.history()));
        self.load(cx, Phase::AcceptedEpoch);
    }

    /// A missing epoch file means the epoch of the last zxid, and is written.
    fn settle(&mut self, cx: &mut Cx, accepted: Option<Epoch>) -> Result<Option<Booted>, String> {
        let history = self.history();
        let mut epochs = Epochs::of(accepted.unwrap_or(history), self.raised.or(self.current).unwrap_or(history));
        if epochs.accepted < epochs.current {
            return Err(format!("the accepted epoch, {}, is less than the current epoch, {}", epochs.accepted, epochs.current));
        }
        if self.current != Some(epochs.current) {
            epochs.write_current(cx, epochs.current);
        }
        if accepted.is_none() {
            epochs.write_accepted(cx, epochs.accepted);
        }
        if !epochs.is_writing() {
            return Ok(Some(self.booted(epochs)));
        }
        self.phase = Phase::Writing(epochs);
        Ok(None)
    }

    fn booted(&mut self, epochs: Epochs) -> Booted {
        let Recovered { database, last_logged } = *self.recovered.take().expect("the database came first");
        Booted { configuration: std::mem::take(&mut self.configuration), database, last_logged, epochs }
    }

    /// Epoch of the last zxid; 0 for a database that is not trusted.
    fn history(&self) -> Epoch {
        let last = self.recovered.as_ref().map_or(Zxid::ZERO, |recovered| recovered.database.last_processed);
        if last == Zxid::UNTRUSTED { Epoch(0) } else { last.epoch() }
    }

    /// Asks for the file of a phase.
    fn load(&mut self, cx: &mut Cx, phase: Phase) {
        let small_file = if matches!(phase, Phase::AcceptedEpoch) { SmallFile::AcceptedEpoch } else { SmallFile::CurrentEpoch };
        let suffix = if matches!(phase, Phase::UnfinishedEpoch) { ".tmp" } else { "" };
        let file: FileName = format!("{}{suffix}", name(small_file)).into();
        self.phase = phase;
        cx.emit(Effect::Disk { tag: DiskTag::Boot(small_file), op: DiskOp::Load { file } });
    }
}

/// What an epoch file holds, if it exists.
fn epoch_in(file: SmallFile, outcome: Result<DiskReply, DiskError>) -> Result<Option<Epoch>, String> {
    match outcome {
        Ok(DiskReply::Loaded(image)) => number_in(file, &image).map(Epoch).map(Some),
        Ok(other) => unreachable!("an answer to another question: {other:?}"),
        Err(DiskError::NotFound) => Ok(None),
        Err(error) => Err(format!("reading {}: {error}", name(file))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::{Bench, config};
    use super::super::history;
    use super::*;
    use crate::bugs::Bugs;
    use crate::proto::FileImage;

    /// A server that boots from a history and these files: last zxid, current and accepted epoch, and what the files hold afterwards.
    struct Case {
        last: Zxid,
        files: Vec<(&'static str, &'static str)>,
        bugs: Bugs,
    }

    type Outcome = Result<(Zxid, i64, i64), String>;

    fn case(last: Zxid, files: &[(&'static str, &'static str)]) -> Case {
        Case { last, files: files.to_vec(), bugs: Bugs::NONE }
    }

    impl Case {
        fn boots(&self) -> Outcome {
            let mut bench = Bench::with(self.bugs);
            bench.install(history::files(self.last));
            bench.install(self.files.iter().map(|(file, text)| (super::super::bench::named(file), text.as_bytes().to_vec())));
            let mut boot = bench.step(|cx| Boot::start(cx, config(1000), true));
            let booted = match bench.run(|cx, outcome| boot.on_disk(cx, outcome)).pop() {
                Some(BootEvent::Booted(booted)) => booted,
                Some(BootEvent::Refused(reason)) => return Err(reason),
                other => panic!("{other:?}"),
            };
            let Booted { database, epochs, .. } = *booted;
            for (file, epoch) in [("currentEpoch", epochs.current), ("acceptedEpoch", epochs.accepted)] {
                let image: &FileImage = &bench.files[&super::super::bench::named(file)];
                assert_eq!(image.to_vec(), epoch.0.to_string().into_bytes(), "{file} says what memory says");
            }
            Ok((database.last_processed, epochs.current.0, epochs.accepted.0))
        }
    }

    const LAST: Zxid = Zxid::new(4, 9);

    #[test]
    fn missing_epochs_are_those_of_the_history() {
        assert_eq!(case(Zxid::ZERO, &[]).boots(), Ok((Zxid::ZERO, 0, 0)));
        assert_eq!(case(LAST, &[]).boots(), Ok((LAST, 4, 4)));
        assert_eq!(case(LAST, &[("currentEpoch", "5"), ("acceptedEpoch", "6")]).boots(), Ok((LAST, 5, 6)));
        assert_eq!(case(LAST, &[("acceptedEpoch", "6")]).boots(), Ok((LAST, 4, 6)));
    }

    #[test]
    fn a_promise_is_never_older_than_the_epoch() {
        for files in [&[("currentEpoch", "5"), ("acceptedEpoch", "4")][..], &[("currentEpoch", "5")], &[("acceptedEpoch", "3")]] {
            let refusal = case(LAST, files).boots();
            assert!(refusal.as_ref().is_err_and(|reason| reason.contains("accepted epoch")), "{refusal:?}");
        }
        assert!(case(LAST, &[("currentEpoch", "")]).boots().is_err_and(|reason| reason.contains("does not hold a number")));
    }

    /// ZOOKEEPER-1653, 2307, 4269: the server died between the history and the epoch.
    #[test]
    fn an_epoch_behind_the_history_catches_up() {
        let old = [("currentEpoch", "3"), ("acceptedEpoch", "6")];
        let with = |unfinished| case(LAST, &[old[0], old[1], ("currentEpoch.tmp", unfinished)]);
        assert_eq!(case(LAST, &old).boots(), Ok((LAST, 4, 6)));
        assert_eq!(with("5").boots(), Ok((LAST, 5, 6)), "the epoch that was being written");
        assert_eq!(with("").boots(), Ok((LAST, 4, 6)), "nothing of it was written");
        let mut ahead = with("7");
        ahead.files[0].1 = "6";
        assert_eq!(ahead.boots(), Ok((LAST, 6, 6)), "an epoch not behind the history stays");
        for files in [case(LAST, &old), with("5")] {
            let refusal = Case { bugs: Bugs::from_iter([Bug::Zk1653]), ..files }.boots();
            assert!(refusal.is_err_and(|reason| reason.contains("older than the epoch of the last zxid")));
        }
    }
}
