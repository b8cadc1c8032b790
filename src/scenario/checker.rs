//! Collecting what is wrong with the meaning of a file whose shape is right.

use std::ops::Range;

use super::document::Document;
use super::file::{ServerName, SpanText, TimeText};
use super::problem::{Path, Problem};
use crate::proto::{Micros, NodeId, ServerId, Span};
use crate::sim::action::text::TextError;

/// No time of a scenario is longer: 1000 hours. Sums of them stay far from overflow.
pub(super) const TIME_MAX: Micros = Micros::from_secs(3_600_000);

/// Servers are numbered from 1 to this, as `myid` is.
pub(super) const SERVER_MAX: i64 = 255;

pub(super) struct Checker<'d> {
    pub document: &'d Document<'d>,
    /// What is wrong with the shape. What depends on a misshapen value is not wrong as well.
    pub misshapen: Vec<Problem>,
    pub problems: Vec<Problem>,
}

impl Checker<'_> {
    /// The value at `place` is wrong.
    pub fn wrong(&mut self, place: &Path, message: impl Into<String>, help: impl Into<String>) {
        self.wrong_at(place, self.document.span(place), message, help);
    }

    /// The key that ends `place` is wrong.
    pub fn wrong_key(&mut self, place: &Path, message: impl Into<String>, help: impl Into<String>) {
        self.wrong_at(place, self.document.key_span(place), message, help);
    }

    /// Something at `span` of the source is wrong. An empty help is none.
    pub fn wrong_at(&mut self, place: &Path, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        if self.misshapen.iter().any(|problem| problem.place != *place && problem.place.is_within(place)) {
            return;
        }
        let help = Some(help.into()).filter(|help| !help.is_empty());
        self.problems.push(Problem { place: place.clone(), span, message: message.into(), help });
    }

    /// What was read from the text at `place`.
    pub fn text<T>(&mut self, place: &Path, read: Result<T, TextError>) -> Option<T> {
        let error = match read {
            Ok(value) => return Some(value),
            Err(error) => error,
        };
        let span = self.document.text_span(place, &error.span);
        self.problems.push(Problem { place: place.clone(), span, message: error.message, help: error.help });
        None
    }

    pub fn time(&mut self, place: &Path, text: &TimeText) -> Option<Micros> {
        let read = Micros::parse(&text.0).and_then(|time| short_enough(time, &text.0).map(|()| time));
        self.plain(place, read)
    }

    pub fn span(&mut self, place: &Path, text: &SpanText) -> Option<Span> {
        let read = Span::parse(&text.0).and_then(|span| short_enough(span.high, &text.0).map(|()| span));
        self.plain(place, read)
    }

    /// What was read from the whole text at `place`.
    pub fn plain<T>(&mut self, place: &Path, read: Result<T, String>) -> Option<T> {
        read.map_err(|message| self.wrong(place, message, "")).ok()
    }

    /// A name that must be `s1` to `s255`, whether or not the ensemble has it.
    pub fn server_name(&mut self, place: &Path, name: &ServerName) -> Option<ServerId> {
        let id = NodeId::parse(&name.0).filter(|node| node.to_string() == name.0).and_then(NodeId::as_server).filter(|id| id.0 <= SERVER_MAX);
        if id.is_none() {
            self.wrong_key(place, format!("`{}` is not a server", name.0), format!("servers are called s1 to s{SERVER_MAX}"));
        }
        id
    }
}

fn short_enough(time: Micros, text: &str) -> Result<(), String> {
    if time > TIME_MAX { Err(format!("`{text}` is too long a time: at most 1000h")) } else { Ok(()) }
}
