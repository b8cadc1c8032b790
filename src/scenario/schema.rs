//! The JSON Schema of scenario files, as `zoolab schema` prints it and as the reader uses it.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::file::ScenarioFile;

/// JSON Schema (draft 2020-12) of a scenario file.
pub fn schema() -> Value {
    let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<ScenarioFile>();
    let mut schema = schema.to_value();
    forbid_null(&mut schema);
    schema
}

/// A key that may be left out is not one that may be `null`: two ways to say nothing would be one too many.
fn forbid_null(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(forbid_null),
        Value::Object(object) => {
            object.values_mut().for_each(forbid_null);
            // The default of an optional key is told in its description.
            object.shift_remove("default");
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    object.insert("type".into(), only);
                }
            }
            without_null_alternative(object);
        }
        _ => {}
    }
}

fn without_null_alternative(object: &mut serde_json::Map<String, Value>) {
    let Some(Value::Array(alternatives)) = object.get_mut("anyOf") else { return };
    alternatives.retain(|alternative| alternative["type"] != "null");
    let [Value::Object(only)] = alternatives.as_slice() else { return };
    let only = only.clone();
    object.shift_remove("anyOf");
    for (key, value) in only {
        object.entry(key).or_insert(value);
    }
}
