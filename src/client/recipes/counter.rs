//! A number that many add to. Who adds writes the sum only over the version that it has read. Reference §16; Curator `DistributedAtomicLong`.
//!
//! Beside the value stands the last call of each client that was added: `12 c1.5 c2.9`. So a client whose write got no answer learns from the next
//! reading whether it was applied, also when others have added since.

use super::script::{Run, Script, Stop, Unless};
use crate::bugs::Bug;
use crate::proto::{Bytes, CreateMode, ErrorCode, Path, RecipeCall, count_of, parent_path};
use crate::trace::Note;

/// What the node holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Tally {
    value: i64,
    /// By the name of the client: its last call that is in the value.
    marks: Vec<(String, u64)>,
}

pub fn add(zk: &mut Script, call: &RecipeCall) -> Run<String> {
    let (path, amount) = (&call.path, call.number.unwrap_or(1));
    let (me, mark) = (zk.me.to_string(), count_of(zk.number));
    // What was written over by a try of which nobody knows what became.
    let mut lost = None;
    loop {
        let (tally, version) = look(zk, path)?;
        match (lost, tally.mark_of(&me)) {
            // The mistake: whatever became of the try before, it is another version that is added to now.
            _ if zk.has(Bug::RecipeDoubleCount) => {}
            (Some(before), Some(known)) if known == mark => return done(zk, path, before, amount),
            // A later call of this client has taken the mark's place.
            (Some(_), Some(known)) if known > mark => return Err(Stop::Failed(ErrorCode::ConnectionLoss)),
            _ => {}
        }
        let Some(sum) = tally.value.checked_add(amount) else { return Err(Stop::Failed(ErrorCode::BadArguments)) };
        let data = tally.marked(&me, mark, sum).text();
        let written = match version {
            None => zk.create(path, Some(data), CreateMode::Persistent).map(drop),
            // The mistake: what others have added meanwhile is written over.
            Some(_) if zk.has(Bug::RecipeLostUpdate) => zk.set(path, data, -1).map(drop),
            Some(version) => zk.set(path, data, version).map(drop),
        };
        match written {
            Ok(()) => return done(zk, path, tally.value, amount),
            Err(Stop::Failed(ErrorCode::ConnectionLoss)) => lost = Some(tally.value),
            // Somebody was faster; or it was the try that got no answer.
            Err(Stop::Failed(ErrorCode::BadVersion | ErrorCode::NodeExists)) => {}
            Err(Stop::Failed(ErrorCode::NoNode)) if version.is_none() => zk.create_container(&parent_path(path).unwrap_or("/").into())?,
            Err(Stop::Failed(ErrorCode::NoNode)) => {}
            Err(stop) => return Err(stop),
        }
    }
}

/// The value as some server has it.
pub fn get(zk: &mut Script, call: &RecipeCall) -> Run<String> {
    look(zk, &call.path).map(|(tally, _)| tally.value.to_string())
}

fn done(zk: &mut Script, path: &Path, before: i64, amount: i64) -> Run<String> {
    let after = before + amount;
    zk.tell(|| Note::Counted { path: path.clone(), before, after });
    Ok(after.to_string())
}

/// What is there, and the version of that; zero, if there is no node.
fn look(zk: &mut Script, path: &Path) -> Run<(Tally, Option<i32>)> {
    match zk.data(path, false).unless(ErrorCode::NoNode)? {
        None => Ok((Tally::default(), None)),
        Some((data, stat)) => match Tally::read(data.as_deref().unwrap_or_default()) {
            Some(tally) => Ok((tally, Some(stat.version))),
            None => Err(Stop::Failed(ErrorCode::BadArguments)),
        },
    }
}

impl Tally {
    /// No data at all is zero.
    fn read(data: &[u8]) -> Option<Tally> {
        let mut words = std::str::from_utf8(data).ok()?.split_ascii_whitespace();
        let value = words.next().map_or(Some(0), |word| word.parse().ok())?;
        let mark = |word: &str| word.split_once('.').and_then(|(who, call)| Some((who.to_string(), call.parse().ok()?)));
        Some(Tally { value, marks: words.map(mark).collect::<Option<_>>()? })
    }

    fn mark_of(&self, me: &str) -> Option<u64> {
        self.marks.iter().find(|(who, _)| who == me).map(|(_, call)| *call)
    }

    /// The same marks with another one of this client, and this value.
    fn marked(&self, me: &str, call: u64, value: i64) -> Tally {
        let others = self.marks.iter().filter(|(who, _)| who != me).cloned();
        Tally { value, marks: others.chain([(me.to_string(), call)]).collect() }
    }

    fn text(&self) -> Bytes {
        let marks: String = self.marks.iter().map(|(who, call)| format!(" {who}.{call}")).collect();
        format!("{}{marks}", self.value).into_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let tally = Tally::read(b"-3 c1.5 c2.9").expect("a tally");
        assert_eq!((tally.value, tally.mark_of("c2"), tally.mark_of("c3")), (-3, Some(9), None));
        let next = tally.marked("c1", 12, 4);
        assert_eq!(&*next.text(), b"4 c2.9 c1.12");
        assert_eq!(Tally::read(&next.text()), Some(next));
        assert_eq!((Tally::read(b""), Tally::read(b"7")), (Some(Tally::default()), Some(Tally { value: 7, marks: Vec::new() })));
        for text in ["x", "1 c1", "1 c1.x", "\u{e9}"] {
            assert_eq!(Tally::read(text.as_bytes()), None, "{text}");
        }
    }
}
