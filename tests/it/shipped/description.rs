//! A shipped description as its file says it: what the stand-in must know of its lists.

use std::path::PathBuf;

use serde_json::Value;

use super::request_pattern::{Asked, RequestPattern};

/// One file of `src/targets/described/shipped`.
pub(super) struct Description {
    pub(super) name: String,
    file: Value,
    lists: Vec<List>,
}

/// A list that it reads.
pub(super) struct List {
    pub(super) of: ListOf,
    on: String,
    json: Option<Value>,
    pub(super) items: String,
    pub(super) id: Option<String>,
    pub(super) matched: Vec<String>,
    pub(super) paging: Paging,
}

/// What a list holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ListOf {
    Accounts,
    Grants(String),
    Else,
}

/// How its pages follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Paging {
    None,
    Link,
    NextUrl(String),
    Cursor {
        at: String,
        send: String,
    },
    Counted {
        word: String,
        first: usize,
        by_page: bool,
        total: Option<String>,
    },
}

impl Paging {
    /// Whether the server says what comes next.
    pub(super) fn is_told(&self) -> bool {
        matches!(self, Self::Link | Self::NextUrl(_) | Self::Cursor { .. })
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/targets/described/shipped")
}

/// The names of all that are shipped.
pub(super) fn shipped() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .filter_map(|entry| Some(entry.unwrap().file_name().to_str()?.strip_suffix(".toml")?.to_owned()))
        .collect();
    names.sort();
    assert!(names.len() >= 18, "{names:?}");
    names
}

impl Description {
    pub(super) fn of(name: &str) -> Self {
        let text = std::fs::read_to_string(folder().join(format!("{name}.toml"))).unwrap();
        let file: Value = toml::from_str(&text).unwrap();
        let mut lists = Vec::new();
        for resolve in tables(&file, "resolve").filter(|resolve| resolve.get("items").is_some()) {
            lists.push(List::of(resolve, ListOf::Accounts));
        }
        for grant in tables(&file, "grant").filter(|grant| grant.get("call").is_some()) {
            let kind = grant["kind"].as_str().unwrap().to_owned();
            lists.push(List::of(grant, ListOf::Grants(kind)));
            lists.extend(grant.get("each").map(|each| List::of(each, ListOf::Else)));
        }
        lists.extend(file.get("admins").map(|admins| List::of(admins, ListOf::Else)));
        Self {
            name: name.to_owned(),
            file,
            lists,
        }
    }

    /// The credentials that a config must name.
    pub(super) fn needs(&self) -> Vec<&str> {
        texts(&self.file, "needs")
    }

    /// The pointer to a table or a value of the file.
    pub(super) fn at(&self, pointer: &str) -> Option<&Value> {
        self.file.pointer(pointer)
    }

    /// The ways of asking for somebody: by which form of subject, and whether the answer is a list.
    pub(super) fn asks(&self) -> Vec<(&str, bool)> {
        tables(&self.file, "resolve")
            .map(|resolve| (resolve["by"].as_str().unwrap(), resolve.get("items").is_some()))
            .collect()
    }

    /// Whether the name that is searched for is what the account is known by.
    pub(super) fn name_is_id(&self, by: &str) -> bool {
        let resolve = tables(&self.file, "resolve").find(|resolve| resolve["by"] == by);
        resolve.is_some_and(|resolve| resolve.pointer("/match/pointer") == self.file.pointer("/principal/id"))
    }

    /// How many kinds of grant are proved by a moment.
    pub(super) fn proofs(&self) -> usize {
        tables(&self.file, "grant")
            .filter(|grant| grant.get("proof").is_some())
            .count()
    }

    /// The list that a request reads.
    pub(super) fn list(&self, asked: &Asked) -> Option<&List> {
        self.lists.iter().find(|list| list.is_read_by(asked))
    }

    /// Whether the accounts are looked for in a list of several pages.
    pub(super) fn pages_accounts(&self, by: &str) -> Option<&Paging> {
        let resolve = tables(&self.file, "resolve").find(|resolve| resolve["by"] == by)?;
        let list = resolve.get("items").map(|_| List::of(resolve, ListOf::Accounts))?;
        let paging = &self
            .lists
            .iter()
            .find(|known| known.on == list.on && known.json == list.json)?
            .paging;
        (*paging != Paging::None).then_some(paging)
    }

    /// The kinds of grant whose lists have several pages, with how.
    pub(super) fn paged_kinds(&self) -> Vec<(&str, &Paging)> {
        self.lists
            .iter()
            .filter_map(|list| match &list.of {
                ListOf::Grants(kind) if list.paging != Paging::None => Some((kind.as_str(), &list.paging)),
                _ => None,
            })
            .collect()
    }
}

impl List {
    fn of(table: &Value, of: ListOf) -> Self {
        let call = table["call"].as_str().unwrap();
        let matched = table.get("match").map(|one| {
            let places = ["pointer", "or"].into_iter().filter_map(|key| one.get(key)?.as_str());
            places.map(str::to_owned).collect()
        });
        Self {
            of,
            on: stars(call),
            json: table.get("json").map(starred),
            items: table["items"].as_str().unwrap().to_owned(),
            id: table
                .get("id")
                .or_else(|| table.get("at"))
                .and_then(Value::as_str)
                .map(str::to_owned),
            matched: matched.unwrap_or_default(),
            paging: paging(&table["paging"]),
        }
    }

    fn is_read_by(&self, asked: &Asked) -> bool {
        RequestPattern::parse(&self.on, self.json.clone()).star(asked).is_some()
    }
}

fn paging(written: &Value) -> Paging {
    let text = |key: &str| written.get(key).and_then(Value::as_str).map(str::to_owned);
    let number = |key: &str| {
        written
            .get(key)
            .and_then(Value::as_u64)
            .map(|number| usize::try_from(number).unwrap())
    };
    let counted = |word, first, by_page| Paging::Counted {
        word,
        first,
        by_page,
        total: text("total"),
    };
    if written == "none" {
        Paging::None
    } else if text("link").is_some() {
        Paging::Link
    } else if let Some(at) = text("next_url") {
        Paging::NextUrl(at)
    } else if let (Some(at), Some(send)) = (text("cursor"), text("send")) {
        Paging::Cursor { at, send }
    } else if let Some(word) = text("start_index") {
        counted(word, 1, false)
    } else if let Some(word) = text("offset") {
        counted(word, 0, false)
    } else if let Some(word) = text("page") {
        counted(word, number("first").unwrap(), true)
    } else {
        panic!("paging: {written}")
    }
}

/// A template with a star for each value.
fn stars(template: &str) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        text.push('*');
        rest = after.split_once('}').unwrap().1;
    }
    text + rest
}

fn starred(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(stars(text)),
        Value::Array(members) => members.iter().map(starred).collect(),
        Value::Object(members) => members.iter().map(|(name, member)| (name.clone(), starred(member))).collect(),
        other => other.clone(),
    }
}

fn tables<'v>(file: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    file.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn texts<'v>(file: &'v Value, key: &str) -> Vec<&'v str> {
    let members = file.get(key).and_then(Value::as_array).into_iter().flatten();
    members.filter_map(Value::as_str).collect()
}
