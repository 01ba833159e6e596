//! Forms whose names have brackets, which many frameworks read and write as nested members: `data[employeeId]=12`.

use serde_json::{Map, Value};

use crate::jose::DEEPEST;
use crate::sources::shared::urlencoded_form::pairs;

/// How many fields a form may have.
const MOST_FIELDS: usize = 10_000;

/// Reads a form as the JSON object that it stands for: every value is a text, `a[b]` a member of a member, `a[0]` and `a[]` one of a list.
///
/// # Errors
/// Why it cannot be read, without any of it.
pub(super) fn read(bytes: &[u8]) -> Result<Value, String> {
    let pairs = pairs(bytes.trim_ascii_end())?;
    if pairs.is_empty() {
        return Err("the body is an empty form".to_owned());
    }
    if pairs.len() > MOST_FIELDS {
        return Err(format!("the form holds more than {MOST_FIELDS} fields"));
    }
    let mut whole = Map::new();
    for (name, value) in pairs {
        // What was no UTF-8 before it was percent-encoded: another reader may see something else there.
        if name.contains(char::REPLACEMENT_CHARACTER) || value.contains(char::REPLACEMENT_CHARACTER) {
            return Err("the form holds bytes that are no text".to_owned());
        }
        insert(&mut whole, &path(&name), value)?;
    }
    Ok(Value::Object(
        whole.into_iter().map(|(name, value)| (name, listed(value))).collect(),
    ))
}

/// The members that a name leads through. Brackets that are not of the form are a part of the name.
fn path(name: &str) -> Vec<&str> {
    let nested = name.split_once('[').filter(|(first, _)| !first.is_empty());
    let inner = nested.and_then(|(first, rest)| Some((first, rest.strip_suffix(']')?)));
    let Some((first, rest)) = inner else { return vec![name] };
    let steps: Vec<&str> = rest.split("][").collect();
    if steps.iter().any(|step| step.contains(['[', ']'])) {
        return vec![name];
    }
    std::iter::once(first).chain(steps).collect()
}

fn insert(members: &mut Map<String, Value>, path: &[&str], value: String) -> Result<(), String> {
    const TWICE: &str = "a field of the form stands twice";
    if path.len() > DEEPEST {
        return Err(format!("the form nests deeper than {DEEPEST} levels"));
    }
    let Some((name, below)) = path.split_first() else {
        return Ok(());
    };
    let name = if name.is_empty() {
        members.len().to_string()
    } else {
        (*name).to_owned()
    };
    if below.is_empty() {
        let before = members.insert(name, Value::String(value));
        return before.map_or(Ok(()), |_| Err(TWICE.to_owned()));
    }
    match members.entry(name).or_insert_with(|| Value::Object(Map::new())) {
        Value::Object(members) => insert(members, below, value),
        _ => Err(TWICE.to_owned()),
    }
}

/// The list that a member is whose own members are the numbers from 0 on.
fn listed(value: Value) -> Value {
    let Value::Object(members) = value else { return value };
    let mut members: Map<String, Value> = members.into_iter().map(|(name, value)| (name, listed(value))).collect();
    if !(0..members.len()).all(|n| members.contains_key(&n.to_string())) {
        return Value::Object(members);
    }
    Value::Array((0..members.len()).filter_map(|n| members.remove(&n.to_string())).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn brackets_are_members_and_numbers_in_them_are_lists() {
        for (form, value) in [
            (
                "type=employee.updated&data[employeeId]=12&data[changedFields][0]=status&data[changedFields][1]=x+y%21",
                json!({"type": "employee.updated", "data": {"employeeId": "12", "changedFields": ["status", "x y!"]}}),
            ),
            ("data%5Bid%5D=1\r\n", json!({"data": {"id": "1"}})),
            ("a[]=1&a[]=2", json!({"a": ["1", "2"]})),
            ("a[1]=1&a[2]=2", json!({"a": {"1": "1", "2": "2"}})),
            ("a[0][x]=1&a[0][y]=2", json!({"a": [{"x": "1", "y": "2"}]})),
            (
                "a[b=1&a]c=2&[d]=3&a[b]c=4&0=5",
                json!({"a[b": "1", "a]c": "2", "[d]": "3", "a[b]c": "4", "0": "5"}),
            ),
            ("a", json!({"a": ""})),
        ] {
            assert_eq!(read(form.as_bytes()), Ok(value), "{form}");
        }
    }

    #[test]
    fn what_two_readers_could_read_in_two_ways_is_refused() {
        let deep = format!("a{}=1", "[b]".repeat(DEEPEST));
        for form in [
            "",
            "\n",
            "a=1&a=2",
            "a=1&a[b]=2",
            "a[b]=2&a=1",
            "a[b]=1&a[b]=2",
            "a=%ff",
            "a=b c",
            "a=\u{e4}",
            &deep,
        ] {
            let told = read(form.as_bytes());
            assert!(told.is_err(), "{form}: {told:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_form_makes_it_panic(text in "[a\\[\\]=&0-2%+]{0,40}") {
            drop(read(text.as_bytes()));
        }
    }
}
