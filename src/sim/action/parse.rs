//! Reading the text form of actions: a cursor over the words of a line and the parts that verbs are made of.

use std::ops::Range;

use super::super::disk::{DISK_FAULTS, DiskFault};
use super::text::{TextError, Word, one_of, words};
use super::verbs::VERBS;
use super::{Action, DRIFT_PPM_MAX, Link, Percent, Shift, Who, client};
use crate::proto::{Command, Micros, NodeId, PACKET_KINDS, ServerId, Span};
use crate::trace::nearest;

impl Action {
    /// Reads one line of the grammar. The error points into `line`.
    pub fn parse(line: &str) -> Result<Action, TextError> {
        let mut words = Words::of(line)?;
        let first = words.next("an action").map_err(|error| error.with_help("the grammar is in `zoolab help steps`"))?.clone();
        if let Some(node @ NodeId::Client(_)) = NodeId::parse(&first.text).filter(|node| node.to_string() == first.text) {
            return client::command(&mut words).map(|command| Action::Client { who: Who::Node(node), command });
        }
        let Some(verb) = VERBS.iter().find(|verb| verb.name == first.text) else {
            let help = one_of(&first.text, VERBS.iter().map(|verb| verb.name));
            return Err(TextError::new(first.span, format!("unknown verb `{}`", first.text)).with_help(help));
        };
        let action = (verb.take)(&mut words).and_then(|action| words.finish().map(|()| action));
        action.map_err(|error| if error.help.is_some() { error } else { error.with_help(format!("the form is `{}`", verb.form)) })
    }
}

/// What a client is told, without its name: `get /a`. The error points into `line`.
pub fn parse_command(line: &str) -> Result<Command, TextError> {
    client::command(&mut Words::of(line)?)
}

/// The time of `sleep TIME`; nothing, if the line is about something else.
pub fn parse_sleep(line: &str) -> Result<Option<Micros>, TextError> {
    let mut words = Words::of(line)?;
    if !words.next_is("sleep") {
        return Ok(None);
    }
    let form = |error: TextError| error.with_help("the form is `sleep TIME`");
    let span = words.left().first().map(|word| word.span.clone());
    let time = time(&mut words).and_then(|time| words.finish().map(|()| time)).map_err(form)?;
    match span {
        Some(span) if time == Micros::ZERO => Err(form(TextError::new(span, "no time at all"))),
        _ => Ok(Some(time)),
    }
}

/// The words of a line, taken one after the other.
pub(super) struct Words<'a> {
    line: &'a str,
    words: Vec<Word>,
    next: usize,
    /// Where they end: there something is missing.
    end: usize,
}

impl<'a> Words<'a> {
    fn of(line: &'a str) -> Result<Words<'a>, TextError> {
        Ok(Words { line, words: words(line)?, next: 0, end: line.len() })
    }

    /// The next word; `expected` says what is missing when there is none.
    pub(super) fn next(&mut self, expected: &str) -> Result<&Word, TextError> {
        let end = self.end;
        let word = self.words.get(self.next).ok_or_else(|| TextError::new(end..end, format!("{expected} is missing")))?;
        self.next += 1;
        Ok(word)
    }

    /// The next word if its text passes.
    pub(super) fn next_if(&mut self, passes: impl Fn(&str) -> bool) -> Option<&Word> {
        let word = self.words.get(self.next).filter(|word| !word.quoted && passes(&word.text))?;
        self.next += 1;
        Some(word)
    }

    pub(super) fn next_is(&mut self, text: &str) -> bool {
        self.next_if(|word| word == text).is_some()
    }

    pub(super) fn is_done(&self) -> bool {
        self.next == self.words.len()
    }

    /// All words that are left, not yet taken.
    pub(super) fn left(&self) -> &[Word] {
        &self.words[self.next..]
    }

    pub(super) fn end(&self) -> usize {
        self.end
    }

    /// What is left, divided where this word stands; takes it all.
    pub(super) fn split(&mut self, separator: &str) -> Vec<Words<'a>> {
        let left = self.words.split_off(self.next);
        let is_separator = |word: &Word| word.text == separator && !word.quoted;
        let ends = left.iter().filter(|word| is_separator(word)).map(|word| word.span.start).chain([self.end]);
        left.split(is_separator).zip(ends).map(|(part, end)| Words { line: self.line, words: part.to_vec(), next: 0, end }).collect()
    }

    /// The rest of the line as it is written, and where it stands; takes it.
    fn rest(&mut self, expected: &str) -> Result<(&'a str, Range<usize>), TextError> {
        let start = self.next(expected)?.span.start;
        self.next = self.words.len();
        let rest = self.line[start..].trim_end();
        Ok((rest, start..start + rest.len()))
    }

    pub(super) fn finish(&self) -> Result<(), TextError> {
        self.left().first().map_or(Ok(()), |word| Err(TextError::new(word.span.clone(), format!("`{}` is too much", word.text))))
    }
}

/// `A -> B`, or `A B` for both ways.
pub(super) fn link(words: &mut Words) -> Result<Link, TextError> {
    let start = words.left().first().map_or(0, |word| word.span.start);
    let from = Who::take(words)?;
    let both_ways = !words.next_is("->");
    let to = Who::take(words)?;
    let end = words.words[words.next - 1].span.end;
    different(from, to, start..end)?;
    Ok(Link { from, to, both_ways })
}

/// `A -> B` only.
pub(super) fn one_way(words: &mut Words) -> Result<Link, TextError> {
    let start = words.left().first().map_or(0, |word| word.span.start);
    let link = link(words)?;
    if link.both_ways {
        let end = words.words[words.next - 1].span.end;
        return Err(TextError::new(start..end, "a message goes one way: `->` is missing"));
    }
    Ok(link)
}

/// Two nodes that must not be the same.
pub(super) fn pair(words: &mut Words) -> Result<(Who, Who), TextError> {
    let start = words.left().first().map_or(0, |word| word.span.start);
    let (one, other) = (Who::take(words)?, Who::take(words)?);
    let end = words.words[words.next - 1].span.end;
    different(one, other, start..end)?;
    Ok((one, other))
}

pub(super) fn different(one: Who, other: Who, span: Range<usize>) -> Result<(), TextError> {
    if one == other { Err(TextError::new(span, format!("`{one}` has no link to itself"))) } else { Ok(()) }
}

/// `A.. | B.. | …`: at least two groups, nobody twice.
pub(super) fn groups(words: &mut Words) -> Result<Vec<Vec<Who>>, TextError> {
    let mut groups = vec![Vec::new()];
    let mut named = Vec::new();
    while let Some(span) = words.left().first().map(|word| word.span.clone()) {
        let group = groups.last_mut().expect("there is always an open group");
        if words.next_is("|") {
            if group.is_empty() {
                return Err(TextError::new(span, "nobody stands on the left of this `|`"));
            }
            groups.push(Vec::new());
            continue;
        }
        let who = Who::take(words)?;
        if named.contains(&who) {
            return Err(TextError::new(span, format!("`{who}` stands twice in this partition")));
        }
        named.push(who);
        group.push(who);
    }
    let end = words.line.len();
    if groups.last().is_some_and(Vec::is_empty) {
        return Err(TextError::new(end..end, "a group of nodes is missing"));
    }
    if groups.len() < 2 {
        return Err(TextError::new(end..end, "a partition has at least two groups, with `|` between them"));
    }
    Ok(groups)
}

/// `for TIME`, or nothing.
pub(super) fn lasting(words: &mut Words) -> Result<Option<Micros>, TextError> {
    if words.next_is("for") { time(words).map(Some) } else { Ok(None) }
}

pub(super) fn time(words: &mut Words) -> Result<Micros, TextError> {
    let word = words.next("a time (250ms)")?;
    Micros::parse(&word.text).map_err(|message| TextError::new(word.span.clone(), message))
}

pub(super) fn span(words: &mut Words) -> Result<Span, TextError> {
    let word = words.next("a span of time (1ms..10ms)")?;
    Span::parse(&word.text).map_err(|message| TextError::new(word.span.clone(), message))
}

pub(super) fn server(words: &mut Words) -> Result<ServerId, TextError> {
    let word = words.next("a server (s1)")?;
    let server = NodeId::parse(&word.text).and_then(NodeId::as_server);
    server.ok_or_else(|| TextError::new(word.span.clone(), format!("`{}` is not a server", word.text)))
}

/// A name of a packet kind, or nothing.
pub(super) fn packet(words: &mut Words) -> Result<Option<&'static str>, TextError> {
    if words.is_done() {
        return Ok(None);
    }
    name_of(words, "a kind of packet", &PACKET_KINDS).map(Some)
}

/// The next word as one of `names`.
pub(super) fn name_of(words: &mut Words, what: &str, names: &'static [&'static str]) -> Result<&'static str, TextError> {
    let word = words.next(what)?;
    names.iter().copied().find(|name| *name == word.text).ok_or_else(|| {
        let help = one_of(&word.text, names.iter().copied());
        TextError::new(word.span.clone(), format!("`{}` is not {what}", word.text)).with_help(help)
    })
}

/// `12.5%` as parts per million.
pub(super) fn percent(words: &mut Words) -> Result<u32, TextError> {
    let word = words.next("a percentage (12.5%)")?;
    let wrong = || TextError::new(word.span.clone(), format!("`{}` is not a percentage", word.text));
    Percent::parse(&word.text).map(|percent| percent.ppm).ok_or_else(|| wrong().with_help("0% to 100%, with at most four decimals"))
}

impl Percent {
    /// Reads `12.5%`: at most 100, at most four decimals.
    pub fn parse(text: &str) -> Option<Percent> {
        let number = text.strip_suffix('%')?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || fraction.len() > 4 {
            return None;
        }
        let whole = whole.parse::<u32>().ok().filter(|whole| *whole <= 100)?;
        let fraction = format!("{fraction:0<4}").parse::<u32>().ok()?;
        Some(Percent { ppm: whole * 10_000 + fraction }).filter(|percent| percent.ppm <= 1_000_000)
    }
}

/// `5s`, `+5s`, `-5s`.
pub(super) fn shift(words: &mut Words) -> Result<Shift, TextError> {
    let word = words.next("a time, forwards or backwards (5s, -5s)")?;
    Shift::parse(&word.text).map_err(|message| TextError::new(word.span.clone(), message))
}

impl Shift {
    /// Reads a time with an optional sign.
    pub fn parse(text: &str) -> Result<Shift, String> {
        let (negative, time) = match text.strip_prefix('-') {
            Some(time) => (true, time),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let micros = i64::try_from(Micros::parse(time)?.0).map_err(|_| format!("`{text}` is too long a time"))?;
        Ok(Shift(if negative { -micros } else { micros }))
    }
}

/// `200ppm`, `+200 ppm`, `-200ppm`.
pub(super) fn ppm(words: &mut Words) -> Result<i32, TextError> {
    let word = words.next("a drift (200ppm)")?.clone();
    let number = match word.text.strip_suffix("ppm") {
        Some(number) => number,
        None if words.next_is("ppm") => &word.text,
        None => return Err(TextError::new(word.span, format!("`{}` is not a drift: a number and `ppm`", word.text))),
    };
    let ppm = number.parse().ok().filter(|ppm| (-DRIFT_PPM_MAX..=DRIFT_PPM_MAX).contains(ppm));
    ppm.ok_or_else(|| TextError::new(word.span, format!("`{number}` is not a drift: -{DRIFT_PPM_MAX}ppm to {DRIFT_PPM_MAX}ppm")))
}

/// A fault of a disk, in the disk's own grammar: the rest of the line.
pub(super) fn disk_fault(words: &mut Words) -> Result<DiskFault, TextError> {
    let (text, span) = words.rest("a disk fault")?;
    DiskFault::parse(text).map_err(|message| {
        let faults = DISK_FAULTS.iter().filter_map(|(form, _)| form.split(' ').next());
        let meant = text.split_whitespace().next().and_then(|word| nearest(word, faults).filter(|fault| *fault != word));
        let meant = meant.map(|fault| format!("did you mean `{fault}`? ")).unwrap_or_default();
        TextError::new(span, message).with_help(format!("{meant}`zoolab help steps` lists the faults of disks"))
    })
}
