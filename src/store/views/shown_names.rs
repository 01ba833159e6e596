//! By which of a person's names lists show somebody: a name that a target has found goes before one that is only linked to it.

use std::collections::{BTreeMap, BTreeSet};

use crate::store::columns::{Columns as _, written};
use crate::store::{Result, Store, StoreError};

/// Of the JSON list `?1` of names: those that no target has found, each with the names of its form that are linked to it and that a target has
/// found. `pair` is who is linked to whom, `about` what has stood for those people, `seen` what their accounts are called.
const BETTER: &str = "WITH pair (shown, person, other) AS ( \
         SELECT DISTINCT s.value, i.person, o.name FROM json_each(?1) s CROSS JOIN identity i ON i.name = s.value \
             CROSS JOIN identity o ON o.person = i.person \
         WHERE i.target = '' AND o.target = '' AND o.until IS NULL AND o.name <> s.value \
             AND substr(o.name, 1, instr(o.name, ':')) = substr(s.value, 1, instr(s.value, ':'))), \
     linked (shown, name) AS (SELECT DISTINCT p.shown, i.name FROM pair p CROSS JOIN identity i ON i.person = p.person), \
     about (shown, ref) AS (SELECT l.shown, p.ref FROM linked l CROSS JOIN person p ON p.subject = l.name \
         UNION SELECT l.shown, a.ref FROM linked l CROSS JOIN alias a ON a.name = l.name), \
     seen (shown, name) AS (SELECT DISTINCT a.shown, n.value FROM about a CROSS JOIN cases c ON c.subject_ref = a.ref \
         CROSS JOIN job j ON j.case_id = c.id \
         CROSS JOIN json_each(CASE WHEN json_valid(j.evidence) THEN j.evidence ELSE '{}' END, '$.names') n) \
     SELECT p.shown, min(p.other) FROM pair p CROSS JOIN seen s ON s.shown = p.shown AND s.name = p.other \
     WHERE NOT EXISTS (SELECT 1 FROM seen o WHERE o.shown = p.shown AND o.name = p.shown) GROUP BY p.shown";

/// The names by which people are shown who are stored under others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShownNames(BTreeMap<String, String>);

impl ShownNames {
    /// The name to show for one that a row has.
    #[must_use]
    pub fn of<'n>(&'n self, stored: &'n str) -> &'n str {
        self.0.get(stored).map_or(stored, String::as_str)
    }
}

impl Store {
    /// How to show the people whom rows have under these names, of which one may be a slip that is linked to the right one.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn shown_names<'n>(&self, stored: impl IntoIterator<Item = &'n str>) -> Result<ShownNames> {
        let stored: BTreeSet<&str> = stored.into_iter().collect();
        let rows = sqlx::query(BETTER)
            .bind(written("names", &stored)?)
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("looking by which names people are found"))?;
        let better = rows.iter().map(|row| Ok((row.read(0)?, row.read(1)?)));
        better.collect::<Result<_>>().map(ShownNames)
    }
}
