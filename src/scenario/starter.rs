//! The scenario that `zoolab new` begins with.

use serde_json::Value;

/// A small scenario that passes: a leader crashes, another is elected, and what was written is still there. `name` becomes part of its title.
pub fn starter(name: &str) -> String {
    let title = Value::from(format!("{name}: the leader crashes and another server leads"));
    format!(
        r#"{{
  "title": {title},
  "why": "A quorum is left, and one of its members has logged everything that was acknowledged: it is the one that is elected",
  "source": "FastLeaderElection; Zab",
  "notes": "Change me: `zoolab help steps` lists what can happen, `zoolab schema` what a file may say",
  "seed": 1,
  "ensemble": {{ "servers": 3, "config": {{ "tickTime": 200, "initLimit": 10, "syncLimit": 5 }} }},
  "clients": {{ "c1": {{ "timeout": "4s" }} }},
  "steps": [
    {{ "when": "c1 connected", "do": "c1 create /hello world", "returns": "/hello" }},
    {{ "after": "reply", "do": "crash leader", "note": "the followers' connections to it break" }},
    {{ "when": "established", "do": "restart all", "note": "the old leader finds a new one and follows it" }}
  ],
  "run": "5s",
  "expect": {{
    "verdict": "pass",
    "saw": ["went_looking", "established #2"],
    "leaders_max": 2,
    "tree": {{ "present": {{ "/hello": "world" }} }}
  }}
}}
"#
    )
}
