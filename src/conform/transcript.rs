//! Reading a transcript (`zk-transcript/1`): a header, then one request with its answer on each line.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use super::answer::Answer;
use super::fields::{Fields, Wrong};
use super::request::Request;
use crate::proto::{Op, Version};

/// What the first line must call itself.
pub const FORMAT: &str = "zk-transcript/1";

/// A recorded sequence of requests, and what a real ensemble answered.
#[derive(Clone, Debug)]
pub struct Transcript {
    /// What it shows, in words; that of a random one is how it was made.
    pub title: String,
    /// The server's release, as it says itself.
    pub server: Option<String>,
    /// The checker for containers ran while it was recorded.
    pub sweep: bool,
    pub lines: Vec<Line>,
}

/// One request, which waits for the one before it to be answered.
#[derive(Clone, Debug)]
pub struct Line {
    /// In the file, from 1; the header is the first.
    pub number: usize,
    /// Which session asks, by the order in which they are opened, from 0. `None` for requests of nobody.
    pub session: Option<usize>,
    pub request: Request,
    /// As it stands in the file, for those who read the difference.
    pub text: String,
    pub expected: Answer,
}

/// Why a file is no transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// In the file, from 1.
    pub line: usize,
    pub message: String,
    pub help: Option<String>,
}

impl fmt::Display for Flaw {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "line {}: {}", self.line, self.message)
    }
}

impl Transcript {
    /// Reads a whole file, up to the first line that is wrong.
    pub fn read(text: &str) -> Result<Transcript, Flaw> {
        let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line)).filter(|(_, line)| !line.trim().is_empty());
        let flaw = |line| move |wrong: Wrong| Flaw { line, message: wrong.message, help: wrong.help };
        let (at, header) = lines.next().ok_or_else(|| flaw(1)(no_transcript("the file is empty")))?;
        let mut transcript = header_of(header).map_err(flaw(at))?;
        let mut sessions = Sessions::default();
        for (number, text) in lines {
            let line = read_line(number, text, transcript.lines.len() + 1, &mut sessions).map_err(flaw(number))?;
            transcript.lines.push(line);
        }
        if transcript.lines.is_empty() {
            return Err(flaw(at)(Wrong::new("no request follows the header").with_help("an empty transcript would prove nothing")));
        }
        Ok(transcript)
    }

    /// How many sessions it opens.
    pub fn sessions(&self) -> usize {
        self.lines.iter().filter(|line| matches!(line.request, Request::Open { .. })).count()
    }

    /// Which behaviour it shows: that of the release that it was recorded on, if that is known here.
    pub fn version(&self) -> Version {
        match &self.server {
            Some(server) if server == "3.8" || server.starts_with("3.8.") => Version::V3_8,
            _ => Version::V3_9,
        }
    }
}

fn no_transcript(why: &str) -> Wrong {
    Wrong::new(format!("this is no transcript: {why}")).with_help(format!("the first line says {{\"format\":\"{FORMAT}\", …}}"))
}

fn header_of(text: &str) -> Result<Transcript, Wrong> {
    let value = parse(text).map_err(|wrong| no_transcript(&wrong.message))?;
    let mut fields = Fields::of("", &value).map_err(|wrong| no_transcript(&wrong.message))?;
    match fields.get("format") {
        Some(Value::String(format)) if format == FORMAT => {}
        Some(other) => return Err(no_transcript(&format!("its format is {other}"))),
        None => return Err(no_transcript("its first line has no `format`")),
    }
    let title = match fields.text("kind")? {
        "random" => {
            let any = i64::MIN..=i64::MAX;
            let (seed, ops) = (fields.number("seed", any.clone())?, fields.number("ops", any)?);
            format!("{ops} random requests, profile {}, seed {seed}", fields.text("profile")?)
        }
        "hand" => format!("{}: {}", fields.text("name")?, fields.text("rule")?),
        other => return Err(Wrong::unknown("kind", "kind of transcript", other, &["random", "hand"])),
    };
    let server = match fields.get("server") {
        None | Some(Value::Null) => None,
        Some(_) => Some(fields.text("server")?.to_string()),
    };
    fields.get("note");
    let sweep = fields.flag("sweep", false)?;
    fields.finish()?;
    Ok(Transcript { title, server, sweep, lines: Vec::new() })
}

/// Which sessions there have been, and which there are.
#[derive(Default)]
struct Sessions {
    opened: usize,
    live: BTreeSet<usize>,
}

impl Sessions {
    /// Whose request it is; the request must be one that this session can make now.
    fn take_part(&mut self, name: Option<&str>, request: &Request) -> Result<Option<usize>, Wrong> {
        let Some(name) = name else {
            return if request.is_of_nobody() { Ok(None) } else { Err(Wrong::new("`s` is missing: who asks?")) };
        };
        if request.is_of_nobody() {
            return Err(Wrong::new("s: this request belongs to no session").with_help("leave `s` out"));
        }
        let number = name.strip_prefix('s').and_then(|digits| digits.parse::<usize>().ok()).filter(|number| *number > 0);
        let session = number.ok_or_else(|| Wrong::new(format!("s: `{name}` is no session")).with_help("sessions are called s1, s2, …"))? - 1;
        if matches!(request, Request::Open { .. }) {
            if session != self.opened {
                let next = Wrong::new(format!("s: `{name}` is opened where s{} is next", self.opened + 1));
                return Err(next.with_help("sessions are named in the order in which they are opened"));
            }
            self.opened += 1;
            self.live.insert(session);
        } else if !self.live.contains(&session) {
            let open: Vec<String> = self.live.iter().map(|session| format!("s{}", session + 1)).collect();
            let none = if open.is_empty() { "no session is open here".into() } else { format!("open here: {}", open.join(", ")) };
            return Err(Wrong::new(format!("s: `{name}` is not open")).with_help(none));
        }
        if matches!(request, Request::Expire | Request::Op(Op::CloseSession)) {
            self.live.remove(&session);
        }
        Ok(Some(session))
    }
}

fn read_line(number: usize, text: &str, count: usize, sessions: &mut Sessions) -> Result<Line, Wrong> {
    let value = parse(text)?;
    let mut fields = Fields::of("", &value)?;
    let i = fields.number("i", i64::MIN..=i64::MAX)?;
    if i != count as i64 {
        return Err(Wrong::new(format!("i: {i} where request {count} is next")));
    }
    let name = fields.get("s").map(|_| fields.text("s")).transpose()?;
    let asked = fields.need("req")?;
    let request = Request::read(Fields::of("req", asked)?)?;
    let expected = Answer::read(&mut fields)?;
    fields.finish()?;
    let session = sessions.take_part(name, &request)?;
    Ok(Line { number, session, request, text: asked.to_string(), expected })
}

fn parse(text: &str) -> Result<Value, Wrong> {
    // The one line that is read is none of the error's business.
    serde_json::from_str(text).map_err(|error| Wrong::new(format!("not JSON: {}", error.to_string().replace(" at line 1", " at"))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{CreateForm, CreateMode};

    const HEAD: &str = r#"{"format":"zk-transcript/1","kind":"hand","name":"a","rule":"b","server":"3.8.0"}"#;
    const OPEN: &str = r#"{"i":1,"s":"s1","req":{"op":"open","timeout":30000},"res":{"rc":0},"z":1}"#;

    fn flaw(lines: &[&str]) -> (usize, String, String) {
        let flaw = Transcript::read(&lines.join("\n")).expect_err("a flaw");
        (flaw.line, flaw.message, flaw.help.unwrap_or_default())
    }

    #[test]
    fn a_transcript_is_read() {
        let create = r#"{"i":2,"s":"s1","req":{"op":"create","path":"/o","data":{"hex":"00fF"},"mode":"ttl","ttl":5},"res":{"rc":-8},"z":2}"#;
        let transcript = Transcript::read(&format!("{HEAD}\n{OPEN}\n\n{create}\n")).expect("a transcript");
        assert_eq!((transcript.title.as_str(), transcript.version(), transcript.sessions()), ("a: b", Version::V3_8, 1));
        let line = &transcript.lines[1];
        assert_eq!((line.number, line.session), (4, Some(0)));
        let Request::Op(Op::Create { form, data, mode, .. }) = &line.request else { panic!("{line:?}") };
        assert_eq!((data.as_deref(), *mode, *form), (Some(&[0, 255][..]), CreateMode::Ttl, CreateForm::Ttl(5)));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let second = |req: &str| format!(r#"{{"i":2,"s":"s1","req":{req},"res":{{"rc":0}},"z":2}}"#);
        for (lines, at, message, help) in [
            (vec![], 1, "the file is empty", "zk-transcript/1"),
            (vec!["[1]"], 1, "[1] where an object is needed", "zk-transcript/1"),
            (vec!["{\"title\":\"x\"}"], 1, "has no `format`", ""),
            (vec!["{\"format\":\"zk-transcript/9\"}"], 1, "its format is \"zk-transcript/9\"", ""),
            (vec![HEAD], 1, "no request follows", ""),
            (vec![HEAD, "{"], 2, "not JSON: EOF", ""),
            (vec![HEAD, OPEN, OPEN], 3, "i: 1 where request 2 is next", ""),
            (vec![HEAD, OPEN, &OPEN.replace("\"i\":1", "\"i\":2")], 3, "`s1` is opened where s2 is next", "in the order"),
            (vec![HEAD, OPEN, &second(r#"{"op":"craete","path":"/o"}"#)], 3, "req.op: `craete` is no request", "did you mean `create`?"),
            (vec![HEAD, OPEN, &second(r#"{"op":"get","path":"/o","wacth":true}"#)], 3, "req: `wacth` is no field here", "`watch`"),
            (vec![HEAD, OPEN, &second(r#"{"op":"get"}"#)], 3, "req: `path` is missing", ""),
            (vec![HEAD, OPEN, &second(r#"{"op":"get","path":7}"#)], 3, "req.path: 7 where text is needed", ""),
            (vec![HEAD, OPEN, &second(r#"{"op":"create","path":"/o","mode":"ephemral"}"#)], 3, "req.mode: `ephemral`", "`ephemeral`"),
            (vec![HEAD, OPEN, &second(r#"{"op":"create","path":"/o","data":{"hex":"0"}}"#)], 3, "req.data: {\"hex\":\"0\"}", ""),
            (vec![HEAD, OPEN, &second(r#"{"op":"multi","ops":[{"op":"get","path":"/o"}]}"#)], 3, "req.ops[0].op: `get`", "`set`"),
            (vec![HEAD, OPEN, &second(r#"{"op":"delete","path":"/o","version":3000000000}"#)], 3, "req.version: 3000000000", ""),
            (vec![HEAD, OPEN, &second(r#"{"op":"sweep"}"#)], 3, "belongs to no session", ""),
            (vec![HEAD, OPEN, &second(r#"{"op":"close"}"#).replace("\"s1\"", "\"s2\"")], 3, "`s2` is not open", "open here: s1"),
            (vec![HEAD, OPEN, &second(r#"{"op":"close"}"#).replace("{\"rc\":0}", "0")], 3, "res: 0 where an object is needed", ""),
        ] {
            let (line, said, helped) = flaw(&lines);
            assert!(line == at && said.contains(message) && helped.contains(help), "{lines:?}: {line}: {said} ({helped})");
        }
    }
}
