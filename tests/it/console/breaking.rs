//! What would break whoever uses the API: the description of the program against `docs/openapi-baseline.json`, that of the last release.
//!
//! A change that is meant, before 1.0: replace the baseline with the new description, and say so under Changed in `CHANGELOG.md`.

use std::collections::BTreeSet;

use revoked::console::document;
use serde_json::{Value, json};

/// In which direction a schema is used.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Callers send it: what was good must stay good.
    Sent,
    /// Callers read it: what they rely on must stay there.
    Read,
}

/// Two descriptions, and what breaks.
struct Comparison<'d> {
    before: &'d Value,
    after: &'d Value,
    found: BTreeSet<String>,
    /// The pairs of names that are being compared: a schema may hold itself.
    under_way: Vec<(String, String)>,
}

/// Everything in `after` that breaks a caller of `before`.
fn breaking(before: &Value, after: &Value) -> Vec<String> {
    let mut comparison = Comparison {
        before,
        after,
        found: BTreeSet::new(),
        under_way: Vec::new(),
    };
    for (path, methods) in members(&before["paths"]) {
        let Some(now) = after["paths"].get(path) else {
            comparison.says(path, "the path is gone");
            continue;
        };
        for (method, operation) in members(methods) {
            let at = format!("{} {path}", method.to_uppercase());
            match now.get(method) {
                None => comparison.says(&at, "the method is gone"),
                Some(now) => comparison.operation(&at, operation, now),
            }
        }
    }
    comparison.found.into_iter().collect()
}

impl Comparison<'_> {
    fn says(&mut self, at: &str, what: &str) {
        self.found.insert(format!("{at}: {what}"));
    }

    fn operation(&mut self, at: &str, before: &Value, after: &Value) {
        let same = |one: &Value, other: &Value| one["name"] == other["name"] && one["in"] == other["in"];
        let (was, is) = (elements(&before["parameters"]), elements(&after["parameters"]));
        for one in was {
            let name = format!("{at} {}", one["name"].as_str().unwrap_or_default());
            match is.iter().find(|other| same(one, other)) {
                None => self.says(&name, "the parameter is gone"),
                Some(other) => {
                    if one["required"] != true && other["required"] == true {
                        self.says(&name, "it is required now");
                    }
                    self.schema(&name, &one["schema"], &other["schema"], Way::Sent);
                }
            }
        }
        for other in is.iter().filter(|other| other["required"] == true) {
            if !was.iter().any(|one| same(one, other)) {
                self.says(
                    &format!("{at} {}", other["name"].as_str().unwrap_or_default()),
                    "it is new and required",
                );
            }
        }
        let (sent, wanted) = (&before["requestBody"], &after["requestBody"]);
        if wanted["required"] == true && sent["required"] != true {
            self.says(at, "a body is required now");
        }
        self.content(&format!("{at} body"), &sent["content"], &wanted["content"], Way::Sent);
        for (status, answer) in members(&before["responses"]) {
            let at = format!("{at} {status}");
            match after["responses"].get(status) {
                None => self.says(&at, "the status is gone"),
                Some(now) => self.content(&at, &answer["content"], &now["content"], Way::Read),
            }
        }
    }

    fn content(&mut self, at: &str, before: &Value, after: &Value, way: Way) {
        for (kind, content) in members(before) {
            match after.get(kind) {
                None => self.says(at, &format!("{kind} is gone")),
                Some(now) => self.schema(at, &content["schema"], &now["schema"], way),
            }
        }
    }

    fn schema(&mut self, at: &str, before: &Value, after: &Value, way: Way) {
        let pair = [before, after].map(|schema| schema["$ref"].as_str().unwrap_or_default().to_owned());
        let pair: (String, String) = pair.into();
        let is_named = !pair.0.is_empty() || !pair.1.is_empty();
        if is_named && self.under_way.contains(&pair) {
            return;
        }
        let (before, after) = (resolved(self.before, before).clone(), resolved(self.after, after).clone());
        if is_named {
            self.under_way.push(pair);
        }
        self.resolved(at, &before, &after, way);
        if is_named {
            self.under_way.pop();
        }
    }

    fn resolved(&mut self, at: &str, before: &Value, after: &Value, way: Way) {
        let (was, is) = (types(before), types(after));
        let fits = match way {
            Way::Sent => is.is_empty() || (!was.is_empty() && was.is_subset(&is)),
            Way::Read => was.is_empty() || (!is.is_empty() && is.is_subset(&was)),
        };
        if !fits || before["format"] != after["format"] {
            self.says(at, "its type is another");
        }
        let values = |schema: &Value| elements(&schema["enum"]).to_vec();
        let gone = values(before).into_iter().filter(|value| !values(after).contains(value));
        if after.get("enum").is_some() {
            for value in gone {
                self.says(at, &format!("the value {value} is gone"));
            }
        }
        if way == Way::Sent {
            self.bounds(at, before, after);
        }
        let required = |schema: &Value| elements(&schema["required"]).to_vec();
        for (name, property) in members(&before["properties"]) {
            let inner = format!("{at}.{name}");
            match after["properties"].get(name) {
                None => self.says(&inner, "the property is gone"),
                Some(now) => self.schema(&inner, property, now, way),
            }
        }
        let (lists, what) = match way {
            Way::Sent => ((required(after), required(before)), "it is required now"),
            Way::Read => ((required(before), required(after)), "it may be missing now"),
        };
        for name in lists.0.iter().filter(|name| !lists.1.contains(name)) {
            self.says(&format!("{at}.{}", name.as_str().unwrap_or_default()), what);
        }
        for inner in ["items", "additionalProperties"] {
            if before[inner].is_object() && after[inner].is_object() {
                self.schema(&format!("{at}[]"), &before[inner], &after[inner], way);
            }
        }
        for group in ["oneOf", "anyOf", "allOf"] {
            self.variants(at, elements(&before[group]), elements(&after[group]), way);
        }
    }

    /// What may be sent must fit one of the new variants, and what is read one of the old.
    fn variants(&mut self, at: &str, before: &[Value], after: &[Value], way: Way) {
        let (must, among) = match way {
            Way::Sent => (before, after),
            Way::Read => (after, before),
        };
        if among.is_empty() {
            return;
        }
        for one in must {
            let fits = among.iter().any(|other| {
                let (before, after) = if way == Way::Sent { (one, other) } else { (other, one) };
                let mut apart = Comparison {
                    found: BTreeSet::new(),
                    under_way: self.under_way.clone(),
                    ..*self
                };
                apart.schema(at, before, after, way);
                apart.found.is_empty()
            });
            if !fits {
                self.says(at, "one of its forms is another");
            }
        }
    }

    fn bounds(&mut self, at: &str, before: &Value, after: &Value) {
        for (key, is_upper) in [
            ("maximum", true),
            ("maxLength", true),
            ("maxItems", true),
            ("minimum", false),
            ("minLength", false),
            ("minItems", false),
        ] {
            let (was, is) = (before[key].as_f64(), after[key].as_f64());
            let is_tighter = match (was, is) {
                (_, None) => false,
                // Nothing is shorter than nothing.
                (None, Some(is)) => is_upper || key == "minimum" || is > 0.0,
                (Some(was), Some(is)) => {
                    if is_upper {
                        is < was
                    } else {
                        is > was
                    }
                }
            };
            if is_tighter {
                self.says(at, &format!("{key} is tighter"));
            }
        }
        if !after["pattern"].is_null() && before["pattern"] != after["pattern"] {
            self.says(at, "its pattern is another");
        }
    }
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn elements(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn types(schema: &Value) -> BTreeSet<&str> {
    match &schema["type"] {
        Value::String(one) => BTreeSet::from([one.as_str()]),
        several => elements(several).iter().filter_map(Value::as_str).collect(),
    }
}

/// What a reference means.
fn resolved<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    let place = schema["$ref"].as_str().and_then(|place| place.strip_prefix('#'));
    place.and_then(|place| document.pointer(place)).unwrap_or(schema)
}

#[test]
fn nothing_that_callers_rely_on_has_changed_since_the_last_release() {
    let baseline = include_str!("../../../docs/openapi-baseline.json");
    let before: Value = serde_json::from_str(baseline).unwrap();
    let found = breaking(&before, &serde_json::to_value(document()).unwrap());
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

/// A small API.
fn small() -> Value {
    json!({
        "paths": { "/things/{id}": {
            "get": {
                "parameters": [
                    { "name": "id", "in": "path", "required": true, "schema": { "type": "integer", "minimum": 0, "maximum": 99 } },
                    { "name": "state", "in": "query", "required": false, "schema": { "type": "string", "enum": ["open", "closed"] } },
                ],
                "responses": { "200": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Thing" } } } } },
            },
            "post": {
                "requestBody": { "required": false, "content": { "application/json": { "schema": { "$ref": "#/components/schemas/New" } } } },
                "responses": { "204": {} },
            },
        } },
        "components": { "schemas": {
            "Thing": {
                "type": "object", "required": ["id"],
                "properties": {
                    "id": { "type": "integer" }, "name": { "type": ["string", "null"] },
                    "parts": { "type": "array", "items": { "$ref": "#/components/schemas/Thing" } },
                    "held": { "oneOf": [{ "type": "null" }, { "type": "boolean" }] },
                },
            },
            "New": {
                "type": "object", "required": ["name"],
                "properties": { "name": { "type": "string", "minLength": 1, "maxLength": 64 }, "count": { "type": "integer" } },
            },
        } },
    })
}

/// What breaks where `value` stands at a place of the small API; `null` takes away what is there.
fn broken_by(place: &str, value: Value) -> Vec<String> {
    let mut after = small();
    let (above, key) = place.rsplit_once('/').unwrap();
    let above = after.pointer_mut(above).unwrap_or_else(|| panic!("{place} is no place"));
    if value.is_null() {
        above.as_object_mut().unwrap().remove(&key.replace("~1", "/"));
    } else if let Some(list) = above.as_array_mut() {
        match key.parse::<usize>() {
            Ok(at) if at < list.len() => list[at] = value,
            _ => list.push(value),
        }
    } else {
        above[key.replace("~1", "/")] = value;
    }
    breaking(&small(), &after)
}

const PATH: &str = "/paths/~1things~1{id}";

#[test]
fn each_change_that_breaks_a_caller_is_found() {
    let get = format!("{PATH}/get");
    let post = format!("{PATH}/post");
    let thing = "/components/schemas/Thing";
    let new = "/components/schemas/New";
    let at = |base: &str, rest: &str| format!("{base}{rest}");
    for (place, value, told) in [
        (PATH.to_owned(), Value::Null, "the path is gone"),
        (post.clone(), Value::Null, "the method is gone"),
        (at(&post, "/responses/204"), Value::Null, "the status is gone"),
        (
            at(&get, "/responses/200/content/application~1json"),
            Value::Null,
            "application/json is gone",
        ),
        (at(&get, "/parameters"), json!([]), "the parameter is gone"),
        (at(&get, "/parameters/1/required"), json!(true), "it is required now"),
        (
            at(&get, "/parameters/-"),
            json!({ "name": "zone", "in": "query", "required": true, "schema": { "type": "string" } }),
            "it is new and required",
        ),
        (at(&get, "/parameters/0/schema/maximum"), json!(9), "maximum is tighter"),
        (at(&get, "/parameters/0/schema/minimum"), json!(1), "minimum is tighter"),
        (
            at(&get, "/parameters/1/schema/enum"),
            json!(["open"]),
            "the value \"closed\" is gone",
        ),
        (at(&post, "/requestBody/required"), json!(true), "a body is required now"),
        (at(new, "/required"), json!(["name", "count"]), "it is required now"),
        (at(new, "/properties/count"), Value::Null, "the property is gone"),
        (at(new, "/properties/name/maxLength"), json!(63), "maxLength is tighter"),
        (at(new, "/properties/name/minLength"), json!(2), "minLength is tighter"),
        (at(new, "/properties/name/pattern"), json!("^a"), "its pattern is another"),
        (at(new, "/properties/count/type"), json!("string"), "its type is another"),
        (at(new, "/properties/count/maximum"), json!(5), "maximum is tighter"),
        (at(new, "/properties/count/minimum"), json!(0), "minimum is tighter"),
        (at(thing, "/properties/id/type"), json!("string"), "its type is another"),
        (at(thing, "/properties/id/format"), json!("int32"), "its type is another"),
        (
            at(thing, "/properties/id/type"),
            json!(["integer", "null"]),
            "its type is another",
        ),
        (at(thing, "/properties/name"), Value::Null, "the property is gone"),
        (at(thing, "/required"), json!([]), "it may be missing now"),
        (
            at(thing, "/properties/parts/items"),
            json!({ "type": "string" }),
            "its type is another",
        ),
        (
            at(thing, "/properties/held/oneOf/1"),
            json!({ "type": "string" }),
            "one of its forms is another",
        ),
    ] {
        let found = broken_by(&place, value);
        assert!(
            found.iter().any(|found| found.ends_with(told)),
            "{place}: {told} is not in {found:?}"
        );
    }
}

#[test]
fn what_breaks_nobody_is_let_through() {
    let get = format!("{PATH}/get");
    let thing = "/components/schemas/Thing";
    let new = "/components/schemas/New";
    for (place, value) in [
        ("/paths/~1others".to_owned(), json!({ "get": {} })),
        (format!("{PATH}/delete"), json!({})),
        (format!("{get}/responses/404"), json!({})),
        (
            format!("{get}/parameters/-"),
            json!({ "name": "zone", "in": "query", "schema": { "type": "string" } }),
        ),
        (format!("{get}/parameters/0/required"), json!(false)),
        (format!("{get}/parameters/1/schema/enum"), json!(["open", "closed", "held"])),
        (format!("{get}/parameters/0/schema/maximum"), json!(999)),
        (format!("{new}/required"), json!([])),
        (format!("{new}/properties/more"), json!({ "type": "string" })),
        (format!("{new}/properties/count/type"), json!(["integer", "null"])),
        (format!("{new}/properties/name/minLength"), json!(0)),
        (format!("{thing}/properties/more"), json!({ "type": "string" })),
        (format!("{thing}/required"), json!(["id", "name"])),
        (format!("{thing}/properties/name/type"), json!("string")),
        (format!("{thing}/properties/name/description"), json!("What it is called.")),
    ] {
        let found = broken_by(&place, value);
        assert!(found.is_empty(), "{place}: {found:?}");
    }
    assert!(breaking(&small(), &small()).is_empty());
}
