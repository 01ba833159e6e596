//! The world in which a recording was made, built from what the recording shows.
//!
//! What a case lists was there before, unless the case itself made it; what it only names by id is looked up in the other cases. Secrets
//! and states that no answer shows come from the case's [`Script`].

use std::collections::{BTreeMap, BTreeSet, HashSet};

use revoked_sandbox::{Clock, Id, World};
use serde_json::Value;

use super::add_objects::{add, apply_script};
use super::fixture::Case;
use super::objects::{CHANNEL, Kind, OPERATOR, id, kind, name_of, number};
use super::scripts::{Script, Seed};

/// The objects in an answer, in order.
fn objects(body: &Value) -> Vec<&Value> {
    match body {
        Value::Array(items) => items.iter().flat_map(objects).collect(),
        object if kind(object).is_some() => vec![object],
        _ => Vec::new(),
    }
}

/// Everything that any recording shows, by kind and id.
pub(super) struct Directory(BTreeMap<(Kind, String), Value>);

impl Directory {
    pub(super) fn of(cases: &BTreeMap<String, Case>) -> Self {
        let mut found = BTreeMap::new();
        let bodies = cases
            .values()
            .flat_map(|case| &case.steps)
            .filter_map(|step| step.response.as_ref()?.json());
        for body in bodies {
            for object in objects(&body) {
                let (Some(kind), Some(name)) = (kind(object), name_of(object)) else {
                    continue;
                };
                let blank = |object: &Value| object.get("client_secret").and_then(Value::as_str) == Some("");
                let known = found.get(&(kind, name.clone()));
                // The app's secret is shown to its keeper only, and the first state of a thing is the one to start from.
                if known.is_none_or(blank) {
                    found.insert((kind, name), object.clone());
                }
            }
        }
        Self(found)
    }
}

/// What was there before a case, in the order in which they are to be made.
struct ObjectsBefore {
    order: Vec<(Kind, Value)>,
    taken: HashSet<(Kind, String)>,
}

impl ObjectsBefore {
    fn add(&mut self, kind: Kind, object: &Value) {
        let Some(name) = name_of(object) else { return };
        if self.taken.insert((kind, name)) {
            self.order.push((kind, object.clone()));
        }
    }
}

/// The world and the clock that a case starts with.
pub(super) fn world(case: &Case, directory: &Directory, script: &Script) -> (World, Clock) {
    let started = started_at(case);
    let mut before = ObjectsBefore {
        order: Vec::new(),
        taken: HashSet::new(),
    };
    let made = shown(case, started, directory, script, &mut before);
    let mentioned = mentioned(case, script);
    for ((kind, name), object) in &directory.0 {
        let by_name = object.get("username").and_then(Value::as_str).unwrap_or_default();
        let named = mentioned.contains(name) || (*kind == Kind::Person && mentioned.contains(by_name));
        if named && !made.contains(name) && !script.gone.contains(&name.as_str()) {
            before.add(*kind, &active(*kind, object));
        }
    }
    // Whoever is named as the holder or maker of a seed must be there too.
    let owners: Vec<String> = before.order.iter().flat_map(|(_, object)| owners(object)).collect();
    for owner in owners {
        if let Some(person) = directory.0.get(&(Kind::Person, owner)) {
            before.add(Kind::Person, &active(Kind::Person, person));
        }
    }
    let mut world = World::empty(1);
    // The trail is listed newest first; everything else in the order in which it was made.
    before.order.sort_by_key(|(kind, object)| {
        (
            *kind,
            if *kind == Kind::Audit {
                number(object, "create_at")
            } else {
                0
            },
        )
    });
    for (kind, object) in &before.order {
        add(&mut world, *kind, object, script);
    }
    world.channels.insert(id(CHANNEL.0), id(CHANNEL.1));
    apply_script(&mut world, script, started);
    let clock = Clock::new(move || started + 1000);
    (world, clock)
}

/// Collects what the case shows that was there before; returns the ids of what it made itself.
fn shown(case: &Case, started: i64, directory: &Directory, script: &Script, before: &mut ObjectsBefore) -> HashSet<String> {
    let (mut made, mut changed) = (HashSet::new(), false);
    for step in &case.steps {
        let (Some(request), Some(response)) = (&step.request, &step.response) else {
            changed = true;
            continue;
        };
        let body = response.json().unwrap_or_default();
        for object in objects(&body) {
            let (Some(kind), Some(name)) = (kind(object), name_of(object)) else {
                continue;
            };
            let created = object.get("create_at").and_then(Value::as_i64);
            let young =
                changed && kind == Kind::Session && created.is_some_and(|created| created >= started) && !script.knows(&name);
            if request.creates() || young {
                made.insert(name);
            } else if !made.contains(&name) {
                let first = if changed || request.changes() {
                    active(kind, object)
                } else {
                    object.clone()
                };
                // Most answers blank an app's secret.
                let keeper = directory.0.get(&(kind, name)).filter(|_| kind == Kind::App);
                before.add(kind, keeper.unwrap_or(&first));
            }
        }
        changed |= request.changes();
    }
    made
}

/// An account or bot before it was deactivated.
fn active(kind: Kind, object: &Value) -> Value {
    let mut object = object.clone();
    if matches!(kind, Kind::Person | Kind::Bot) {
        object["delete_at"] = 0.into();
    }
    if kind == Kind::Token {
        object["is_active"] = true.into();
    }
    object
}

/// The second in which the first answer was sent, in milliseconds.
fn started_at(case: &Case) -> i64 {
    let date = case
        .steps
        .iter()
        .filter_map(|step| step.response.as_ref())
        .find_map(|response| response.all("date").first().map(|date| (*date).to_owned()));
    let date = date.expect("a date");
    let at = jiff::fmt::rfc2822::parse(&date).expect("an HTTP date");
    at.timestamp().as_millisecond()
}

/// Words of the requests (and of the script) that may name something.
fn mentioned(case: &Case, script: &Script) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    let mut read = |text: &str| {
        words.extend(
            text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.'))
                .map(str::to_lowercase),
        );
        if text.contains(OPERATOR.0) {
            words.insert(OPERATOR.2.to_owned());
        }
    };
    for request in case.steps.iter().filter_map(|step| step.request.as_ref()) {
        read(&request.path);
        read(request.body.as_deref().unwrap_or_default());
        request.headers.iter().for_each(|(_, value)| read(value));
    }
    for person in script.seeds.iter().filter_map(Seed::person) {
        read(person);
    }
    words
}

fn owners(object: &Value) -> Vec<String> {
    ["user_id", "creator_id", "owner_id"]
        .iter()
        .filter_map(|name| object.get(name)?.as_str().map(str::to_owned))
        .collect()
}

/// The ids that the world was seeded with.
pub(super) fn ids_in(world: &World) -> HashSet<String> {
    let mut ids = HashSet::new();
    for person in world.people() {
        ids.insert(person.id.to_string());
        ids.extend(person.sessions.iter().map(Id::to_string));
        ids.extend(person.tokens.iter().map(Id::to_string));
    }
    ids.extend(world.incoming_hooks.iter().map(|hook| hook.id.to_string()));
    ids.extend(world.outgoing_hooks.iter().map(|hook| hook.id.to_string()));
    ids.extend(world.commands.iter().map(|command| command.id.to_string()));
    ids.extend(world.apps.iter().map(|app| app.id.to_string()));
    ids.extend(world.teams.iter().map(|team| team.id.to_string()));
    ids
}
