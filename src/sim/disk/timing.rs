//! How long operations take.

use crate::proto::{DiskOp, Micros, Span};

/// Operations that take about equally long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OpClass {
    Read,
    Write,
    Fsync,
    Metadata,
}

impl OpClass {
    pub const ALL: [OpClass; 4] = [OpClass::Read, OpClass::Write, OpClass::Fsync, OpClass::Metadata];

    /// The class of an operation; of a forced write, that of the write alone.
    pub fn of(op: &DiskOp) -> OpClass {
        match op {
            DiskOp::Load { .. } | DiskOp::List => OpClass::Read,
            DiskOp::Write { .. } => OpClass::Write,
            DiskOp::Sync { .. } => OpClass::Fsync,
            DiskOp::Create { .. } | DiskOp::Rename { .. } | DiskOp::Truncate { .. } | DiskOp::Delete { .. } => OpClass::Metadata,
        }
    }

    /// The word of the action grammar.
    pub const fn word(self) -> &'static str {
        match self {
            OpClass::Read => "read",
            OpClass::Write => "write",
            OpClass::Fsync => "fsync",
            OpClass::Metadata => "metadata",
        }
    }
}

/// The span each class of operation draws its latency from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskTiming {
    pub read: Span,
    pub write: Span,
    pub fsync: Span,
    pub metadata: Span,
}

impl DiskTiming {
    pub fn of(&self, class: OpClass) -> Span {
        match class {
            OpClass::Read => self.read,
            OpClass::Write => self.write,
            OpClass::Fsync => self.fsync,
            OpClass::Metadata => self.metadata,
        }
    }
}

/// The page cache is memory and costs nothing; only a sync waits for the device.
impl Default for DiskTiming {
    fn default() -> DiskTiming {
        let memory = Span::exactly(Micros::ZERO);
        DiskTiming { read: memory, write: memory, fsync: Span::new(Micros::from_millis(1), Micros::from_millis(5)), metadata: memory }
    }
}
