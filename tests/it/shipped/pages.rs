//! Cuts a recorded list into pages, as its paging says, and into such as no good server sends.

use serde_json::{Value, json};

use super::description::{List, ListOf, Paging};
use super::request_pattern::Asked;

/// How the pages come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// As they were recorded, on one page.
    Recorded,
    /// On one page, with as many more items as the others have.
    Whole,
    /// One item on each, however many were asked for.
    Short,
    /// The same with an empty one after the first.
    Holed,
    /// The next one is always the same.
    Looping,
    /// The next one is at another origin.
    Foreign,
    /// There is always another.
    Endless,
    /// Fewer than the total says.
    Missing,
}

/// The body of the page that was asked for, and the link to the next one.
pub(super) fn page(mut body: Value, list: &List, asked: &Asked, cut: Cut, here: &str, elsewhere: &str) -> (Value, Option<String>) {
    if list.paging == Paging::None {
        return (body, None);
    }
    let items = if cut == Cut::Recorded || list.of == ListOf::Else {
        recorded(&body, list)
    } else {
        grown(&body, list)
    };
    if items.is_empty() {
        return (body, None);
    }
    let number = asked_for(list, asked);
    if cut == Cut::Recorded && !matches!(list.paging, Paging::Counted { .. }) {
        return (body, None);
    }
    let end = items.len() - 1;
    let (shown, next): (Vec<Value>, bool) = match cut {
        Cut::Whole | Cut::Recorded if number == 0 => (items.clone(), false),
        Cut::Whole | Cut::Recorded => (Vec::new(), false),
        Cut::Short => (items.get(number).cloned().into_iter().collect(), number < end),
        Cut::Holed => match number {
            1 => (Vec::new(), true),
            0 => (vec![items[0].clone()], true),
            number => (items.get(number - 1).cloned().into_iter().collect(), number <= end),
        },
        Cut::Looping | Cut::Foreign => (items.clone(), true),
        Cut::Endless => (vec![renamed(&items[end], list, number + 10)], true),
        Cut::Missing => (if number == 0 { items.clone() } else { Vec::new() }, false),
    };
    put(&mut body, &list.items, Value::Array(shown));
    let number_of_next = if cut == Cut::Looping { number.max(1) } else { number + 1 };
    let origin = if cut == Cut::Foreign { elsewhere } else { here };
    let url = || {
        let kept = asked.query.iter().filter(|(name, _)| name != "stand_in_page");
        let mut url = reqwest::Url::parse(origin).unwrap();
        url.path_segments_mut().unwrap().clear().extend(&asked.path);
        url.query_pairs_mut()
            .extend_pairs(kept)
            .append_pair("stand_in_page", &number_of_next.to_string());
        url.to_string()
    };
    match &list.paging {
        Paging::Link => return (body, next.then(|| format!("<{}>; rel=\"next\"", url()))),
        Paging::NextUrl(at) => put(&mut body, at, if next { Value::String(url()) } else { Value::Null }),
        Paging::Cursor { at, .. } => {
            let cursor = if next {
                format!("page-{number_of_next}")
            } else {
                String::new()
            };
            put(&mut body, at, Value::String(cursor));
        }
        Paging::Counted { total: Some(total), .. } => {
            let said = match cut {
                Cut::Endless => 100_000,
                Cut::Looping | Cut::Missing => items.len() + 1,
                _ => items.len(),
            };
            put(&mut body, total, json!(said));
        }
        Paging::Counted { total: None, .. } | Paging::None => {}
    }
    (body, None)
}

/// Which page was asked for, from nought; of pages by number of items, each item is one.
fn asked_for(list: &List, asked: &Asked) -> usize {
    match &list.paging {
        Paging::Link | Paging::NextUrl(_) => asked.value("stand_in_page").map_or(0, |page| page.parse().unwrap()),
        Paging::Cursor { send, .. } => asked
            .value(send)
            .and_then(|cursor| cursor.strip_prefix("page-")?.parse().ok())
            .unwrap_or(0),
        Paging::Counted { word, first, .. } => asked.value(word).unwrap().parse::<usize>().unwrap() - first,
        Paging::None => 0,
    }
}

fn recorded(body: &Value, list: &List) -> Vec<Value> {
    body.pointer(&list.items)
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default()
}

/// The recorded items, and of the last so many more that there are three.
fn grown(body: &Value, list: &List) -> Vec<Value> {
    let mut items = recorded(body, list);
    // What decides, stands last, where only who reads to the end finds it.
    if list.of == ListOf::Accounts {
        let mut before: Vec<Value> = items
            .last()
            .map(|last| (0..2).map(|n| renamed(last, list, n)).collect())
            .unwrap_or_default();
        before.append(&mut items);
        items = before;
    } else {
        let more: Vec<Value> = items
            .last()
            .map(|last| (0..2).map(|n| renamed(last, list, n)).collect())
            .unwrap_or_default();
        items.extend(more);
    }
    items
}

/// An item under another id, and of an account under other names.
fn renamed(item: &Value, list: &List, number: usize) -> Value {
    let mut other = item.clone();
    let ids = list
        .id
        .iter()
        .chain((list.of == ListOf::Accounts).then_some(&list.matched).into_iter().flatten());
    for at in ids {
        let at = at.replace('*', "0");
        if let Some(value) = other.pointer_mut(&at) {
            *value = match &*value {
                Value::Number(id) => json!(id.as_u64().unwrap() + 1000 + number as u64),
                Value::String(id) => json!(format!("zz{number}{id}")),
                other => other.clone(),
            };
        }
    }
    for key in ["id", "userid"] {
        if list.of == ListOf::Accounts
            && let Some(Value::String(id)) = other.get_mut(key)
        {
            *id = format!("zz{number}{id}");
        }
    }
    other
}

/// Puts `value` where the pointer leads, and makes the objects on the way.
fn put(body: &mut Value, at: &str, value: Value) {
    let mut place = body;
    for segment in at.split('/').skip(1) {
        if place.is_null() {
            *place = json!({});
        }
        place = place.as_object_mut().unwrap().entry(segment).or_insert(Value::Null);
    }
    *place = value;
}
