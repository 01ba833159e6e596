//! Whom a bare word may mean: the known names that it is, and those that are near it.

use std::collections::BTreeMap;

use super::search::{KNOWN, VALUE};
use super::search_word::SearchWord;
use crate::model::Subject;
use crate::store::columns::Columns as _;
use crate::store::{Result, Store, StoreError};

/// How many names are looked at for one that is near a word.
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

    /// Known names about as long as this word, for whoever looks for the one that was meant.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn names_about_as_long_as(&self, word: &SearchWord) -> Result<Vec<String>> {
        let length = i64::try_from(word.written().chars().count()).unwrap_or(i64::MAX);
        // Of an address the part before the domain is what people mistype.
        let sql = format!(
            "SELECT DISTINCT n FROM ({KNOWN}) \
             WHERE length({VALUE}) BETWEEN ?1 - 2 AND ?1 + 2 OR instr({VALUE}, '@') - 1 BETWEEN ?1 - 2 AND ?1 + 2 LIMIT {LOOKED_AT}"
        );
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .bind(length)
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("looking for names that are near a word"))
    }
}
