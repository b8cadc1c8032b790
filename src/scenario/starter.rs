//! The scenario that `zoolab new` begins with.

use serde_json::Value;

/// A small scenario that passes: a leader crashes and another is elected. `name` becomes part of its title.
pub fn starter(name: &str) -> String {
    let title = Value::from(format!("{name}: the leader crashes and another server leads"));
    format!(
        r#"{{
  "title": {title},
  "why": "A quorum is left: it elects the best of its members within a few hundred milliseconds",
  "source": "FastLeaderElection",
  "notes": "Change me: `zoolab help steps` lists what can happen, `zoolab schema` what a file may say",
  "seed": 1,
  "ensemble": {{ "servers": 3, "config": {{ "tickTime": 200, "initLimit": 10, "syncLimit": 5 }} }},
  "steps": [
    {{ "when": "established", "do": "crash leader", "note": "the followers' connections to it break" }},
    {{ "when": "established", "do": "restart all", "note": "the old leader finds a new one and follows it" }}
  ],
  "run": "5s",
  "expect": {{ "verdict": "pass", "saw": ["went_looking", "established #2"], "leaders_max": 2 }}
}}
"#
    )
}
