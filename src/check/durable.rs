//! What of a server's log is on the medium: the server's word for what it appended, the kernel's for what an fsync made of it.
//!
//! An fsync that ended well makes durable what was appended to its file before it began. A log may be spread over files, and what is in an
//! older one must be durable too. What is appended is in the page cache as soon as its write begins, so that a successor may read it back; if
//! the write fails it is not.

use crate::proto::{DiskOp, DiskTag, FileName, Zxid};

/// See the module. For one server.
#[derive(Clone, Debug, Default)]
pub struct Durable {
    /// Everything up to here would survive a power loss, and the event since which that is so.
    pub known: Zxid,
    pub event: u64,
    /// An fsync of a snapshot ended well since it was begun.
    pub snapshot_forced: bool,
    /// Log files with appended transactions, in the order of writing; those that are durable as a whole are left out.
    files: Vec<LogFile>,
    /// Operations under way, in the order of asking; those with one tag end in it too.
    under_way: Vec<(DiskTag, Option<Forcing>)>,
    /// The file that a recovery reads.
    loading: Option<FileName>,
}

#[derive(Clone, Debug)]
struct LogFile {
    name: FileName,
    /// What stands in it, from the first transaction to the last.
    first: Zxid,
    last: Zxid,
    /// What an fsync has made durable of it; the last zxid of nothing at first.
    forced: Zxid,
}

/// An fsync: what had been appended to its file when it began, if it is a log file.
#[derive(Clone, Debug)]
struct Forcing {
    file: FileName,
    up_to: Option<Zxid>,
    /// The snapshot that a recovery stands on.
    base: Option<Zxid>,
}

impl Durable {
    /// All there is up to `last` is on the medium.
    pub fn reset(&mut self, last: Zxid, event: u64) {
        *self = Durable { known: last, event, ..Durable::default() };
    }

    #[inline]
    pub fn appended(&mut self, zxid: Zxid, file: &FileName) {
        match self.files.last_mut().filter(|last| same(&last.name, file)) {
            Some(last) => last.last = zxid,
            None => self.begin_file(zxid, file.clone()),
        }
    }

    #[cold]
    fn begin_file(&mut self, zxid: Zxid, name: FileName) {
        self.files.push(LogFile { name, first: zxid, last: zxid, forced: Zxid::NONE });
    }

    /// A transaction was read back from the log.
    #[inline]
    pub fn replayed(&mut self, zxid: Zxid) {
        let Some(file) = self.loading.clone().filter(|_| zxid > self.known) else { return };
        match self.files.iter_mut().find(|log| same(&log.name, &file)) {
            Some(log) => log.last = log.last.max(zxid),
            None => self.begin_file(zxid, file),
        }
    }

    #[inline]
    pub fn started(&mut self, tag: DiskTag, op: &DiskOp) {
        if let (DiskTag::Recovery(_), DiskOp::Load { file }) = (tag, op) {
            self.loading = Some(file.clone());
        }
        let forcing = match op {
            DiskOp::Sync { file } | DiskOp::Write { file, forced: true, .. } => Some(self.forcing(tag, file)),
            _ => None,
        };
        self.under_way.push((tag, forcing));
    }

    fn forcing(&self, tag: DiskTag, file: &FileName) -> Forcing {
        let up_to = self.files.iter().rev().find(|log| same(&log.name, file)).map(|log| log.last);
        let base = if let DiskTag::Recovery(_) = tag { snapshot_in(file) } else { None };
        Forcing { file: file.clone(), up_to, base }
    }

    #[inline]
    pub fn done(&mut self, tag: DiskTag, well: bool, event: u64) {
        let Some(index) = self.under_way.iter().position(|(asked, _)| *asked == tag) else { return };
        // Mostly it is the only one.
        let ended = if index + 1 == self.under_way.len() { self.under_way.pop() } else { Some(self.under_way.remove(index)) };
        match ended {
            Some((_, Some(forcing))) if well => self.forced(tag, forcing, event),
            Some((DiskTag::Log, Some(forcing))) => self.refused(&forcing.file),
            _ => {}
        }
    }

    fn forced(&mut self, tag: DiskTag, Forcing { file, up_to, base }: Forcing, event: u64) {
        self.raise(base.unwrap_or(Zxid::NONE), event);
        self.snapshot_forced |= tag == DiskTag::Snapshot;
        if let Some((log, up_to)) = self.files.iter_mut().rev().find(|log| same(&log.name, &file)).zip(up_to) {
            log.forced = log.forced.max(up_to);
            self.advance(event);
        }
    }

    /// Nobody knows how much of what was not forced is in the file.
    #[cold]
    fn refused(&mut self, file: &FileName) {
        self.files.retain_mut(|log| {
            if same(&log.name, file) {
                log.last = log.forced;
            }
            log.last >= log.first
        });
    }

    /// What is durable of the first file that is not so as a whole ends what is known.
    fn advance(&mut self, event: u64) {
        while let Some(forced) = self.files.first().map(|first| first.forced) {
            self.raise(forced, event);
            if self.files.len() == 1 || self.files[0].forced < self.files[0].last {
                return;
            }
            self.files.remove(0);
        }
    }

    /// Everything up to `zxid` is durable, whatever made it so.
    pub fn raise(&mut self, zxid: Zxid, event: u64) {
        if zxid > self.known {
            (self.known, self.event) = (zxid, event);
        }
    }

    /// The log ends at `to` now.
    pub fn cut(&mut self, to: Zxid) {
        self.known = self.known.min(to);
        self.files.retain(|log| log.first <= to);
        for log in &mut self.files {
            (log.last, log.forced) = (log.last.min(to), log.forced.min(to));
        }
    }

    /// The process is gone, and the operations under way with it; after a power loss nobody knows what of the rest is left, either.
    pub fn process_ended(&mut self, lost_power: bool) {
        self.under_way.clear();
        if lost_power {
            self.files.clear();
        }
    }
}

/// The zxid in the name of a snapshot: all up to there is in it.
fn snapshot_in(file: &str) -> Option<Zxid> {
    let digits = file.rsplit('/').next()?.strip_prefix("snapshot.")?;
    u64::from_str_radix(digits, 16).ok().map(|zxid| Zxid(zxid as i64))
}

/// Names are shared, so that nearly always the pointers tell.
#[inline]
fn same(one: &FileName, other: &FileName) -> bool {
    std::sync::Arc::ptr_eq(one, other) || one == other
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::WriteAt;

    fn zxid(counter: u32) -> Zxid {
        Zxid::new(1, counter)
    }

    fn sync(file: &str) -> DiskOp {
        DiskOp::Sync { file: file.into() }
    }

    fn append(durable: &mut Durable, counter: u32, file: &str) {
        durable.appended(zxid(counter), &file.into());
    }

    #[test]
    fn a_sync_covers_what_was_appended_before_it_began() {
        let mut durable = Durable::default();
        append(&mut durable, 1, "log.1");
        durable.started(DiskTag::Log, &sync("log.1"));
        append(&mut durable, 2, "log.1");
        durable.done(DiskTag::Log, true, 9);
        assert_eq!((durable.known, durable.event), (zxid(1), 9));
    }

    /// The file may hold a beginning of it, which a successor reads back and forces.
    #[test]
    fn a_forced_write_covers_what_was_appended_right_before_it_unless_it_failed() {
        let write = DiskOp::Write { file: "log.1".into(), at: WriteAt::Byte(16), bytes: [0].into(), forced: true };
        let mut durable = Durable::default();
        for (counter, well) in [(1, true), (2, false)] {
            append(&mut durable, counter, "log.1");
            durable.started(DiskTag::Log, &write);
            durable.done(DiskTag::Log, well, 8);
            assert_eq!(durable.known, zxid(1));
        }
        durable.started(DiskTag::Recovery(3), &sync("log.1"));
        durable.done(DiskTag::Recovery(3), true, 9);
        assert_eq!(durable.known, zxid(1));
    }

    #[test]
    fn a_sync_that_failed_or_never_ended_covers_nothing() {
        let mut durable = Durable::default();
        append(&mut durable, 1, "log.1");
        durable.started(DiskTag::Log, &sync("log.1"));
        durable.done(DiskTag::Log, false, 9);
        durable.started(DiskTag::Log, &sync("log.1"));
        durable.process_ended(false);
        durable.done(DiskTag::Log, true, 10);
        assert_eq!(durable.known, Zxid::ZERO);
    }

    /// The successor forces what it reads, before it speaks of it.
    #[test]
    fn a_sync_of_the_next_process_covers_what_the_page_cache_kept() {
        for (lost_power, known) in [(false, zxid(1)), (true, Zxid::ZERO)] {
            let mut durable = Durable::default();
            append(&mut durable, 1, "log.1");
            durable.process_ended(lost_power);
            durable.started(DiskTag::Recovery(3), &sync("log.1"));
            durable.done(DiskTag::Recovery(3), true, 9);
            assert_eq!(durable.known, known);
        }
    }

    /// The process died between its write and the end of it.
    #[test]
    fn what_nobody_told_of_is_durable_once_it_was_read_and_forced() {
        let mut durable = Durable::default();
        append(&mut durable, 1, "log.1");
        durable.process_ended(false);
        for file in ["log.1", "log.3"] {
            durable.started(DiskTag::Recovery(1), &DiskOp::Load { file: file.into() });
            durable.done(DiskTag::Recovery(1), true, 8);
            (if file == "log.1" { 1..=2 } else { 3..=3 }).for_each(|counter| durable.replayed(zxid(counter)));
        }
        for (file, known) in [("log.1", zxid(2)), ("log.3", zxid(3))] {
            durable.started(DiskTag::Recovery(3), &sync(file));
            durable.done(DiskTag::Recovery(3), true, 9);
            assert_eq!(durable.known, known);
        }
    }

    #[test]
    fn a_recovery_forces_the_snapshot_that_it_stands_on() {
        let mut durable = Durable::default();
        for (tag, known) in [(DiskTag::Snapshot, Zxid::ZERO), (DiskTag::Recovery(0), zxid(0x1f))] {
            durable.started(tag, &sync("version-2/snapshot.10000001f"));
            durable.done(tag, true, 9);
            assert_eq!(durable.known, known);
        }
    }

    #[test]
    fn an_older_file_must_be_durable_too() {
        let mut durable = Durable::default();
        append(&mut durable, 1, "log.1");
        append(&mut durable, 2, "log.2");
        durable.started(DiskTag::Log, &sync("log.2"));
        durable.done(DiskTag::Log, true, 9);
        assert_eq!(durable.known, Zxid::ZERO);
        durable.started(DiskTag::Log, &sync("log.1"));
        durable.done(DiskTag::Log, true, 10);
        assert_eq!(durable.known, zxid(2));
    }

    #[test]
    fn operations_of_one_tag_end_in_their_order() {
        let mut durable = Durable::default();
        append(&mut durable, 1, "log.1");
        durable.started(DiskTag::Log, &DiskOp::List);
        durable.started(DiskTag::Snapshot, &sync("snapshot.1"));
        durable.started(DiskTag::Log, &sync("log.1"));
        durable.done(DiskTag::Log, true, 9);
        assert_eq!((durable.known, durable.snapshot_forced), (Zxid::ZERO, false));
        durable.done(DiskTag::Snapshot, true, 10);
        durable.done(DiskTag::Log, true, 11);
        assert_eq!((durable.known, durable.snapshot_forced), (zxid(1), true));
    }

    #[test]
    fn a_cut_takes_the_promise_back() {
        let mut durable = Durable::default();
        durable.reset(zxid(5), 3);
        append(&mut durable, 6, "log.1");
        durable.cut(zxid(4));
        assert_eq!(durable.known, zxid(4));
        append(&mut durable, 5, "log.2");
        durable.started(DiskTag::Log, &sync("log.2"));
        durable.done(DiskTag::Log, true, 9);
        assert_eq!(durable.known, zxid(5), "nothing waits for the file that is gone");
    }
}
