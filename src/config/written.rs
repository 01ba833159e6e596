//! What stands in a config, table by table: by this two configs are told apart, and what a running daemon can take over from what needs a restart.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::file;

/// The tables of a config, as they are written. Two that say the same in another order or with other comments are equal.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Written(toml::Table);

/// One difference between two configs: a table, or one of several of its kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Change {
    /// The table as it is named in the file: `policy`, `playbook`, `source`.
    pub table: String,
    /// Which of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How.
    pub how: ChangeKind,
    /// The keys that are different, where it was there and still is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
}

/// How a table is different.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It was not there.
    New,
    /// It is there no more.
    Gone,
    /// It says something else.
    Changed,
}

/// Tables that a running daemon takes over whole. Of any other a change needs a restart: a listener, a lane and an open file are not exchanged under the work.
const TAKEN_OVER: [&str; 9] = [
    "policy",
    "playbook",
    "group",
    "source",
    "approvals",
    "alerts",
    "notify",
    "ledger",
    "retention",
];

impl Written {
    /// What stands in `text`; nothing where it is no TOML.
    pub(super) fn of(text: &str) -> Self {
        Self(toml::from_str(text).unwrap_or_default())
    }

    /// What is different in `new`, in the order of the names of the tables.
    #[must_use]
    pub fn changes_to(&self, new: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        for table in keys(&self.0, &new.0) {
            let (before, after) = (self.0.get(table), new.0.get(table));
            if before == after {
                continue;
            }
            let is_array = before.or(after).is_some_and(toml::Value::is_array);
            let of = |value: Option<&toml::Value>| {
                let inner = value.and_then(|value| entries(value).or_else(|| value.as_table().cloned()));
                inner.unwrap_or_default()
            };
            let (before, after) = (of(before), of(after));
            if is_array || is_by_name(table) {
                changes.extend(of_each(table, &before, &after));
            } else {
                changes.push(Change {
                    table: table.to_owned(),
                    name: None,
                    how: ChangeKind::Changed,
                    keys: different(&before, &after),
                });
            }
        }
        changes
    }

    /// Whether the source of that name is fetched and read as before: what policy says of it, and how long it may be silent, does not count.
    #[must_use]
    pub fn reads_alike(&self, new: &Self, source: &str) -> bool {
        let connector = |written: &Self| {
            let mut table = written.0.get("source").and_then(entries)?.get(source)?.as_table()?.clone();
            table.retain(|key, _| key == "kind" || !file::Source::KEYS.contains(&key));
            Some(table)
        };
        connector(self) == connector(new)
    }
}

impl Change {
    /// Whether the daemon must be started again for it.
    #[must_use]
    pub fn needs_restart(&self) -> bool {
        match self.table.as_str() {
            "log" => self.keys.iter().any(|key| key != "level"),
            table => !TAKEN_OVER.contains(&table),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            None => write!(f, "[{}]", self.table)?,
            Some(name) if is_by_name(&self.table) => write!(f, "[{}.{name}]", self.table)?,
            Some(name) => write!(f, "[[{}]] {name}", self.table)?,
        }
        match self.how {
            ChangeKind::New => f.write_str(" is new"),
            ChangeKind::Gone => f.write_str(" is gone"),
            ChangeKind::Changed if self.keys.is_empty() => f.write_str(" has changed"),
            ChangeKind::Changed => write!(f, " has changed: {}", self.keys.join(", ")),
        }
    }
}

/// Tables that hold others by name, `[playbook.departed.chat]`.
fn is_by_name(table: &str) -> bool {
    matches!(table, "playbook" | "group")
}

/// The entries of `[[source]]` and its like, by their names.
fn entries(value: &toml::Value) -> Option<toml::Table> {
    let all = value.as_array()?.iter().enumerate().map(|(place, entry)| {
        let name = entry.get("name").and_then(toml::Value::as_str);
        (name.map_or_else(|| place.to_string(), ToOwned::to_owned), entry.clone())
    });
    Some(all.collect())
}

fn of_each<'t>(table: &'t str, before: &'t toml::Table, after: &'t toml::Table) -> impl Iterator<Item = Change> + 't {
    keys(before, after).into_iter().filter_map(move |name| {
        let (how, keys) = match (before.get(name), after.get(name)) {
            (before, after) if before == after => return None,
            (None, _) => (ChangeKind::New, Vec::new()),
            (_, None) => (ChangeKind::Gone, Vec::new()),
            (Some(before), Some(after)) => {
                let inner = before.as_table().zip(after.as_table());
                let keys = inner.map(|(before, after)| different(before, after));
                (ChangeKind::Changed, keys.unwrap_or_default())
            }
        };
        Some(Change {
            table: table.to_owned(),
            name: Some(name.to_owned()),
            how,
            keys,
        })
    })
}

fn keys<'t>(before: &'t toml::Table, after: &'t toml::Table) -> BTreeSet<&'t str> {
    before.keys().chain(after.keys()).map(String::as_str).collect()
}

fn different(before: &toml::Table, after: &toml::Table) -> Vec<String> {
    let keys = keys(before, after).into_iter();
    keys.filter(|key| before.get(*key) != after.get(*key))
        .map(ToOwned::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(before: &str, after: &str) -> Vec<(String, bool)> {
        let changes = Written::of(before).changes_to(&Written::of(after));
        changes
            .iter()
            .map(|change| (change.to_string(), change.needs_restart()))
            .collect()
    }

    #[test]
    fn order_and_comments_are_no_change() {
        let before = "[policy]\nambiguous = \"all\"\nold_signal = \"1h\"\n[[source]]\nname = \"a\"\n[[source]]\nname = \"b\"\n";
        let after =
            "# why\n[[source]]\nname = \"b\"\n[[source]]\nname = \"a\"\n[policy]\nold_signal = \"1h\"\nambiguous = \"all\"\n";
        assert_eq!(changes(before, after), []);
    }

    #[test]
    fn each_change_is_named_by_its_table_its_name_and_its_keys() {
        let before = "[policy]\nprotected = []\n[listen]\naddress = \"a\"\n[log]\nlevel = \"info\"\n[playbook.departed.chat]\nblock = true\n\
                      [[source]]\nname = \"hr\"\nkind = \"hr-csv\"\nfolder = \"a\"\n[[target]]\nname = \"chat\"\nrate = \"1/s\"\n";
        let after = "[policy]\nprotected = [\"x\"]\nold_signal = \"1h\"\n[listen]\naddress = \"b\"\n[log]\nlevel = \"debug\"\n\
                     [playbook.departed.chat]\nblock = false\n[[source]]\nname = \"siem\"\n[[target]]\nname = \"chat\"\nrate = \"2/s\"\n";
        let named = changes(before, after);
        let named: Vec<_> = named.iter().map(|(change, restart)| (change.as_str(), *restart)).collect();
        assert_eq!(
            named,
            [
                ("[listen] has changed: address", true),
                ("[log] has changed: level", false),
                ("[playbook.departed] has changed: chat", false),
                ("[policy] has changed: old_signal, protected", false),
                ("[[source]] hr is gone", false),
                ("[[source]] siem is new", false),
                ("[[target]] chat has changed: rate", true),
            ]
        );
        assert_eq!(
            changes("[log]\nformat = \"human\"\n", "[log]\nformat = \"json\"\n"),
            [("[log] has changed: format".to_owned(), true)]
        );
    }

    #[test]
    fn a_table_that_nobody_has_thought_of_needs_a_restart() {
        let [(_, restart)] = &changes("", "[something_new]\nkey = 1\n")[..] else {
            panic!()
        };
        assert!(restart);
    }

    #[test]
    fn a_source_reads_alike_where_only_its_bounds_have_changed() {
        let before = Written::of("[[source]]\nname = \"hr\"\nkind = \"hr-csv\"\nfolder = \"a\"\ndepartures_per_hour = 1\n");
        let bounds = Written::of("[[source]]\nname = \"hr\"\nkind = \"hr-csv\"\nfolder = \"a\"\nsilent_after = \"2d\"\n");
        let folder = Written::of("[[source]]\nname = \"hr\"\nkind = \"hr-csv\"\nfolder = \"b\"\ndepartures_per_hour = 1\n");
        assert!(before.reads_alike(&bounds, "hr"));
        assert!(!before.reads_alike(&folder, "hr"));
        assert!(!before.reads_alike(&Written::default(), "hr"));
    }
}
