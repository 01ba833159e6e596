//! Lists: paging in a stable order, and filters, which are answered by a second name where one is asked for.

use serde_json::{Map, Value};

use super::record::Record;
use super::storage::{EMAIL, EXTERNAL, NAMES, second_name};
use crate::model::Memo;
use crate::sources::SourceState;
use crate::sources::scim::protocol::attribute_path::PathTarget;
use crate::sources::scim::protocol::error::ScimError;
use crate::sources::scim::protocol::filter::{self, Comparison, Filter, Scope, holds};
use crate::sources::scim::protocol::list_response::{MOST_RESULTS, page};
use crate::sources::scim::protocol::query::Query;
use crate::sources::scim::protocol::schema::{ResourceType, USER};

/// How many memos one look takes.
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
        let show = |window: &mut Window, memo: &Memo, known: Option<Map<String, Value>>| -> anyhow::Result<()> {
            let shown = match known {
                Some(shown) => shown,
                None => Record::read(memo)?.show(kind, base),
            };
            window.shown.push(query.selection.of(kind, shown));
            Ok(())
        };
        match &filter {
            None => {
                let (total, memos) = state.memos_page(kind.drawer, window.skip, window.left).await?;
                window.skip = window.skip.saturating_sub(total);
                window.left -= memos.len() as u64;
                window.total += total;
                for memo in &memos {
                    show(&mut window, memo, None)?;
                }
            }
            Some(filter) => {
                let mut candidates = Candidates::of(state, kind, filter).await?;
                while let Some(memos) = candidates.next(state, kind).await? {
                    for memo in &memos {
                        let shown = Record::read(memo)?.show(kind, base);
                        if holds(filter, Scope::Resource(kind), &shown) && window.takes() {
                            show(&mut window, memo, Some(shown))?;
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
    Found(Option<Vec<Memo>>),
    /// Among all that come after this key.
    After(Option<String>),
}

impl Candidates {
    async fn of(state: &dyn SourceState, kind: &ResourceType, filter: &Filter) -> anyhow::Result<Self> {
        for one in filter.conjuncts() {
            let Some((target, value)) = equality(kind, one) else {
                continue;
            };
            let memos = match target {
                "id" => state.memo(kind.drawer, value).await?.into_iter().collect(),
                called if called == kind.called => state.memos_by(kind.drawer, &second_name(value)).await?,
                prefix => {
                    let name = format!(
                        "{prefix}:{}",
                        if prefix == EMAIL {
                            second_name(value)
                        } else {
                            value.to_owned()
                        }
                    );
                    let pointers = state.memos_by(NAMES, &name).await?;
                    if pointers.len() >= MOST_NAMESAKES {
                        continue;
                    }
                    let mut memos: Vec<Memo> = Vec::new();
                    for pointer in pointers {
                        if let Some(memo) = state.memo(kind.drawer, &pointer.body).await?
                            && !memos.contains(&memo)
                        {
                            memos.push(memo);
                        }
                    }
                    memos.sort_by(|one, other| one.key.cmp(&other.key));
                    memos
                }
            };
            if memos.len() < MOST_NAMESAKES {
                return Ok(Self::Found(Some(memos)));
            }
        }
        Ok(Self::After(Some(String::new())))
    }

    async fn next(&mut self, state: &dyn SourceState, kind: &ResourceType) -> anyhow::Result<Option<Vec<Memo>>> {
        match self {
            Self::Found(memos) => Ok(memos.take()),
            Self::After(after) => {
                let Some(key) = after.take() else { return Ok(None) };
                let memos = state.memos_after(kind.drawer, &key, PORTION).await?;
                *after = memos.last().map(|memo| memo.key.clone());
                Ok(Some(memos).filter(|memos| !memos.is_empty()))
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
