//! The server list on disk, where it may change: `zoo.cfg` names the file of the configuration in force, `zoo.cfg.dynamic.next` is the last
//! one that was proposed. Source: `QuorumPeerConfig.parse`, `writeDynamicConfig`, `editStaticConfig`, `QuorumPeer.setQuorumVerifier`,
//! `setLastSeenQuorumVerifier`.
//!
//! Of `zoo.cfg` only the line `dynamicConfigFile` is written: all else stands in the scenario, and so does the first server list.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::actor::{Cx, Effect};
use crate::proto::{DiskError, DiskOp, DiskReply, DiskTag, FileName, Membership};

use super::atomic::Replacement;

const STATIC: &str = "conf/zoo.cfg";
const NEXT: &str = "conf/zoo.cfg.dynamic.next";
const POINTER: &str = "dynamicConfigFile=";

/// The file of a configuration that is, or was, in force.
fn dynamic(version: i64) -> FileName {
    format!("conf/zoo.cfg.dynamic.{version:x}").into()
}

/// What the files say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OnDisk {
    /// The configuration in force; `None`: the first one, which no reconfiguration has changed.
    pub current: Option<Membership>,
    /// The last one proposed, if it was not seen to come into force.
    pub next: Option<Membership>,
}

/// Reads the files of a server that boots, one after the other.
#[derive(Clone, Debug)]
pub struct ConfigReader {
    asked: Asked,
    found: OnDisk,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Static,
    Current,
    Next,
}

impl ConfigReader {
    pub fn start(cx: &mut Cx) -> ConfigReader {
        load(cx, STATIC.into());
        ConfigReader { asked: Asked::Static, found: OnDisk::default() }
    }

    /// For `DiskTag::Config`. `None` until all is read; the error is a reason not to boot.
    pub fn on_disk(&mut self, cx: &mut Cx, outcome: Result<DiskReply, DiskError>) -> Result<Option<OnDisk>, String> {
        let text = match outcome {
            Ok(DiskReply::Loaded(image)) => Some(String::from_utf8_lossy(&image.to_vec()).into_owned()),
            Ok(other) => unreachable!("an answer to another question: {other:?}"),
            // Only what is named must be there.
            Err(DiskError::NotFound) if self.asked != Asked::Current => None,
            Err(error) => return Err(format!("reading the server list: {error}")),
        };
        match (self.asked, text) {
            (Asked::Static, Some(text)) => {
                let file = text.trim().strip_prefix(POINTER).ok_or_else(|| format!("{STATIC} does not name a file: {text:?}"))?;
                load(cx, file.into());
                self.asked = Asked::Current;
                return Ok(None);
            }
            (Asked::Current, Some(text)) => self.found.current = Some(read(&text)?),
            (Asked::Next, next) => {
                // As in ZooKeeper one that cannot be read is none.
                self.found.next = next.and_then(|text| read(&text).ok());
                return Ok(Some(std::mem::take(&mut self.found)));
            }
            (Asked::Static | Asked::Current, None) => {}
        }
        load(cx, NEXT.into());
        self.asked = Asked::Next;
        Ok(None)
    }
}

fn load(cx: &mut Cx, file: FileName) {
    cx.emit(Effect::Disk { tag: DiskTag::Config, op: DiskOp::Load { file } });
}

fn read(text: &str) -> Result<Membership, String> {
    Membership::parse(text).map_err(|_| format!("this is no server list: {text:?}"))
}

/// Writes the files, one after the other.
#[derive(Clone, Debug, Default)]
pub struct ConfigFiles {
    /// The first one is under way.
    queue: VecDeque<Job>,
}

#[derive(Clone, Debug)]
enum Job {
    /// And what it means that the file is there.
    Replace(Replacement, Option<ConfigProgress>),
    /// The proposal is in force, and no proposal any more.
    DeleteNext,
}

/// What a completion meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigProgress {
    Continues,
    /// The configuration of this version is remembered as the last one proposed.
    Seen(i64),
    /// It is the one that the server starts with from now on.
    InForce(i64),
    /// What was queued behind it is not written either.
    Failed(DiskError),
}

impl ConfigFiles {
    /// The configuration was proposed: answered by [`ConfigProgress::Seen`].
    pub fn write_next(&mut self, cx: &mut Cx, next: &Membership) {
        let text: Arc<[u8]> = next.text().into_bytes().into();
        self.push(cx, Job::Replace(Replacement::of(NEXT.into(), text), Some(ConfigProgress::Seen(next.version))));
    }

    /// The configuration is in force: answered by [`ConfigProgress::InForce`]. `settled`: no other one is proposed.
    pub fn write_current(&mut self, cx: &mut Cx, current: &Membership, settled: bool) {
        let (file, text): (FileName, Arc<[u8]>) = (dynamic(current.version), current.text().into_bytes().into());
        let pointer: Arc<[u8]> = format!("{POINTER}{file}\n").into_bytes().into();
        self.push(cx, Job::Replace(Replacement::of(file, text), None));
        self.push(cx, Job::Replace(Replacement::of(STATIC.into(), pointer), Some(ConfigProgress::InForce(current.version))));
        if settled {
            self.push(cx, Job::DeleteNext);
        }
    }

    pub fn is_writing(&self) -> bool {
        !self.queue.is_empty()
    }

    fn push(&mut self, cx: &mut Cx, job: Job) {
        self.queue.push_back(job);
        if self.queue.len() == 1 {
            self.start(cx);
        }
    }

    fn start(&self, cx: &mut Cx) {
        let op = match self.queue.front() {
            Some(Job::Replace(replacement, _)) => replacement.op(),
            Some(Job::DeleteNext) => DiskOp::Delete { file: NEXT.into() },
            None => return,
        };
        cx.emit(Effect::Disk { tag: DiskTag::Config, op });
    }

    /// For `DiskTag::Config`, once the server has booted.
    pub fn on_disk(&mut self, cx: &mut Cx, outcome: Result<DiskReply, DiskError>) -> ConfigProgress {
        let (is_done, means) = match (self.queue.front_mut(), outcome) {
            (Some(Job::Replace(replacement, means)), Ok(_)) => (replacement.advance(cx.bugs), *means),
            (Some(Job::DeleteNext), Ok(_) | Err(DiskError::NotFound)) => (true, None),
            (_, Err(error)) => {
                self.queue.clear();
                return ConfigProgress::Failed(error);
            }
            (None, Ok(_)) => return ConfigProgress::Continues,
        };
        if is_done {
            self.queue.pop_front();
        }
        self.start(cx);
        means.filter(|_| is_done).unwrap_or(ConfigProgress::Continues)
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::Bench;
    use super::*;
    use crate::proto::Zxid;

    fn reads(bench: &mut Bench) -> Result<OnDisk, String> {
        let mut reader = bench.step(ConfigReader::start);
        let told = bench.run(|cx, outcome| reader.on_disk(cx, outcome));
        told.into_iter().find_map(Result::transpose).expect("it ends")
    }

    fn writes(bench: &mut Bench, write: impl FnOnce(&mut ConfigFiles, &mut Cx)) -> Vec<ConfigProgress> {
        let mut files = ConfigFiles::default();
        bench.step(|cx| write(&mut files, cx));
        let mut told = bench.run(|cx, outcome| files.on_disk(cx, outcome));
        assert!(!files.is_writing());
        told.retain(|progress| *progress != ConfigProgress::Continues);
        told
    }

    #[test]
    fn what_is_proposed_and_then_in_force_is_read_again() {
        let mut bench = Bench::default();
        assert_eq!(reads(&mut bench), Ok(OnDisk::default()));
        let (first, second) = (Membership::of(3, 0).with_version(Zxid(5)), Membership::of(4, 0).with_version(Zxid(9)));
        assert_eq!(writes(&mut bench, |files, cx| files.write_next(cx, &first)), [ConfigProgress::Seen(5)]);
        assert_eq!(reads(&mut bench), Ok(OnDisk { current: None, next: Some(first.clone()) }));
        let told = writes(&mut bench, |files, cx| {
            files.write_current(cx, &first, true);
            files.write_next(cx, &second);
        });
        assert_eq!(told, [ConfigProgress::InForce(5), ConfigProgress::Seen(9)]);
        assert_eq!(reads(&mut bench), Ok(OnDisk { current: Some(first), next: Some(second.clone()) }));
        assert_eq!(writes(&mut bench, |files, cx| files.write_current(cx, &second, true)), [ConfigProgress::InForce(9)]);
        assert_eq!(reads(&mut bench), Ok(OnDisk { current: Some(second), next: None }));
    }

    #[test]
    fn a_failed_write_says_so_and_changes_nothing() {
        let mut bench = Bench::default();
        bench.fault = Some(("next", DiskError::NoSpace));
        assert_eq!(writes(&mut bench, |files, cx| files.write_next(cx, &Membership::of(3, 0))), [ConfigProgress::Failed(DiskError::NoSpace)]);
        assert_eq!(reads(&mut bench), Ok(OnDisk::default()));
    }

    #[test]
    fn a_list_that_is_named_must_be_there() {
        let mut bench = Bench::default();
        bench.install([(FileName::from(STATIC), b"dynamicConfigFile=conf/zoo.cfg.dynamic.7\n".to_vec())]);
        assert!(reads(&mut bench).is_err());
    }
}
