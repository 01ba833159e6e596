//! The last administrator stays: who else is one, and a lock under which one administrator at a time is locked out.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::Described;
use super::client::fail;
use super::listing;
use super::values::Values;
use crate::targets::{CallContext, Remedy, TargetError};

/// How long whom we locked out is not counted: the list shows it by then.
const LASTS: Duration = Duration::from_mins(5);

/// The administrators whom we locked out lately, each with until when it is not counted.
#[derive(Default)]
pub(super) struct Administrators(Mutex<BTreeMap<String, Instant>>);

impl Administrators {
    /// Whether the account is the only active administrator; `None` where the description cannot tell.
    pub(super) async fn is_last(&self, target: &Described, context: &CallContext, id: &str) -> Result<Option<bool>, TargetError> {
        let gone = {
            let mut gone = self.0.lock().await;
            counted(&mut gone);
            gone.clone()
        };
        is_last(target, context, id, &gone).await
    }

    /// Makes `change`, which locks the administrator out, unless nobody would be left. `None` where it was not made.
    pub(super) async fn lock_out<T>(
        &self,
        target: &Described,
        context: &CallContext,
        id: &str,
        change: impl Future<Output = Result<T, TargetError>>,
    ) -> Result<Option<T>, TargetError> {
        {
            // Held while it is asked who is left, so that of two administrators at once each does not count the other; never for the change itself.
            let mut gone = self.0.lock().await;
            counted(&mut gone);
            if is_last(target, context, id, &gone).await? == Some(true) {
                return Ok(None);
            }
            // Counted as gone even where no answer comes: the target may have done it.
            gone.insert(id.to_owned(), Instant::now() + LASTS);
        }
        let done = change.await.map(Some);
        // From now on: a change may take long, and the list may lag as long behind its end.
        self.0.lock().await.insert(id.to_owned(), Instant::now() + LASTS);
        done
    }
}

/// Leaves only those that are not counted still.
fn counted(gone: &mut BTreeMap<String, Instant>) {
    gone.retain(|_, until| Instant::now() < *until);
}

async fn is_last(
    target: &Described,
    context: &CallContext,
    id: &str,
    gone: &BTreeMap<String, Instant>,
) -> Result<Option<bool>, TargetError> {
    let Some(admins) = &target.description().admins else {
        return Ok(None);
    };
    let doing = "listing the administrators";
    let ours = target.ours(context).await?;
    let values = Values {
        ours: ours.as_deref(),
        ..Values::default()
    };
    let listed = listing::read(&target.session, context, doing, &admins.list, values).await?;
    let listed = listed.map_err(|why| fail(doing, Remedy::GiveUp, anyhow::anyhow!(why), None))?;
    let mut others = listed.items.iter().filter(|item| {
        let active = admins.active.as_ref().is_none_or(|active| active.holds(item));
        let other = admins
            .id
            .text(item)
            .is_some_and(|other| other != id && !gone.contains_key(&other));
        active && other
    });
    Ok(Some(others.next().is_none()))
}
