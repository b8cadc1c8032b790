//! Faults that change bytes: rot and misdirected writes; and the door through which all faults come.

use crate::proto::{DiskOp, FileName};

use super::fault::{DiskFault, Landing};
use super::file_role::FileRole;
use super::files::Ino;
use super::injected::{FaultId, InjectedFault};
use super::{Disk, SECTOR};

impl Disk {
    /// Gives the disk a fault. Rot and `behave` take effect now, the others wait for their occasion: see [`Disk::fault`].
    ///
    /// The error says why the fault could not apply; it is then not among [`Disk::faults`].
    pub fn inject(&mut self, fault: DiskFault) -> Result<FaultId, String> {
        match &fault {
            DiskFault::Rot { file, byte, bits } => self.rot(file, *byte, *bits)?,
            DiskFault::Behave => self.faults.end(|_| true),
            _ => {}
        }
        let immediate = matches!(fault, DiskFault::Rot { .. } | DiskFault::Behave);
        let id = self.faults.add(fault, self.files.allocated());
        if immediate {
            self.faults.fire(id);
        }
        Ok(id)
    }

    /// What became of a fault.
    pub fn fault(&self, id: FaultId) -> &InjectedFault {
        self.faults.get(id)
    }

    /// All faults there were, oldest first.
    pub fn faults(&self) -> impl Iterator<Item = &InjectedFault> {
        self.faults.iter()
    }

    fn rot(&mut self, file: &FileRole, byte: Option<u64>, bits: u32) -> Result<(), String> {
        let ino = file.find(self.files.names()).and_then(|name| self.files.lookup(name).ok()).ok_or_else(|| format!("there is no file {file}"))?;
        let len = self.files.image(ino).len();
        let offset = byte.unwrap_or_else(|| self.stream.below(len));
        if self.files_mut().inode_mut(ino).rot(offset, bits) {
            return Ok(());
        }
        Err(format!("byte {offset} of {file} is beyond its end, at {len}"))
    }

    /// Lets a write land elsewhere if a fault says so. Its own file grows all the same, by zeros: the writer was told of success.
    pub(super) fn misdirect(&mut self, op: &DiskOp, ino: Ino, offset: u64, bytes: &[u8]) -> bool {
        let Some((fault, landing)) = self.faults.misdirection(op, self.files.names()) else { return false };
        let Some((victim, at)) = self.place_of(&landing, ino, offset) else { return false };
        let room = self.files.image(victim).len().saturating_sub(at).min(bytes.len() as u64);
        if room == 0 || (victim, at) == (ino, offset) {
            return false;
        }
        let files = self.files_mut();
        files.write(victim, at, &bytes[..room as usize]);
        files.grow(ino, offset + bytes.len() as u64);
        self.faults.fire(fault);
        true
    }

    fn place_of(&mut self, landing: &Landing, ino: Ino, offset: u64) -> Option<(Ino, u64)> {
        match landing {
            Landing::Byte(byte) => Some((ino, *byte)),
            Landing::File(role) => {
                let other: &FileName = role.find(self.files.names())?;
                Some((self.files.lookup(other).ok()?, offset))
            }
            Landing::Drawn => {
                let own = offset / SECTOR;
                let sectors = self.files.image(ino).len().div_ceil(SECTOR);
                let others = sectors - u64::from(own < sectors);
                let drawn = (others > 0).then(|| self.stream.below(others))?;
                Some((ino, (drawn + u64::from(drawn >= own)) * SECTOR))
            }
        }
    }
}
