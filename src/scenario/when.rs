//! Patterns of events: `[NODE] KIND [FIELD=VALUE …] [#NTH]`, as `when`, `saw` and `not_saw` use them.
//!
//! A syntax of its own: it matches kinds and fields of the trace, never the narration's wording, which may change any time.

use std::fmt::{self, Write as _};

use serde_json::Value;

use crate::proto::NodeId;
use crate::sim::action::text::{TextError, Word, one_of, words, written};
use crate::trace::{Event, What, fields_of, is_note, kinds, nearest, of_clients};

/// Version of this syntax; it grows when a pattern that was valid changes its meaning.
pub const WHEN_VERSION: u32 = 1;

/// A word for an event that people name differently from the trace.
struct Short {
    word: &'static str,
    kind: &'static str,
    /// A field's name and value that belong to its meaning.
    field: Option<(&'static str, &'static str)>,
}

const SHORT: [Short; 7] = [
    Short { word: "looking", kind: "looking_started", field: None },
    Short { word: "leading", kind: "elected", field: Some(("state", "LEADING")) },
    Short { word: "following", kind: "elected", field: Some(("state", "FOLLOWING")) },
    Short { word: "observing", kind: "elected", field: Some(("state", "OBSERVING")) },
    Short { word: "up", kind: "started", field: None },
    Short { word: "expired", kind: "session_expired", field: None },
    Short { word: "told", kind: "event_delivered", field: None },
];

/// Which events match: all that is given must hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventPattern {
    /// Whom it happens to; `None`: anybody.
    pub node: Option<NodeId>,
    /// A kind of note or kernel record.
    pub kind: &'static str,
    /// Fields by name (`round`, or `vote.leader` inside another) and the text their values must have.
    pub fields: Vec<(String, String)>,
    /// The how-manieth match counts, from 1.
    pub nth: u32,
}

impl EventPattern {
    /// Reads a pattern. The error points into `text`.
    pub fn parse(text: &str) -> Result<EventPattern, TextError> {
        let all = words(text)?;
        let mut left = all.as_slice();
        let node = left.first().and_then(|word| NodeId::parse(&word.text));
        if node.is_some() {
            left = &left[1..];
        }
        let Some((kind, rest)) = left.split_first() else {
            return Err(TextError::new(text.len()..text.len(), "a kind of event is missing").with_help("for example `s2 established`"));
        };
        let (word, (kind, implied)) = (kind, kind_of(kind)?);
        if let Some(node) = node {
            can_happen_to(node, kind, word)?;
        }
        let mut event = EventPattern { node, kind, fields: implied.into_iter().collect(), nth: 1 };
        for (index, word) in rest.iter().enumerate() {
            match word.text.strip_prefix('#') {
                Some(number) if index + 1 == rest.len() => event.nth = nth(word, number)?,
                Some(_) => return Err(TextError::new(word.span.clone(), format!("`{}` must be the last word", word.text))),
                None => event.add_field(word)?,
            }
        }
        Ok(event)
    }

    fn add_field(&mut self, word: &Word) -> Result<(), TextError> {
        let Some((name, value)) = word.text.split_once('=').filter(|(name, value)| !name.is_empty() && !value.is_empty()) else {
            let help = "a pattern is [NODE] KIND [FIELD=VALUE ..] [#NTH], such as `s2 vote_changed to.leader=s3 #2`";
            return Err(TextError::new(word.span.clone(), format!("`{}` is not FIELD=VALUE", word.text)).with_help(help));
        };
        if self.fields.iter().any(|(earlier, _)| earlier == name) {
            return Err(TextError::new(word.span.clone(), format!("field `{name}` is given twice")));
        }
        // Only the outer name can be checked: what is inside a field depends on its value.
        let known = fields_of(self.kind).unwrap_or(&[]);
        let outer = name.split('.').next().unwrap_or(name);
        if !known.contains(&outer) {
            let message = format!("{} has no field `{outer}`", self.kind);
            let help = if known.is_empty() { "it has no fields at all".into() } else { one_of(outer, known.iter().copied()) };
            return Err(TextError::new(word.span.clone(), message).with_help(help));
        }
        self.fields.push((name.into(), value.into()));
        Ok(())
    }

    /// Whether `event` is of this pattern, `nth` aside.
    pub fn matches(&self, event: &Event) -> bool {
        let right_node = self.node.is_none_or(|node| event.node == Some(node));
        right_node && event.kind() == self.kind && (self.fields.is_empty() || self.fields_match(&event.what))
    }

    fn fields_match(&self, what: &What) -> bool {
        let Ok(json) = serde_json::to_value(what) else { return false };
        self.fields.iter().all(|(name, value)| {
            let found = name.split('.').try_fold(&json["fields"], |object, part| object.get(part));
            found.is_some_and(|found| text_of(found) == *value)
        })
    }
}

/// A field's value as patterns write it: lists joined by commas, a variant with contents by its name.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text_of).collect::<Vec<_>>().join(","),
        Value::Object(fields) => fields.keys().next().cloned().unwrap_or_default(),
        other => other.to_string(),
    }
}

type Implied = Option<(String, String)>;

fn kind_of(word: &Word) -> Result<(&'static str, Implied), TextError> {
    let name = word.text.as_str();
    if let Some(short) = SHORT.iter().find(|short| short.word == name) {
        return Ok((short.kind, short.field.map(|(name, value)| (name.into(), value.into()))));
    }
    if let Some(kind) = kinds().find(|kind| *kind == name) {
        return Ok((kind, None));
    }
    let meant = nearest(name, kinds().chain(SHORT.iter().map(|short| short.word)));
    let help = match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "kinds of events are those of the trace: `zoolab trace FILE` shows them".into(),
    };
    Err(TextError::new(word.span.clone(), format!("no event is called `{name}`")).with_help(help))
}

/// Notes are of servers or of clients; what the kernel records can happen to both.
fn can_happen_to(node: NodeId, kind: &str, word: &Word) -> Result<(), TextError> {
    let is_note = is_note(kind);
    let is_of_clients = of_clients().any(|known| known == kind);
    let what = match node {
        NodeId::Client(_) if is_note && !is_of_clients => "client",
        NodeId::Server(_) if is_of_clients => "server",
        _ => return Ok(()),
    };
    let error = TextError::new(word.span.clone(), format!("no {what} can have the event `{}`", word.text));
    Err(error.with_help(format!("events of clients are {}", of_clients().collect::<Vec<_>>().join(", "))))
}

fn nth(word: &Word, number: &str) -> Result<u32, TextError> {
    let nth = number.parse().ok().filter(|nth| *nth > 0 && number.bytes().all(|byte| byte.is_ascii_digit()));
    nth.ok_or_else(|| TextError::new(word.span.clone(), format!("`{}` is not a count: #1, #2, …", word.text)))
}

/// The syntax of patterns and every kind of event with its fields, as `zoolab help when` prints it.
pub fn when_help() -> String {
    let mut help = String::from(INTRODUCTION);
    for Short { word, kind, field } in &SHORT {
        let field = field.map(|(name, value)| format!(" {name}={value}")).unwrap_or_default();
        let _ = writeln!(help, "  {word:<24} is short for {kind}{field}");
    }
    help.push_str("\nKinds of events and their fields:\n");
    for kind in kinds() {
        let row = format!("  {kind:<24} {}", fields_of(kind).unwrap_or(&[]).join(" "));
        let _ = writeln!(help, "{}", row.trim_end());
    }
    help
}

const INTRODUCTION: &str = "\
An event is named by a pattern, in `when` of a step and in `saw` and `not_saw`
of what is expected:

  [NODE] KIND [FIELD=VALUE ..] [#NTH]

  established                     somebody is established as leader
  s2 vote_changed to.leader=s3    s2 changes its vote to s3, whatever the zxid
  s1 looking #2                   s1 looks for a leader the second time
  c1 returned result=NoNode       client c1 is answered NoNode

All that is given must hold. What is inside a field is reached with a dot,
lists are joined by commas. A step counts events from the firing of the step
before it. `zoolab trace FILE --format jsonl` shows values.

Words of their own:
";

/// The shortest text that reads back to the same pattern.
impl fmt::Display for EventPattern {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        if let Some(node) = self.node {
            write!(out, "{node} ")?;
        }
        let first = self.fields.first().map(|(name, value)| (name.as_str(), value.as_str()));
        let short = SHORT.iter().find(|short| short.kind == self.kind && short.field.is_none_or(|field| Some(field) == first));
        out.write_str(short.map_or(self.kind, |short| short.word))?;
        let implied = usize::from(short.is_some_and(|short| short.field.is_some()));
        for (name, value) in &self.fields[implied..] {
            write!(out, " {}", written(&format!("{name}={value}")))?;
        }
        if self.nth > 1 { write!(out, " #{}", self.nth) } else { Ok(()) }
    }
}
