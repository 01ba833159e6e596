//! Where people are in a directory, and how one is found.

use ldap3::Scope;

use super::connection::failure::CallFailure;
use super::connection::{Connection, Listing, Search};
use super::entry::Entry;
use super::filter::Filter;
use super::naming::Naming;
use crate::targets::CallContext;

/// How many entries of one name are looked at: that there are more than one is all that matters, and which ones for the report.
const MOST: usize = 5;

/// The people of a directory.
pub(super) struct People {
    /// Below which entries they are.
    pub(super) bases: Vec<String>,
    /// What tells them from everything else there.
    pub(super) filter: Filter,
    pub(super) naming: Naming,
    /// What is read of each besides the names.
    pub(super) attributes: Vec<String>,
}

impl People {
    /// Everybody whom the filter matches, below every base.
    pub(super) async fn find(
        &self,
        connection: &Connection,
        context: &CallContext,
        doing: &str,
        filter: &Filter,
    ) -> Result<Listing, CallFailure> {
        let mut attributes = self.naming.attributes();
        attributes.extend(self.attributes.iter().cloned());
        let mut found = Listing::default();
        for base in &self.bases {
            let search = Search {
                base: base.clone(),
                scope: Scope::Subtree,
                filter: Filter::both(&self.filter, filter),
                attributes: attributes.clone(),
                most: MOST,
                names_only: false,
            };
            let listing = connection.search(context, doing, &search).await?;
            found.more |= listing.more;
            for entry in listing.entries {
                // One base may lie below another.
                if !found.entries.contains(&entry) {
                    found.entries.push(entry);
                }
            }
        }
        Ok(found)
    }

    /// The one of this id; `None` where it is gone.
    pub(super) async fn of_id(
        &self,
        connection: &Connection,
        context: &CallContext,
        doing: &str,
        id: &str,
    ) -> Result<Option<Entry>, CallFailure> {
        let listing = self.find(connection, context, doing, &self.naming.of_id(id)).await?;
        let mut entries = listing.entries.into_iter();
        let found = entries.find(|entry| self.naming.id_of(entry).is_some_and(|found| found.eq_ignore_ascii_case(id)));
        if listing.more || entries.next().is_some() {
            return Err(CallFailure::unclear(doing, "two entries have the same id"));
        }
        Ok(found)
    }
}
