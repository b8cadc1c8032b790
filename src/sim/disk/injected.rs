//! The faults a disk has been given, and how often each took effect.

use crate::proto::{DiskOp, FileName, Micros, Span};

use super::fault::{DiskFault, Failing, Landing, Times};
use super::file_role::FileRole;
use super::timing::OpClass;

/// One fault given to a disk, in the order they were given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FaultId(u32);

/// A fault and what became of it.
#[derive(Clone, Debug)]
pub struct InjectedFault {
    pub fault: DiskFault,
    /// How often it took effect. Zero at the end of a run means that it changed nothing.
    pub fired: u64,
    /// Whether it can still take effect.
    pub active: bool,
    /// For `full`: the space that may be taken, in bytes.
    limit: u64,
}

#[derive(Clone, Debug, Default)]
pub struct InjectedFaults(Vec<InjectedFault>);

impl InjectedFaults {
    /// `allocated` is the space taken now, to which `full` adds its room. A new `full` replaces an older one.
    pub fn add(&mut self, fault: DiskFault, allocated: u64) -> FaultId {
        let limit = match fault {
            DiskFault::Full { room } => {
                self.end(|older| matches!(older, DiskFault::Full { .. }));
                allocated.saturating_add(room)
            }
            _ => 0,
        };
        self.0.push(InjectedFault { fault, fired: 0, active: true, limit });
        FaultId(self.0.len() as u32 - 1)
    }

    pub fn iter(&self) -> impl Iterator<Item = &InjectedFault> {
        self.0.iter()
    }

    pub fn get(&self, id: FaultId) -> &InjectedFault {
        &self.0[id.0 as usize]
    }

    /// Counts one effect, and ends the fault if it was the last.
    pub fn fire(&mut self, id: FaultId) {
        let injected = &mut self.0[id.0 as usize];
        injected.fired += 1;
        injected.active &= match injected.fault {
            DiskFault::Fail { times: Times::Next(times), .. } => injected.fired < u64::from(times),
            DiskFault::Fail { .. } | DiskFault::Full { .. } | DiskFault::Slow { .. } | DiskFault::Loose => true,
            DiskFault::Rot { .. } | DiskFault::Misdirect { .. } | DiskFault::Tear { .. } | DiskFault::Behave => false,
        };
    }

    /// Ends those that `which` names.
    pub fn end(&mut self, which: impl Fn(&DiskFault) -> bool) {
        self.0.iter_mut().filter(|injected| which(&injected.fault)).for_each(|injected| injected.active = false);
    }

    /// Whether the operation, or the part of it that is of this class, fails by a fault, which is then counted. `names` are all files there are.
    pub fn fail<'a>(&mut self, op: &'a DiskOp, class: OpClass, names: impl Iterator<Item = &'a FileName> + Clone) -> bool {
        let kind = match class {
            OpClass::Read => Failing::Read,
            OpClass::Write | OpClass::Metadata => Failing::Write,
            OpClass::Fsync => Failing::Fsync,
        };
        let found = self.active(|fault| match fault {
            DiskFault::Fail { what, file, .. } if *what == kind => file.as_ref().is_none_or(|role| concerns(role, op, names.clone())).then_some(()),
            _ => None,
        });
        found.map(|(id, ())| self.fire(id)).is_some()
    }

    /// What is added to the latency of an operation of this class, each fault counted.
    pub fn slowness(&mut self, class: OpClass) -> Span {
        let mut sum = Span::exactly(Micros::ZERO);
        for index in 0..self.0.len() as u32 {
            let injected = self.get(FaultId(index));
            if let DiskFault::Slow { class: of, span } = &injected.fault
                && injected.active
                && of.is_none_or(|of| of == class)
            {
                sum = Span::new(sum.low + span.low, sum.high + span.high);
                self.fire(FaultId(index));
            }
        }
        sum
    }

    /// The space that may be taken in all, in bytes, if the disk is full or will be.
    pub fn space_limit(&self) -> Option<(FaultId, u64)> {
        self.active(|fault| matches!(fault, DiskFault::Full { .. }).then_some(())).map(|(id, ())| (id, self.get(id).limit))
    }

    /// The fault that sends this write astray.
    pub fn misdirection<'a>(&self, op: &'a DiskOp, names: impl Iterator<Item = &'a FileName> + Clone) -> Option<(FaultId, Landing)> {
        self.active(|fault| match fault {
            DiskFault::Misdirect { file, landing } => concerns(file, op, names.clone()).then(|| landing.clone()),
            _ => None,
        })
    }

    /// The active `loose`, if there is one.
    pub fn loose(&self) -> Option<FaultId> {
        self.active(|fault| (*fault == DiskFault::Loose).then_some(())).map(|(id, ())| id)
    }

    /// Ends all `tear` faults: this power loss is theirs. Returns the file each is about (`None`: every file), those without one left out.
    pub fn take_tears<'a>(&mut self, names: impl Iterator<Item = &'a FileName> + Clone) -> Vec<(FaultId, Option<FileName>)> {
        let mut tears = Vec::new();
        for (id, injected) in (0..).map(FaultId).zip(&mut self.0).filter(|(_, injected)| injected.active) {
            let DiskFault::Tear { file } = &injected.fault else { continue };
            injected.active = false;
            match file.as_ref().map(|role| role.find(names.clone())) {
                None => tears.push((id, None)),
                Some(Some(name)) => tears.push((id, Some(name.clone()))),
                Some(None) => {}
            }
        }
        tears
    }

    /// The first active fault that `pick` accepts, with what it picked.
    fn active<T>(&self, pick: impl Fn(&DiskFault) -> Option<T>) -> Option<(FaultId, T)> {
        let mut active = (0..).map(FaultId).zip(&self.0).filter(|(_, injected)| injected.active);
        active.find_map(|(id, injected)| Some((id, pick(&injected.fault)?)))
    }
}

/// Whether the operation is about the file of this role, files it is about to make included.
fn concerns<'a>(role: &FileRole, op: &'a DiskOp, names: impl Iterator<Item = &'a FileName>) -> bool {
    role.find(names.chain(op.files())).is_some_and(|found| op.files().any(|file| file == found))
}
