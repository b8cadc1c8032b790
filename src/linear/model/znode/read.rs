//! Operations of a file, for the znode model.
//!
//! | `f` | `in` | `out` |
//! | --- | --- | --- |
//! | `create` | `path`, `data`?, `sequential`?, `ephemeral`? (the number of the session) | `path` |
//! | `delete`, `check` | `path`, `version`? | `done` |
//! | `setData` | `path`, `data`?, `version`? | `version`, or `done` |
//! | `getData` | `path` | `data`, `version`? |
//! | `exists` | `path` | `version`, or `done` |
//! | `getChildren` | `path` | `children` |
//! | `closeSession` | `session` | `done` |
//! | `multi` | `parts`: objects with `f` and `in` | `parts`: what each `out` would be |
//! | `given` | `path`, `data`?, `version` | `done`; a node that was there before |
//!
//! Each may be answered `error` instead, a multi with the number of the `part` that is to blame, from 0.

use std::sync::Arc;

use serde_json::Value;

use super::action::{Failure, Mode, Refusal, Reply, Request, ZnodeAction};
use crate::linear::flaw::{Wrong, field, is_unknown};

pub fn read(operation: &str, input: &Value, output: &Value, returned: bool) -> Result<Option<ZnodeAction>, Wrong> {
    let request = request(operation, input)?;
    if request.is_read() && (!returned || is_unknown(output)) {
        return Ok(None);
    }
    let told = if returned { Some(told(&request, output)?) } else { None };
    Ok(Some(ZnodeAction::new(request, told)))
}

fn request(operation: &str, input: &Value) -> Result<Request, Wrong> {
    let path = || text("in.path", field("in", input, "path")?);
    Ok(match operation {
        "create" => {
            let owner = optional(input, "ephemeral").map(|value| number("in.ephemeral", value)).transpose()?;
            let sequential = optional(input, "sequential").map_or(Ok(false), |value| yes_or_no("in.sequential", value))?;
            Request::Create { path: path()?, data: data(input)?, mode: Mode::new(sequential, owner) }
        }
        "delete" => Request::Delete { path: path()?, version: version(input)? },
        "setData" => Request::Set { path: path()?, data: data(input)?, version: version(input)? },
        "check" => Request::Check { path: path()?, version: version(input)? },
        "getData" => Request::Get { path: path()? },
        "exists" => Request::Exists { path: path()? },
        "getChildren" => Request::Children { path: path()? },
        "closeSession" => Request::Close { session: number("in.session", field("in", input, "session")?)? },
        "given" => Request::Given { path: path()?, data: data(input)?, version: version(input)? },
        "multi" => {
            let parts = field("in", input, "parts")?;
            let list = parts.as_array().ok_or_else(|| Wrong::new("in.parts", parts, "a list of operations"))?;
            Request::Multi(list.iter().map(part).collect::<Result<_, _>>()?)
        }
        other => return Err(Wrong::told(format!("unknown operation {other:?}"), "an operation of the znode model")),
    })
}

fn part(part: &Value) -> Result<Request, Wrong> {
    let name = field("in.parts", part, "f")?;
    match name.as_str() {
        Some(name @ ("create" | "delete" | "setData" | "check")) => request(name, field("in.parts", part, "in")?),
        _ => Err(Wrong::new("in.parts.f", name, "create, delete, setData or check")),
    }
}

fn told(request: &Request, output: &Value) -> Result<Result<Reply, Failure>, Wrong> {
    match output.get("error") {
        Some(error) => failure(error, output).map(Err),
        None => reply(request, output).map(Ok),
    }
}

fn failure(error: &Value, output: &Value) -> Result<Failure, Wrong> {
    let names = Refusal::ALL.map(Refusal::name).join(", ");
    let code = Refusal::ALL.into_iter().find(|code| error.as_str() == Some(code.name()));
    let code = code.ok_or_else(|| Wrong::new("out.error", error, &names))?;
    let part = optional(output, "part").map(|value| number("out.part", value)).transpose()?;
    Ok(Failure { code, part: part.map(|part| part as usize) })
}

fn reply(request: &Request, output: &Value) -> Result<Reply, Wrong> {
    let version = || optional(output, "version").map(|value| small("out.version", value)).transpose();
    Ok(match request {
        Request::Create { .. } => Reply::Created(text("out.path", field("out", output, "path")?)?),
        Request::Set { .. } | Request::Exists { .. } => match version()? {
            Some(version) => Reply::Version(Some(version)),
            None => done(output)?,
        },
        Request::Get { .. } => {
            let held = field("out", output, "data")?;
            let held = if held.is_null() { None } else { Some(text("out.data", held)?) };
            Reply::Data(held, version()?)
        }
        Request::Children { .. } => {
            let list = field("out", output, "children")?;
            let names = list.as_array().ok_or_else(|| Wrong::new("out.children", list, "a list of names"))?;
            let mut names: Vec<Arc<str>> = names.iter().map(|name| text("out.children", name)).collect::<Result<_, _>>()?;
            names.sort();
            Reply::Children(names)
        }
        Request::Multi(parts) => {
            let list = field("out", output, "parts")?;
            let told = list.as_array().filter(|told| told.len() == parts.len());
            let told = told.ok_or_else(|| Wrong::new("out.parts", list, "an answer for each part"))?;
            Reply::Parts(parts.iter().zip(told).map(|(part, told)| reply(part, told)).collect::<Result<_, _>>()?)
        }
        Request::Delete { .. } | Request::Check { .. } | Request::Close { .. } | Request::Given { .. } => done(output)?,
    })
}

fn done(output: &Value) -> Result<Reply, Wrong> {
    if output.get("done") == Some(&Value::Bool(true)) { Ok(Reply::Done) } else { Err(Wrong::new("out", output, r#"{"done":true} or an "error""#)) }
}

fn optional<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    object.get(name).filter(|value| !value.is_null())
}

fn data(input: &Value) -> Result<Option<Arc<str>>, Wrong> {
    optional(input, "data").map(|value| text("in.data", value)).transpose()
}

fn version(input: &Value) -> Result<i32, Wrong> {
    optional(input, "version").map_or(Ok(-1), |value| small("in.version", value))
}

fn text(place: &'static str, value: &Value) -> Result<Arc<str>, Wrong> {
    value.as_str().map(Arc::from).ok_or_else(|| Wrong::new(place, value, "a text"))
}

fn number(place: &'static str, value: &Value) -> Result<u64, Wrong> {
    value.as_u64().ok_or_else(|| Wrong::new(place, value, "a whole number from 0"))
}

fn small(place: &'static str, value: &Value) -> Result<i32, Wrong> {
    value.as_i64().and_then(|value| i32::try_from(value).ok()).ok_or_else(|| Wrong::new(place, value, "a whole number of 32 bits"))
}

fn yes_or_no(place: &'static str, value: &Value) -> Result<bool, Wrong> {
    value.as_bool().ok_or_else(|| Wrong::new(place, value, "true or false"))
}
