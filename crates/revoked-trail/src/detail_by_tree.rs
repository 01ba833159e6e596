//! Details against the way in which they were written before, by way of a tree: the bytes are the same for ever.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{Detail, detail};

const LIVE: &str = "pq8c4kf7x3dkzr1r5iywa6m5zc";

/// The tree with the values of secrets replaced, and the name of the first.
fn withheld(tree: &Value) -> Value {
    match tree {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| {
                let kept = if holds_secret(name, value) {
                    json!("(withheld)")
                } else {
                    withheld(value)
                };
                (name.clone(), kept)
            })
            .collect(),
        Value::Array(items) => items.iter().map(withheld).collect(),
        other => other.clone(),
    }
}

fn holds_secret(name: &str, value: &Value) -> bool {
    match value {
        Value::String(text) => credential(text) || (marked(name) && text.len() >= 16),
        Value::Array(items) => items.iter().any(|item| item.is_string() && holds_secret(name, item)),
        _ => false,
    }
}

fn marked(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    let marks = [
        "token",
        "secret",
        "passw",
        "authorization",
        "csrf",
        "cookie",
        "apikey",
        "api_key",
        "private_key",
    ];
    let harmless = [
        "_id", "_ids", "_until", "_ref", "_name", "_kind", "_at", "_sha256", "_count", "_verdict",
    ];
    marks.iter().any(|mark| name.contains(mark)) && !harmless.iter().any(|end| name.ends_with(end))
}

fn credential(text: &str) -> bool {
    let headed = ["Bearer ", "bearer ", "Basic ", "basic "].iter().any(|scheme| {
        text.strip_prefix(scheme)
            .is_some_and(|rest| rest.len() >= 16 && !rest.contains(' '))
    });
    headed || (text.starts_with("eyJ") && text.split('.').count() == 3 && !text.contains(' '))
}

fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-c]{1,2}",
        "(X-)?(Access|api|CSRF)?[-_]?([Tt]oken|KEY|Secret|cookie)s?(_id|-ID|_sha256)?",
        any::<String>(),
    ]
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-z ]{10,20}",
        "(Bearer|basic) [a-z ]{14,17}",
        "eyJ[a-z]{1,3}(\\.[a-z]{1,3}){1,3}"
    ]
}

fn trees() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        texts().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((names(), inner), 0..5).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn members_given_in_any_order_have_the_bytes_of_the_tree(members in prop::collection::vec((names(), trees()), 0..9)) {
        let tree: Map<String, Value> = members.iter().cloned().collect();
        let detail = members.into_iter().fold(Detail::new(), |detail, (name, value)| detail.member(name, value));
        let before = Value::from(tree);
        let after = withheld(&before);
        prop_assert_eq!(detail.to_string(), after.to_string());
        prop_assert_eq!(Detail::from(before).to_string(), after.to_string());
    }

    #[test]
    fn a_member_is_named_exactly_where_something_was_withheld(tree in trees().prop_filter("an object", Value::is_object)) {
        prop_assert_eq!(Detail::from(tree.clone()).secret_member().is_some(), withheld(&tree) != tree);
    }
}

/// One of each shape that serde knows.
#[derive(Serialize)]
struct Shapes<'a> {
    zeta: Option<u8>,
    alpha: Option<i128>,
    text: &'a str,
    letter: char,
    small: f32,
    wide: f64,
    infinite: f64,
    pair: (u16, &'a str),
    unit: (),
    nothing: Nothing,
    wrapped: Wrapped,
    both: Both,
    numbered: BTreeMap<i32, Variant<'a>>,
    flags: BTreeMap<bool, i8>,
    letters: BTreeMap<char, Vec<Variant<'a>>>,
}

#[derive(Serialize)]
struct Nothing;

#[derive(Serialize)]
struct Wrapped(u64);

#[derive(Serialize)]
struct Both(u64, i16);

#[derive(Serialize)]
enum Variant<'a> {
    Unit,
    Text(&'a str),
    AccessToken(&'a str),
    Secrets(&'a str, u8),
    Pair(u8, [bool; 2]),
    Members { zebra: u8, ant: &'a str, password: &'a str },
}

#[test]
fn every_shape_of_serde_has_the_bytes_of_the_tree() {
    let shapes = Shapes {
        zeta: None,
        alpha: Some(-7),
        text: "\u{0}\u{1f}\u{7f}\"\\/\n\r\t\u{8}\u{c}\u{2028}é😀",
        letter: '"',
        small: 0.1,
        wide: 1e300,
        infinite: f64::INFINITY,
        pair: (1, "two"),
        unit: (),
        nothing: Nothing,
        wrapped: Wrapped(u64::MAX),
        both: Both(1, -2),
        numbered: [(10, Variant::Unit), (9, Variant::Text("x")), (-1, Variant::AccessToken(LIVE))].into(),
        flags: [(true, 1), (false, -1)].into(),
        letters: [
            ('z', vec![Variant::Secrets(LIVE, 1), Variant::Pair(2, [true, false])]),
            (
                'a',
                vec![Variant::Members {
                    zebra: 1,
                    ant: LIVE,
                    password: LIVE,
                }],
            ),
        ]
        .into(),
    };
    let tree = json!({ "shapes": shapes, "bytes": serde_bytes(), "secret": [[LIVE]], "tokens": ["short", LIVE] });
    let detail = detail! { "shapes": shapes, "secret": [[LIVE]], "bytes": serde_bytes(), "tokens": ["short", LIVE] };
    assert_eq!(detail.to_string(), withheld(&tree).to_string());
    assert_eq!(detail.to_string().matches("(withheld)").count(), 4);
}

/// Bytes as serde knows them, which no type of the standard library writes.
fn serde_bytes() -> impl Serialize {
    struct Bytes;
    impl Serialize for Bytes {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(&[0, 1, 255])
        }
    }
    Bytes
}

#[test]
fn secrets_are_withheld_at_any_depth_and_named() {
    let detail =
        detail! { "request": [json!({"a": 1}), json!({"X-CSRF-Token": LIVE})], "token": "expired", "tokens": 4, "token_id": LIVE };
    assert_eq!(detail.secret_member(), Some("X-CSRF-Token"));
    assert_eq!(
        detail.to_string(),
        format!(r#"{{"request":[{{"a":1}},{{"X-CSRF-Token":"(withheld)"}}],"token":"expired","token_id":"{LIVE}","tokens":4}}"#)
    );
}

#[test]
#[should_panic(expected = "writing the detail's member `map`")]
fn what_is_no_json_stops_a_debug_build() {
    drop(detail! { "map": BTreeMap::from([(vec![1], 1)]) });
}
