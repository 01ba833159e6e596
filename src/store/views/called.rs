//! Whom a bare word may mean: the known names that it is, and those that are near it.

use std::collections::{BTreeMap, BTreeSet};

use super::search_word::{SearchWord, value_of};
use crate::model::Subject;
use crate::store::columns::{Columns as _, written};
use crate::store::{Result, Store, StoreError};

/// How many names of a table are looked at for one that is near a word.
const LOOKED_AT: i64 = 50_000;
/// How many cases are named that found an account of a name.
const ACCOUNTS: usize = 20;

/// A name that a word may mean, and where it is known from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownName {
    /// The name.
    pub name: Subject,
    /// The person that it is linked to others of.
    pub person: Option<i64>,
    /// The source that links it; nothing where an operator does, or nobody.
    pub source: Option<String>,
    /// The newest case that came by it, or that found an account of that name.
    pub case: Option<i64>,
    /// The newest cases that found an account of that name, the newest first, where nobody came by the name itself and nothing links it.
    pub accounts_of: Vec<i64>,
}

impl Store {
    /// The known names that are this word behind their format, each once, the surest first.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn names_called(&self, word: &SearchWord) -> Result<Vec<KnownName>> {
        // Whether somebody came by the name, or it is linked; and the cases that found an account of it.
        let mut found: BTreeMap<String, (bool, Vec<i64>)> = BTreeMap::new();
        for name in self.known_names_that_hold(word).await? {
            if word.is(&name) {
                found.insert(name, (true, Vec::new()));
            }
        }
        for account in self.accounts_that_hold(word).await? {
            // The target's own id is no less a name than what people call the account: lists show it.
            let id = format!("opaque:{}", account.id);
            for name in account.names.into_iter().chain([id]).filter(|name| word.is(name)) {
                let (_, cases) = found.entry(name).or_default();
                if cases.len() < ACCOUNTS && !cases.contains(&account.case) {
                    cases.push(account.case);
                }
            }
        }
        let mut names = Vec::with_capacity(found.len());
        for (text, (is_known, seen_in)) in found {
            // A name that another program has written is nobody's.
            let Ok(name) = text.parse() else { continue };
            let row = sqlx::query(
                "SELECT (SELECT person FROM identity WHERE name = ?1 LIMIT 1), (SELECT source FROM identity WHERE name = ?1 LIMIT 1), \
                     coalesce((SELECT max(c.id) FROM person p JOIN cases c ON c.subject_ref = p.ref WHERE p.subject = ?1), \
                         (SELECT max(c.id) FROM alias a JOIN cases c ON c.subject_ref = a.ref WHERE a.name = ?1))",
            )
            .bind(text)
            .fetch_one(self.readers())
            .await
            .map_err(StoreError::sql("looking up a name"))?;
            names.push(KnownName {
                name,
                person: row.read(0)?,
                source: row.read(1)?,
                case: row.read::<Option<i64>>(2)?.or(seen_in.first().copied()),
                accounts_of: if is_known { Vec::new() } else { seen_in },
            });
        }
        names.sort_by(|one, other| (one.name.rank(), &one.name).cmp(&(other.name.rank(), &other.name)));
        Ok(names)
    }

    /// Known names among which one that was meant by this word may be: of addresses, logins, accounts and numbers those that begin as one of its
    /// parts does, which an index finds, and beside them whatever comes first, in all at most `LOOKED_AT` of each table for each of the two.
    /// Up to so many names all are seen; of more, a slip in the first two letters may not be found.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn names_maybe_near(&self, word: &SearchWord) -> Result<Vec<String>> {
        let ranges = written("beginnings", &beginnings(value_of(word.written())))?;
        let sql = format!(
            "WITH range (first, last) AS MATERIALIZED (SELECT value ->> 0, value ->> 1 FROM json_each(?1)) \
             SELECT name FROM (SELECT i.name FROM range r CROSS JOIN identity i ON i.name >= r.first AND i.name < r.last LIMIT {LOOKED_AT}) \
             UNION SELECT subject FROM (SELECT p.subject FROM range r CROSS JOIN person p ON p.subject >= r.first AND p.subject < r.last \
                 LIMIT {LOOKED_AT}) \
             UNION SELECT name FROM (SELECT a.name FROM range r CROSS JOIN alias a ON a.name >= r.first AND a.name < r.last LIMIT {LOOKED_AT}) \
             UNION SELECT name FROM (SELECT name FROM identity ORDER BY id DESC LIMIT {LOOKED_AT}) \
             UNION SELECT subject FROM (SELECT subject FROM person LIMIT {LOOKED_AT}) WHERE substr(subject, 1, 8) <> 'aliases:' \
             UNION SELECT name FROM (SELECT name FROM alias LIMIT {LOOKED_AT})"
        );
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .bind(ranges)
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("looking for names that are near a word"))
    }
}

/// The formats whose names people type.
const TYPED: [&str; 4] = ["email", "username", "account", "employee_id"];

/// From where to where names stand that begin like a part of this word: with its first two letters, or with the first and one that is written with a
/// mark (`ju` is `jü` to who has no such key).
fn beginnings(word: &str) -> Vec<(String, String)> {
    let mut heads = BTreeSet::new();
    for part in word.split(|c: char| !c.is_alphanumeric()) {
        let mut letters = part.chars();
        let (Some(first), Some(second)) = (letters.next(), letters.next()) else {
            continue;
        };
        let (lower, upper) = (first.to_lowercase().to_string(), first.to_uppercase().to_string());
        let (second_lower, second_upper) = (second.to_lowercase(), second.to_uppercase());
        heads.extend([
            format!("{lower}{second_lower}"),
            format!("{upper}{second_lower}"),
            format!("{upper}{second_upper}"),
        ]);
    }
    let ends = |head: &str| (head.to_owned(), format!("{head}\u{10ffff}"));
    let mut ranges: BTreeSet<(String, String)> = heads.iter().map(|head| ends(head)).collect();
    for first in heads.iter().filter_map(|head| head.chars().next()) {
        ranges.insert((format!("{first}\u{80}"), format!("{first}\u{10ffff}")));
    }
    let of_format = |format: &'static str| {
        let ranges = ranges.iter();
        ranges.map(move |(from, to)| (format!("{format}:{from}"), format!("{format}:{to}")))
    };
    TYPED.into_iter().flat_map(of_format).collect()
}

#[cfg(test)]
mod tests {
    use super::beginnings;

    #[test]
    fn a_part_of_a_word_begins_as_it_is_typed_in_either_case_or_with_a_mark() {
        let ranges = beginnings("okafor, ju");
        let holds = |name: &str| ranges.iter().any(|(from, to)| from.as_str() <= name && name < to.as_str());
        for name in [
            "email:okafor@example.org",
            "username:Okafor",
            "username:OKAFOR",
            "username:jürgen",
            "email:jura@x",
        ] {
            assert!(holds(name), "{name}");
        }
        for name in ["email:amara@example.org", "username:jo", "opaque:okafor"] {
            assert!(!holds(name), "{name}");
        }
    }
}
