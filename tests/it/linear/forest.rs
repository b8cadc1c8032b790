//! A tree of znodes that answers rightly, written for itself: it shares no line with the models that are held against it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

#[derive(Clone, Default)]
pub struct Forest {
    nodes: BTreeMap<String, Leaf>,
    /// By parent: children ever made.
    made: BTreeMap<String, u32>,
}

#[derive(Clone)]
struct Leaf {
    data: Value,
    version: i64,
    session: Value,
}

impl Forest {
    pub fn serve(&mut self, f: &str, input: &Value) -> Value {
        if f == "closeSession" {
            self.nodes.retain(|_, leaf| leaf.session != input["session"]);
            return json!({ "done": true });
        }
        if f == "multi" {
            let before = self.clone();
            let mut told = Vec::new();
            for (at, part) in input["parts"].as_array().expect("parts").iter().enumerate() {
                let answer = self.serve(part["f"].as_str().expect("a name"), &part["in"]);
                if answer.get("error").is_some() {
                    *self = before;
                    return json!({ "error": answer["error"], "part": at });
                }
                told.push(answer);
            }
            return json!({ "parts": told });
        }
        let path = input["path"].as_str().expect("a path").to_string();
        if f == "create" {
            return self.create(path, input);
        }
        let below = format!("{path}/");
        let children: Vec<String> =
            self.nodes.keys().filter_map(|other| other.strip_prefix(&below)).filter(|name| !name.contains('/')).map(String::from).collect();
        let Some(leaf) = self.nodes.get_mut(&path) else { return json!({ "error": "NoNode" }) };
        let expected = input["version"].as_i64().unwrap_or(-1);
        match f {
            "getData" => json!({ "data": leaf.data, "version": leaf.version }),
            "exists" => json!({ "version": leaf.version }),
            "getChildren" => json!({ "children": children }),
            _ if expected != -1 && expected != leaf.version => json!({ "error": "BadVersion" }),
            "check" => json!({ "done": true }),
            "setData" => {
                leaf.version += 1;
                leaf.data = input["data"].clone();
                json!({ "version": leaf.version })
            }
            _ if !children.is_empty() => json!({ "error": "NotEmpty" }),
            _ => {
                self.nodes.remove(&path);
                self.made.remove(&path);
                json!({ "done": true })
            }
        }
    }

    fn create(&mut self, path: String, input: &Value) -> Value {
        let parent = path[..path.rfind('/').expect("a slash")].to_string();
        let above = self.nodes.get(&parent).map(|leaf| leaf.session.clone());
        if !parent.is_empty() && above.is_none() {
            return json!({ "error": "NoNode" });
        }
        let number = self.made.get(&parent).copied().unwrap_or(0);
        let path = if input["sequential"] == true { format!("{path}{number:010}") } else { path };
        if self.nodes.contains_key(&path) {
            return json!({ "error": "NodeExists" });
        }
        if above.is_some_and(|session| !session.is_null()) {
            return json!({ "error": "NoChildrenForEphemerals" });
        }
        *self.made.entry(parent).or_default() += 1;
        self.nodes.insert(path.clone(), Leaf { data: input["data"].clone(), version: 0, session: input["ephemeral"].clone() });
        json!({ "path": path })
    }
}
