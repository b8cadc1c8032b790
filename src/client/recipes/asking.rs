//! The requests that scripts make. A read that got no answer is made again, until the session is over: it changes nothing. So is a delete,
//! where the node's name is nobody else's. A create or a write that got no answer is for its recipe to decide.

use std::sync::Arc;

use super::script::{Run, Script, Stop, Unless};
use crate::proto::{Acl, Answer, Bytes, CreateForm, CreateMode, ErrorCode, Op, Path, Stat, Zxid, parent_path};

/// A node that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    pub path: Path,
    pub czxid: Zxid,
}

/// The names of a node's children, and when they were that.
#[derive(Clone, Debug)]
pub struct Listing {
    pub names: Arc<[Path]>,
    pub zxid: Zxid,
}

impl Script<'_> {
    /// A read, made again as long as nobody answers.
    fn read(&mut self, op: impl Fn() -> Op) -> Run<(Answer, Zxid)> {
        loop {
            match self.ask(&op) {
                Err(Stop::Failed(ErrorCode::ConnectionLoss)) => {}
                other => return other,
            }
        }
    }

    /// Children in no order.
    pub fn children(&mut self, path: &Path, watch: bool) -> Run<Listing> {
        match self.read(|| Op::GetChildren { path: path.clone(), watch })? {
            (Answer::Children(names), zxid) => Ok(Listing { names, zxid }),
            _ => Err(Stop::Failed(ErrorCode::MarshallingError)),
        }
    }

    pub fn data(&mut self, path: &Path, watch: bool) -> Run<(Option<Bytes>, Stat)> {
        match self.read(|| Op::GetData { path: path.clone(), watch })? {
            (Answer::Data { data, stat }, _) => Ok((data, stat)),
            _ => Err(Stop::Failed(ErrorCode::MarshallingError)),
        }
    }

    /// Whether there is such a node. With a watch its coming is told too.
    pub fn exists(&mut self, path: &Path, watch: bool) -> Run<Option<Stat>> {
        match self.read(|| Op::Exists { path: path.clone(), watch }).unless(ErrorCode::NoNode)? {
            Some((Answer::Stat(stat), _)) => Ok(Some(stat)),
            _ => Ok(None),
        }
    }

    /// What is read behind it shows all that was decided before it was asked for.
    pub fn sync(&mut self, path: &Path) -> Run<()> {
        self.read(|| Op::Sync { path: path.clone() }).map(|_| ())
    }

    /// One try. Fails with ConnectionLoss if nobody can tell whether the node was made.
    pub fn create(&mut self, path: &Path, data: Option<Bytes>, mode: CreateMode) -> Run<Made> {
        let form = if mode == CreateMode::Container { CreateForm::Container } else { CreateForm::Create2 };
        match self.ask(|| Op::Create { form, path: path.clone(), data, acl: Acl::open(), mode })? {
            (Answer::CreatedWithStat { path, stat }, _) => Ok(Made { path, czxid: stat.czxid }),
            _ => Err(Stop::Failed(ErrorCode::MarshallingError)),
        }
    }

    /// One try, if the node has this version; -1: any. Fails with ConnectionLoss if nobody can tell whether it was written.
    pub fn set(&mut self, path: &Path, data: Bytes, version: i32) -> Run<Stat> {
        match self.ask(|| Op::SetData { path: path.clone(), data: Some(data), version })? {
            (Answer::Stat(stat), _) => Ok(stat),
            _ => Err(Stop::Failed(ErrorCode::MarshallingError)),
        }
    }

    /// Makes this node and those above it that are missing, as containers. It is as good if somebody else was faster.
    pub fn create_container(&mut self, path: &Path) -> Run<()> {
        loop {
            match self.create(path, None, CreateMode::Container) {
                Ok(_) | Err(Stop::Failed(ErrorCode::NodeExists)) => return Ok(()),
                Err(Stop::Failed(ErrorCode::ConnectionLoss)) => {}
                Err(Stop::Failed(ErrorCode::NoNode)) => {
                    let above = parent_path(path).unwrap_or("/").into();
                    self.create_container(&above)?;
                }
                Err(stop) => return Err(stop),
            }
        }
    }

    /// One try of all or nothing: its zxid, or the error of the part that is to blame.
    pub fn multi(&mut self, parts: impl FnOnce() -> Vec<Op>) -> Run<Zxid> {
        self.multi_or_blame(parts)?.map_err(|(_, code)| Stop::Failed(code))
    }

    /// The same for those who expect it to fail: the part that is to blame, counted from 0, and its error.
    pub fn multi_or_blame(&mut self, parts: impl FnOnce() -> Vec<Op>) -> Run<Result<Zxid, (usize, ErrorCode)>> {
        match self.ask(|| Op::Multi(parts().into()))? {
            (Answer::RolledBack(codes), _) => {
                let blamed = codes.iter().copied().enumerate().find(|(_, code)| *code != ErrorCode::Ok);
                Ok(Err(blamed.unwrap_or((0, ErrorCode::RuntimeInconsistency))))
            }
            (_, zxid) => Ok(Ok(zxid)),
        }
    }

    /// Deletes a node whose name is nobody else's, until it is gone. Source: Curator's guaranteed deletes.
    pub fn delete(&mut self, path: &Path) -> Run<()> {
        loop {
            match self.ask(|| Op::Delete { path: path.clone(), version: -1 }) {
                Ok(_) | Err(Stop::Failed(ErrorCode::NoNode)) => return Ok(()),
                Err(Stop::Failed(ErrorCode::ConnectionLoss)) => {}
                Err(stop) => return Err(stop),
            }
        }
    }
}
