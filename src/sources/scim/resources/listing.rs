//! Lists: paging in a stable order, and filters, which are answered by a second name where one is asked for.

use serde_json::{Map, Value};

use super::record::Record;
use super::storage::{EMAIL, EXTERNAL, NAMES, second_name};
use crate::model::StateEntry;
use crate::sources::SourceState;
use crate::sources::scim::protocol::attribute_path::PathTarget;
use crate::sources::scim::protocol::error::ScimError;
use crate::sources::scim::protocol::filter::{self, Comparison, Filter, Scope, holds};
use crate::sources::scim::protocol::list_response::{MOST_RESULTS, page};
use crate::sources::scim::protocol::query::Query;
use crate::sources::scim::protocol::schema::{ResourceType, USER};

/// How many entries one look takes.
const PORTION: u32 = 500;
/// A second name that so many have is looked for in all of them.
const MOST_NAMESAKES: usize = 100;

/// The resources of these types that a query asks for.
///
/// # Errors
/// `invalidFilter` in the inner result; the outer one is the store's.
pub(in crate::sources::scim) async fn list(
    state: &dyn SourceState,
    kinds: &[&'static ResourceType],
    query: &Query,
    base: &str,
) -> anyhow::Result<Result<Value, ScimError>> {
    let filter = match query.filter.as_deref().map(filter::read).transpose() {
        Ok(filter) => filter,
        Err(scim_error) => return Ok(Err(scim_error)),
    };
    let mut window = Window {
        skip: query.skip,
        left: query.count.unwrap_or(MOST_RESULTS).min(MOST_RESULTS),
        total: 0,
        shown: Vec::new(),
    };
    for kind in kinds {
        let show = |window: &mut Window, entry: &StateEntry, known: Option<Map<String, Value>>| -> anyhow::Result<()> {
            let shown = match known {
                Some(shown) => shown,
                None => Record::read(entry)?.show(kind, base),
            };
            window.shown.push(query.selection.of(kind, shown));
            Ok(())
        };
        match &filter {
            None => {
                let (total, entries) = state.state_entries_page(kind.namespace, window.skip, window.left).await?;
                window.skip = window.skip.saturating_sub(total);
                window.left -= entries.len() as u64;
                window.total += total;
                for entry in &entries {
                    show(&mut window, entry, None)?;
                }
            }
            Some(filter) => {
                let mut candidates = Candidates::of(state, kind, filter).await?;
                while let Some(entries) = candidates.next(state, kind).await? {
                    for entry in &entries {
                        let shown = Record::read(entry)?.show(kind, base);
                        if holds(filter, Scope::Resource(kind), &shown) && window.takes() {
                            show(&mut window, entry, Some(shown))?;
                        }
                    }
                }
            }
        }
    }
    Ok(Ok(page(window.shown, window.total, query.skip)))
}

/// The part of all matches that is asked for.
struct Window {
    skip: u64,
    left: u64,
    total: u64,
    shown: Vec<Value>,
}

impl Window {
    /// Counts one more match, and says whether it is to be shown.
    fn takes(&mut self) -> bool {
        self.total += 1;
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        if self.left == 0 {
            return false;
        }
        self.left -= 1;
        true
    }
}

/// Where matches may be.
enum Candidates {
    /// Among these.
    Found(Option<Vec<StateEntry>>),
    /// Among all that come after this key.
    After(Option<String>),
}

impl Candidates {
    async fn of(state: &dyn SourceState, kind: &ResourceType, filter: &Filter) -> anyhow::Result<Self> {
        for one in filter.conjuncts() {
            let Some((target, value)) = equality(kind, one) else {
                continue;
            };
            let entries = match target {
                "id" => state.state_entry(kind.namespace, value).await?.into_iter().collect(),
                called if called == kind.called => state.state_entries_by(kind.namespace, &second_name(value)).await?,
                prefix => {
                    let name = format!(
                        "{prefix}:{}",
                        if prefix == EMAIL {
                            second_name(value)
                        } else {
                            value.to_owned()
                        }
                    );
                    let pointers = state.state_entries_by(NAMES, &name).await?;
                    if pointers.len() >= MOST_NAMESAKES {
                        continue;
                    }
                    let mut entries: Vec<StateEntry> = Vec::new();
                    for pointer in pointers {
                        if let Some(entry) = state.state_entry(kind.namespace, &pointer.body).await?
                            && !entries.contains(&entry)
                        {
                            entries.push(entry);
                        }
                    }
                    entries.sort_by(|one, other| one.key.cmp(&other.key));
                    entries
                }
            };
            if entries.len() < MOST_NAMESAKES {
                return Ok(Self::Found(Some(entries)));
            }
        }
        Ok(Self::After(Some(String::new())))
    }

    async fn next(&mut self, state: &dyn SourceState, kind: &ResourceType) -> anyhow::Result<Option<Vec<StateEntry>>> {
        match self {
            Self::Found(entries) => Ok(entries.take()),
            Self::After(after) => {
                let Some(key) = after.take() else { return Ok(None) };
                let entries = state.state_entries_after(kind.namespace, &key, PORTION).await?;
                *after = entries.last().map(|entry| entry.key.clone());
                Ok(Some(entries).filter(|entries| !entries.is_empty()))
            }
        }
    }
}

/// What a comparison asks for by equality that is kept as a second name: its kind, and the value.
fn equality<'f>(kind: &ResourceType, filter: &'f Filter) -> Option<(&'static str, &'f str)> {
    let (path, inner) = match filter {
        Filter::Within(path, inner) => (path, Some(inner)),
        Filter::Compare { path, .. } => (path, None),
        _ => return None,
    };
    let Ok(PathTarget::Attribute {
        extension: None,
        attribute,
        sub,
    }) = PathTarget::find(kind, path)
    else {
        return None;
    };
    let is_email = *kind == USER && attribute.name == "emails";
    let (compared, name) = match (inner, sub) {
        (Some(inner), None) if is_email => {
            let by_value = |one: &&Filter| matches!(one, Filter::Compare { path, .. } if path.eq_ignore_ascii_case("value"));
            (inner.conjuncts().iter().find(by_value)?, EMAIL)
        }
        (None, None) if is_email => (filter, EMAIL),
        (None, Some(sub)) if is_email && sub.name == "value" => (filter, EMAIL),
        (None, None) if attribute.name == "externalId" => (filter, EXTERNAL),
        (None, None) if attribute.name == "id" || attribute.name == kind.called => (filter, attribute.name),
        _ => return None,
    };
    match compared {
        Filter::Compare {
            by: Comparison::Equal,
            value,
            bare,
            ..
        } => Some((name, Filter::text(value, bare.as_deref())?)),
        _ => None,
    }
}
