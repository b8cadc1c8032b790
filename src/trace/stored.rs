//! Stored traces: JSON lines. The first is the header, with all that is needed to run the same run again; then one line an event.
//!
//! The header seals the lines that follow it, so that a file that was cut off or edited is not mistaken for a run that went another way.
//! A line of an event carries its sentence too, so that a stored trace can be read with the eyes and shown again by a version that
//! would word it differently.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use xxhash_rust::xxh64::xxh64;

use super::kinds::is_headline_note;
use super::record::HEADLINE_RECORDS;
use super::{Entry, Event};
use crate::proto::{Micros, NodeId};

const FORMAT: &str = "zoolab-trace";

/// Version of the file format, told apart from the version of the simulated behaviour.
const VERSION: u32 = 1;

/// What a trace is a trace of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Version of the behaviour that made it: another one may rightly tell another story.
    pub behaviour: u32,
    /// Where the scenario was read from; only to be shown.
    pub file: String,
    /// The scenario's source text.
    pub scenario: String,
    pub seed: u64,
    /// What the command line changed about the scenario, as it was written there: `--no-bugs`.
    pub overrides: Vec<String>,
    /// Which part of the run the events are, as it was written on the command line: `--node=s1`.
    pub filter: Vec<String>,
}

/// An event as read from a stored trace. Two are equal when everything about them is, but for the sentence, whose wording may change.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredEvent {
    n: u64,
    at: Micros,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    node: Option<NodeId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cause: Option<u64>,
    kind: String,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    fields: Value,
    text: String,
}

/// A stored trace, read back.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredTrace {
    pub header: Header,
    pub events: Vec<StoredEvent>,
}

/// Why a text is no stored trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TraceError {
    /// It does not start with a header.
    NotATrace { why: String },
    /// The file format is another version's.
    OtherVersion { found: u64 },
    /// Its events are not those that the header seals.
    Changed,
    /// A line, counted from 1, is no event.
    BadLine { line: usize, why: String },
}

/// A whole stored trace: the header, then a line each event.
pub fn store<'a>(header: &Header, events: impl IntoIterator<Item = &'a Event>) -> String {
    let lines: String = events.into_iter().map(|event| event_line(event) + "\n").collect();
    header_line(header, &seal(&lines)) + "\n" + &lines
}

fn header_line(header: &Header, seal: &str) -> String {
    #[derive(Serialize)]
    struct Line<'a> {
        format: &'a str,
        version: u32,
        seal: &'a str,
        #[serde(flatten)]
        header: &'a Header,
    }
    serde_json::to_string(&Line { format: FORMAT, version: VERSION, seal, header }).expect("a header is text and numbers")
}

/// What the header says of the lines after it: their XXH64, in hexadecimal digits.
pub fn seal(lines: &str) -> String {
    format!("{:016x}", xxh64(lines.as_bytes(), 0))
}

/// The line of one event, without its newline.
fn event_line(event: &Event) -> String {
    serde_json::to_string(&Told { event, text: event.sentence() }).expect(SERIALISABLE)
}

#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    event: &'a Event,
    text: String,
}

const SERIALISABLE: &str = "events are structs of text and numbers";

impl StoredTrace {
    /// Whether a text begins as a stored trace does, whatever the rest.
    pub fn is_one(text: &str) -> bool {
        text.lines().next().is_some_and(|line| !matches!(read_header(line), Err(TraceError::NotATrace { .. })))
    }

    /// Reads a whole stored trace. The file format is checked first, then each line.
    pub fn read(text: &str) -> Result<StoredTrace, TraceError> {
        let mut lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
        let (first, number) = lines.next().ok_or_else(|| TraceError::NotATrace { why: "it is empty".into() })?;
        let (header, sealed) = read_header(first)?;
        let rest: String = text.split_inclusive('\n').skip(number).collect();
        if seal(&rest) != sealed {
            return Err(TraceError::Changed);
        }
        let event = |(line, number)| serde_json::from_str(line).map_err(|why| TraceError::BadLine { line: number, why: why.to_string() });
        Ok(StoredTrace { header, events: lines.map(event).collect::<Result<_, _>>()? })
    }
}

/// The header and its seal.
fn read_header(line: &str) -> Result<(Header, String), TraceError> {
    let not_a_trace = |why: String| TraceError::NotATrace { why };
    let mut value: Value = serde_json::from_str(line).map_err(|why| not_a_trace(why.to_string()))?;
    let object = value.as_object_mut().ok_or_else(|| not_a_trace("its first line is no object".into()))?;
    if object.shift_remove("format").as_ref().and_then(Value::as_str) != Some(FORMAT) {
        return Err(not_a_trace(format!("its first line does not say \"format\": \"{FORMAT}\"")));
    }
    match object.shift_remove("version").as_ref().and_then(Value::as_u64) {
        Some(version) if version == u64::from(VERSION) => {}
        Some(found) => return Err(TraceError::OtherVersion { found }),
        None => return Err(not_a_trace("its first line has no version".into())),
    }
    let sealed = object.shift_remove("seal").and_then(|seal| seal.as_str().map(String::from));
    let sealed = sealed.ok_or_else(|| not_a_trace("its first line has no seal".into()))?;
    let header = serde_json::from_value(value).map_err(|why| not_a_trace(why.to_string()))?;
    Ok((header, sealed))
}

impl PartialEq for StoredEvent {
    fn eq(&self, other: &StoredEvent) -> bool {
        let facts = |event: &StoredEvent| (event.n, event.at, event.node, event.cause);
        facts(self) == facts(other) && self.kind == other.kind && self.fields == other.fields
    }
}

/// The event as it would be read back.
impl From<&Event> for StoredEvent {
    fn from(event: &Event) -> StoredEvent {
        let value = serde_json::to_value(Told { event, text: event.sentence() }).expect(SERIALISABLE);
        serde_json::from_value(value).expect("an event reads back")
    }
}

impl Entry for StoredEvent {
    fn n(&self) -> u64 {
        self.n
    }

    fn at(&self) -> Micros {
        self.at
    }

    fn node(&self) -> Option<NodeId> {
        self.node
    }

    fn kind(&self) -> &str {
        &self.kind
    }

    fn packet_kind(&self) -> Option<&str> {
        self.fields.get("packet")?.as_str()?.split(' ').next()
    }

    fn sentence(&self) -> String {
        self.text.clone()
    }

    fn is_headline(&self) -> bool {
        is_headline_note(&self.kind) || HEADLINE_RECORDS.contains(&self.kind.as_str())
    }
}

impl fmt::Display for TraceError {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            TraceError::NotATrace { why } => write!(out, "this is not a stored trace: {why}"),
            TraceError::OtherVersion { found } => {
                write!(out, "this trace has version {found} of the format, and this program reads version {VERSION}")
            }
            TraceError::Changed => write!(out, "this trace was cut off or changed after it was stored"),
            TraceError::BadLine { line, why } => write!(out, "line {line} is not an event: {why}"),
        }
    }
}

impl std::error::Error for TraceError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{ConnId, Packet, ServerId};
    use crate::trace::{Note, Record, What};

    fn header() -> Header {
        Header {
            behaviour: 3,
            file: "scenarios/x.json".into(),
            scenario: "{\n  \"title\": \"x\" }".into(),
            seed: 7,
            overrides: vec!["--no-bugs".into()],
            filter: vec!["--all".into()],
        }
    }

    fn events() -> Vec<Event> {
        let packet = Packet::Initial { sid: ServerId(1) };
        let conn = ConnId { slot: 0, generation: 1 };
        [
            (None, What::Record(Record::Action { action: "crash s2".into() })),
            (Some(NodeId::server(2)), What::Record(Record::Crashed)),
            (Some(NodeId::server(1)), What::Record(Record::Sent { to: NodeId::server(3), conn, packet })),
            (Some(NodeId::server(1)), What::Note(Note::PeerLost { peer: ServerId(2) })),
            (Some(NodeId::server(1)), What::Note(Note::BootRefused { reason: "a \"quoted\" reason".into() })),
        ]
        .into_iter()
        .zip(1..)
        .map(|((node, what), n)| Event { n, at: Micros(n * 10), node, cause: (n > 1).then(|| n - 1), what })
        .collect()
    }

    fn stored() -> String {
        store(&header(), &events())
    }

    /// An edited trace under a seal that fits.
    fn sealed_again(text: &str) -> String {
        let (first, lines) = text.split_once('\n').expect("a header and lines");
        let (_, old) = stored().split_once('\n').map(|(first, lines)| (first.to_string(), seal(lines))).expect("a header and lines");
        first.replace(&old, &seal(lines)) + "\n" + lines
    }

    #[test]
    fn what_is_written_reads_back() {
        assert!(stored().starts_with(r#"{"format":"zoolab-trace","version":1,"seal":""#), "{}", stored());
        let trace = StoredTrace::read(&stored()).expect("a good trace");
        assert_eq!(trace.header, header());
        assert_eq!(trace.events, events().iter().map(StoredEvent::from).collect::<Vec<_>>());
    }

    #[test]
    fn a_stored_event_says_of_itself_what_the_event_says() {
        for event in &events() {
            let stored = StoredEvent::from(event);
            assert_eq!((stored.n(), stored.at(), stored.node(), stored.kind()), (event.n, event.at, event.node, event.kind()));
            assert_eq!((stored.sentence(), stored.is_headline()), (event.sentence(), event.is_headline()));
            assert_eq!(stored.packet_kind(), event.packet_kind());
        }
    }

    #[test]
    fn events_are_equal_by_their_facts_and_not_by_their_wording() {
        let reworded = sealed_again(&stored().replace("process crashes", "process dies"));
        assert_ne!(reworded, stored());
        assert_eq!(StoredTrace::read(&reworded), StoredTrace::read(&stored()));
        let later = sealed_again(&stored().replace("\"at\":20", "\"at\":21"));
        assert_ne!(StoredTrace::read(&later), StoredTrace::read(&stored()));
    }

    #[test]
    fn what_is_no_trace_is_refused_with_the_reason() {
        let message = |text: &str| StoredTrace::read(text).expect_err("a mistake").to_string();
        assert_eq!(message(""), "this is not a stored trace: it is empty");
        assert!(message("hello").starts_with("this is not a stored trace"));
        assert!(message("{\"title\": \"a scenario\"}").contains("zoolab-trace"));
        assert!(message("[1]").contains("no object"));
        let newer = stored().replacen("\"version\":1", "\"version\":2", 1);
        assert_eq!(message(&newer), "this trace has version 2 of the format, and this program reads version 1");
        let shorter = stored().lines().take(3).map(|line| format!("{line}\n")).collect::<String>();
        for changed in [&stored()[..stored().len() - 9], &shorter, &stored().replace("process crashes", "process dies")] {
            assert_eq!(message(changed), "this trace was cut off or changed after it was stored");
        }
        let nonsense = sealed_again(&stored().replacen("\"kind\":\"crashed\"", "\"kind\":7", 1));
        assert!(message(&nonsense).starts_with("line 3 is not an event"), "{}", message(&nonsense));
    }
}
