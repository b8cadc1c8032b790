//! Histories made by chance: clients of an object that answers rightly, and what may be wrong with them.

#[path = "forest.rs"]
mod forest;

use serde_json::{Value, json};
use zoolab::linear::{AnyHistory, Content, History, Kv, Model, Operation, Outcome, Register, RegisterAction, Znode};

/// A small generator of random numbers (SplitMix64).
pub struct Chance(pub u64);

impl Chance {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)) % bound
    }

    pub fn in_hundred(&mut self, share: u64) -> bool {
        self.below(100) < share
    }
}

/// What a history is like.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub operations: usize,
    pub processes: u64,
    /// Values of a register, or keys.
    pub values: u64,
    /// Of a hundred operations, those that never return.
    pub lost: u64,
    /// Of a hundred, those whose answer is changed.
    pub wrong: u64,
}

/// Shapes of many kinds, from tiny to what the plain search still manages.
pub fn shape(chance: &mut Chance) -> Shape {
    Shape {
        operations: 3 + chance.below(38) as usize,
        processes: 1 + chance.below(7),
        values: 1 + chance.below(5),
        lost: [0, 0, 5, 20, 40][chance.below(5) as usize],
        wrong: [0, 5, 15, 30][chance.below(4) as usize],
    }
}

/// A request that is under way.
struct Open {
    index: usize,
    /// The answer, once it took effect.
    answer: Option<Value>,
}

/// Clients ask for what `ask` says and `serve` answers, at some moment between call and return; some requests never return, and took effect
/// or not. `spoil` changes an answer. The lines of the file.
fn lines(
    chance: &mut Chance,
    shape: &Shape,
    ask: &dyn Fn(&mut Chance, u64) -> (&'static str, Value),
    serve: &mut dyn FnMut(&str, &Value) -> Value,
    spoil: &dyn Fn(&mut Chance, &str, &mut Value),
) -> Vec<Value> {
    let mut lines: Vec<Value> = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    let mut idle: Vec<u64> = (0..shape.processes).collect();
    let mut next_process = shape.processes;
    let mut time = 0;
    let mut asked = 0;
    while asked < shape.operations || !open.is_empty() {
        match chance.below(3) {
            0 if asked < shape.operations && !idle.is_empty() => {
                let process = idle.swap_remove(chance.below(idle.len() as u64) as usize);
                let (f, input) = ask(chance, asked as u64);
                lines.push(json!({ "id": asked, "p": process, "f": f, "in": input, "out": null, "call": time, "ret": null }));
                open.push(Open { index: asked, answer: None });
                asked += 1;
                time += 1;
            }
            1 if !open.is_empty() => {
                let at = chance.below(open.len() as u64) as usize;
                let line = &lines[open[at].index];
                if open[at].answer.is_none() {
                    open[at].answer = Some(serve(line["f"].as_str().expect("a name"), &line["in"]));
                }
            }
            2 if !open.is_empty() => {
                let at = chance.below(open.len() as u64) as usize;
                if chance.in_hundred(shape.lost) {
                    // Its process is gone, another takes its place.
                    open.swap_remove(at);
                    idle.push(next_process);
                    next_process += 1;
                } else if let Some(mut answer) = open[at].answer.take() {
                    let line = &mut lines[open[at].index];
                    if chance.in_hundred(shape.wrong) {
                        spoil(chance, line["f"].as_str().expect("a name"), &mut answer);
                    }
                    line["out"] = answer;
                    line["ret"] = time.into();
                    idle.push(line["p"].as_u64().expect("a process"));
                    time += 1;
                    open.swap_remove(at);
                }
            }
            _ => {}
        }
    }
    lines
}

fn text(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// A history of a register, as a file.
pub fn register(chance: &mut Chance, shape: &Shape) -> String {
    let values = shape.values;
    let ask = |chance: &mut Chance, _| match chance.below(3) {
        0 => ("read", Value::Null),
        1 => ("write", json!(chance.below(values))),
        _ => ("cas", json!([chance.below(values), chance.below(values)])),
    };
    let mut held = Value::Null;
    let mut serve = |f: &str, input: &Value| match f {
        "read" => json!({ "value": held }),
        "write" => {
            held = input.clone();
            json!({ "done": true })
        }
        _ => {
            let swaps = held == input[0];
            if swaps {
                held = input[1].clone();
            }
            json!({ "done": swaps })
        }
    };
    let spoil = |chance: &mut Chance, f: &str, answer: &mut Value| match f {
        "read" => answer["value"] = chance.below(values).into(),
        "cas" => answer["done"] = (answer["done"] == false).into(),
        _ => {}
    };
    text(&lines(chance, shape, &ask, &mut serve, &spoil))
}

/// A history of a map, as a file. Texts are unique or, with few letters, ambiguous on purpose.
pub fn kv(chance: &mut Chance, shape: &Shape) -> String {
    let (keys, unique) = (1 + shape.values / 3, chance.in_hundred(50));
    let value = move |chance: &mut Chance, n: u64| if unique { format!("{n};") } else { ["a", "b", "ab", ""][chance.below(4) as usize].into() };
    let ask = |chance: &mut Chance, n| {
        let key = chance.below(keys).to_string();
        match chance.below(7) {
            0 => ("put", json!({ "key": key, "value": value(chance, n) })),
            1..=3 => ("append", json!({ "key": key, "value": value(chance, n) })),
            _ => ("get", json!({ "key": key })),
        }
    };
    let mut held: std::collections::BTreeMap<String, String> = std::collections::BTreeMap::new();
    let mut serve = |f: &str, input: &Value| {
        let text = held.entry(input["key"].as_str().expect("a key").into()).or_default();
        let value = input["value"].as_str().unwrap_or_default();
        match f {
            "get" => return json!({ "value": text }),
            "put" => *text = value.into(),
            _ => text.push_str(value),
        }
        json!({ "done": true })
    };
    let spoil = |chance: &mut Chance, f: &str, answer: &mut Value| {
        if f == "get" {
            let mut text = answer["value"].as_str().expect("a text").to_string();
            match chance.below(3) {
                0 => text = text.chars().skip(1).collect(),
                1 => drop(text.pop()),
                _ => text.push('a'),
            }
            answer["value"] = text.into();
        }
    };
    text(&lines(chance, shape, &ask, &mut serve, &spoil))
}

/// What a file holds, of which it is known that it is one.
pub fn read(text: &str) -> AnyHistory {
    AnyHistory::read(text, None).unwrap_or_else(|flaw| panic!("{flaw}\n{text}"))
}

pub fn register_history(chance: &mut Chance, shape: &Shape) -> History<Register> {
    let AnyHistory::Register(history) = read(&register(chance, shape)) else { panic!("a register") };
    history
}

pub fn kv_history(chance: &mut Chance, shape: &Shape) -> History<Kv> {
    let AnyHistory::Kv(history) = read(&kv(chance, shape)) else { panic!("a map") };
    history
}

/// A history of a register in which no two writes write the same, and nobody swaps.
pub fn unique_history(chance: &mut Chance, shape: &Shape) -> History<Register> {
    let ask = |chance: &mut Chance, n| if chance.in_hundred(50) { ("read", Value::Null) } else { ("write", json!(n)) };
    let mut held = Value::Null;
    let mut serve = |f: &str, input: &Value| {
        if f == "read" {
            return json!({ "value": held });
        }
        held = input.clone();
        json!({ "done": true })
    };
    let values = shape.operations as u64;
    let spoil = |chance: &mut Chance, f: &str, answer: &mut Value| {
        if f == "read" {
            answer["value"] = chance.below(values).into();
        }
    };
    let lines = text(&lines(chance, shape, &ask, &mut serve, &spoil));
    let AnyHistory::Register(history) = AnyHistory::read(&lines, Some(zoolab::linear::ModelName::Register)).expect("a register") else {
        panic!("a register")
    };
    history
}

/// A tree of few paths, some below others: nodes with data and versions, numbered ones, ephemerals of two sessions, and multis. It is served by
/// a tree of its own.
pub fn znode(chance: &mut Chance, shape: &Shape) -> String {
    let paths: &[&str] = if shape.values < 3 { &["/a", "/b"] } else { &["/a", "/b", "/a/x", "/a/y", "/a/x/z"] };
    let path = |chance: &mut Chance| paths[chance.below(paths.len() as u64) as usize];
    let version = |chance: &mut Chance| chance.below(4) as i64 - 1;
    let part = move |chance: &mut Chance, n: u64| match chance.below(3) {
        0 => json!({ "f": "create", "in": { "path": path(chance), "data": n.to_string() } }),
        1 => json!({ "f": "setData", "in": { "path": path(chance), "data": n.to_string(), "version": version(chance) } }),
        _ => json!({ "f": "check", "in": { "path": path(chance), "version": version(chance) } }),
    };
    let numbered = chance.in_hundred(30);
    let ask = |chance: &mut Chance, n: u64| {
        let (path, data) = (path(chance), json!((n % 5).to_string()));
        match chance.below(12) {
            0 if numbered => ("create", json!({ "path": format!("{path}/n-"), "sequential": true })),
            1 => ("create", json!({ "path": path, "ephemeral": 1 + chance.below(2) })),
            2 => ("closeSession", json!({ "session": 1 + chance.below(2) })),
            3 => ("multi", json!({ "parts": [part(chance, n), part(chance, n)] })),
            4 => ("getChildren", json!({ "path": path })),
            5 => ("exists", json!({ "path": path })),
            6 => ("getData", json!({ "path": path })),
            7 => ("delete", json!({ "path": path, "version": version(chance) })),
            8 | 9 => ("setData", json!({ "path": path, "data": data, "version": version(chance) })),
            _ => ("create", json!({ "path": path, "data": data })),
        }
    };
    let mut forest = forest::Forest::default();
    let mut serve = |f: &str, input: &Value| forest.serve(f, input);
    let spoil = |chance: &mut Chance, _: &str, answer: &mut Value| {
        if let Some(version) = answer.get("version").and_then(Value::as_i64) {
            answer["version"] = (version + 1 - 2 * chance.below(2) as i64).into();
        } else if answer.get("error").is_some() {
            answer["error"] = ["NoNode", "BadVersion", "NodeExists", "NotEmpty"][chance.below(4) as usize].into();
        } else if answer.get("done").is_some() {
            *answer = json!({ "error": "NoNode" });
        }
    };
    text(&lines(chance, shape, &ask, &mut serve, &spoil))
}

pub fn znode_history(chance: &mut Chance, shape: &Shape) -> History<Znode> {
    let lines = znode(chance, shape);
    match AnyHistory::read(&lines, Some(zoolab::linear::ModelName::Znode)) {
        Ok(AnyHistory::Znode(history)) => history,
        other => panic!("{other:?}\n{lines}"),
    }
}

/// A small history in which nothing need be right: any answers at any times.
pub fn nonsense(chance: &mut Chance) -> History<Register> {
    let count = 2 + chance.below(6);
    let value = |chance: &mut Chance| chance.below(3) as i64;
    let mut places: Vec<u64> = (0..2 * count).collect();
    let mut operations: Vec<Operation<RegisterAction>> = (0..count)
        .map(|id| {
            let mut place = || places.swap_remove(chance.below(places.len() as u64) as usize);
            let (one, other) = (place(), place());
            let returned = !chance.in_hundred(25);
            let action = match chance.below(3) {
                0 if returned => RegisterAction::Read(Content(if chance.in_hundred(10) { None } else { Some(value(chance)) })),
                1 => RegisterAction::Write(value(chance)),
                _ => RegisterAction::Cas { from: value(chance), to: value(chance), swapped: returned.then(|| chance.in_hundred(50)) },
            };
            Operation { id, process: id, call: one.min(other), ret: returned.then_some(one.max(other)), action }
        })
        .collect();
    operations.sort_by_key(|operation| operation.call);
    History { operations }
}

/// Tries every order, remembering nothing.
pub fn brute_force<M: Model>(history: &History<M>) -> bool {
    fn goes_on<M: Model>(left: &mut Vec<&Operation<M::Action>>, state: &M::State) -> bool {
        let Some(bound) = left.iter().filter_map(|operation| operation.ret).min() else { return true };
        for at in 0..left.len() {
            let operation = left[at];
            let next = match M::apply(state, &operation.action) {
                Outcome::Becomes(next) => next,
                Outcome::Unchanged => state.clone(),
                Outcome::Refused => continue,
            };
            if operation.call < bound {
                left.remove(at);
                let found = goes_on::<M>(left, &next);
                left.insert(at, operation);
                if found {
                    return true;
                }
            }
        }
        false
    }
    history.parts().iter().all(|(_, part)| goes_on::<M>(&mut part.iter().map(|index| &history.operations[*index]).collect(), &M::initial()))
}
