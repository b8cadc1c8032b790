//! A whole transcript against the simulated ensemble, up to the first line that differs.

use super::answer::{Answer, FieldDifference};
use super::driver::{Driver, Halt};
use super::ensemble::Setting;
use super::request::Request;
use super::shake::{self, Shaker};
use super::transcript::{Line, Transcript};
use crate::proto::{Micros, Span, Version};

/// How a transcript is replayed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Which release the servers behave like; `None`: the one that the transcript was recorded on.
    pub version: Option<Version>,
    /// Faults between the requests, drawn from this seed.
    pub shake: Option<u64>,
}

/// A line that came out otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// In the file, from 1; the header is the first.
    pub line: usize,
    /// Counts requests from 1.
    pub request_number: usize,
    /// Who asked; `None` for requests of nobody.
    pub session: Option<String>,
    /// As it stands in the file.
    pub request: String,
    pub expected: Answer,
    pub got: Got,
}

/// What a request came to that should have come to something else.
#[derive(Clone, Debug, PartialEq)]
pub enum Got {
    Answer(Answer),
    /// There is no answer to compare, for this reason.
    Nothing(String),
}

impl Difference {
    /// The values that differ; none when there is no answer to compare.
    pub fn fields(&self) -> Vec<FieldDifference> {
        match &self.got {
            Got::Answer(got) => self.expected.differences(got),
            Got::Nothing(_) => Vec::new(),
        }
    }
}

/// A replay without faults is always the same one, and its delays are none that matters.
const PLAIN: (u64, Span) = (1, Span::new(Micros::from_millis(1), Micros::from_millis(5)));

/// Plays a transcript. The first line that differs; `None` when all answers are the same.
pub fn replay(transcript: &Transcript, options: Options) -> Option<Difference> {
    let mut shaker = options.shake.map(Shaker::new);
    let mut driver = match set_up(transcript, options) {
        Ok(driver) => driver,
        Err(halt) => return transcript.lines.first().map(|line| difference(1, line, Got::Nothing(halt.to_string()))),
    };
    let differs = transcript.lines.iter().zip(1..).find_map(|(line, number)| {
        let shaken = shaker.as_mut().map_or(Ok(()), |shaker| shaker.shake(&mut driver));
        let got = match shaken.and_then(|()| driver.play(line)) {
            Ok(answer) if line.expected.differences(&answer).is_empty() => return None,
            Ok(answer) => Got::Answer(answer),
            Err(halt) => Got::Nothing(halt.to_string()),
        };
        Some(difference(number, line, got))
    });
    let found = || {
        let halt = driver.conclude().err()?;
        transcript.lines.last().map(|line| difference(transcript.lines.len(), line, Got::Nothing(halt.to_string())))
    };
    differs.or_else(found)
}

fn set_up(transcript: &Transcript, options: Options) -> Result<Driver, Halt> {
    let (seed, link) = options.shake.map_or(PLAIN, |seed| (seed, shake::LINK));
    let version = options.version.unwrap_or_else(|| transcript.version());
    let shaken = options.shake.is_some();
    let sweep = transcript.sweep.then(|| sweep_interval(transcript, shaken));
    Driver::new(&Setting { seed, version, sweep, link, wires: transcript.sessions() as u32 + 1 }, shaken)
}

/// So long that no pass comes by itself between those that the transcript asks for: they are counted from the last one on.
fn sweep_interval(transcript: &Transcript, shaken: bool) -> Micros {
    let request = if shaken { Micros::from_secs(5) } else { Micros::from_millis(200) };
    let time = transcript.lines.iter().map(|line| if let Request::Advance(time) = line.request { time } else { request });
    time.fold(Micros::from_secs(5), |sum, time| sum + time)
}

fn difference(request_number: usize, line: &Line, got: Got) -> Difference {
    Difference {
        line: line.number,
        request_number,
        session: line.session.map(|session| format!("s{}", session + 1)),
        request: line.text.clone(),
        expected: line.expected.clone(),
        got,
    }
}
