//! Policy: the groups of people whom it treats apart, and why something would be decided.

use axum::Json as Answer;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::requests::reason;
use super::{Json, Number, Page, Path, subject};
use crate::config::{AcceptedList, NotAccepted, accept_group_list, read_group_file};
use crate::console::Console;
use crate::console::caller::Caller;
use crate::console::refusal::Refusal;
use crate::intake::{Explanation, Supposed};
use crate::policy::{Group, GroupState, INBOX, judged};
use crate::store::{Listed, PeopleRead};

/// The groups of people whom policy treats apart, with how many names each has. Of a list that is not taken it is said why.
#[utoipa::path(get, path = "/api/v1/policy/groups", tag = "policy", operation_id = "list_groups", responses((status = 200, body = Page<GroupState>)))]
pub(super) async fn groups(State(console): State<Console>) -> Result<Answer<Page<GroupState>>, Refusal> {
    let policy = console.installation.policy.now();
    // Files are read.
    let rows = tokio::task::spawn_blocking(move || policy.group_states(fault)).await;
    let rows = rows.map_err(|_| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the lists of groups could not be read"))?;
    Ok(Answer(Page::whole(Listed {
        rows,
        unreadable: Vec::new(),
    })))
}

/// What is wrong with the file of a group as it lies there, so that the list before it stands.
fn fault(group: &Group) -> Option<String> {
    let (path, listed) = (group.file.as_ref()?, group.listed.as_ref()?.now());
    let read = read_group_file(path).and_then(|(members, _)| judged(Some(&listed), members));
    read.err().map(|fault| fault.to_string())
}

/// That a list is right although it names less than half of those that it named.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Acceptance {
    /// How many names the list has, as it was shown: one that has another number by then is not taken.
    #[schema(value_type = i64, minimum = 1, maximum = 1_000_000)]
    names: Number,
}

/// Takes the list of a group that has lost many names. The daemon reads exactly it within seconds; another one after it is judged again.
#[utoipa::path(post, path = "/api/v1/policy/groups/{name}/acceptance", tag = "policy", operation_id = "accept_group_list",
    params(("name" = String, Path)), request_body = Acceptance, responses((status = 200, body = AcceptedList)))]
pub(super) async fn accept(
    State(console): State<Console>,
    Path(name): Path<String>,
    caller: Caller,
    Json(shown): Json<Acceptance>,
) -> Result<Answer<AcceptedList>, Refusal> {
    let policy = console.installation.policy.now();
    let file = policy
        .groups
        .iter()
        .find(|group| group.name == name)
        .and_then(|group| group.file.clone());
    let file = file.ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, format!("no group with a file is called {name:?}")))?;
    let names = usize::try_from(shown.names.0).ok().filter(|names| *names > 0);
    let names = names.ok_or_else(|| Refusal::unreadable("names: say how many the list has"))?;
    let accepted = accept_group_list(&console.store, (&name, &file), Some(names), caller.operator).await;
    accepted.map(Answer).map_err(|error| match error {
        NotAccepted::Store(error) => error.into(),
        error => Refusal::new(StatusCode::CONFLICT, error.to_string()),
    })
}

/// A signal that nobody has sent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Hypothesis {
    /// Whom it would be about: an address, or a name in a form of RFC 9493 as `/api/v1/find` shows it.
    #[schema(min_length = 1, max_length = 512)]
    subject: String,
    /// The source that would send it; a request without it.
    #[schema(max_length = 64)]
    source: Option<String>,
    /// The reason that it would give; `compromised` without it.
    #[schema(min_length = 1, max_length = 64)]
    reason: Option<String>,
    /// The playbook that it would ask for.
    #[schema(max_length = 64)]
    playbook: Option<String>,
    /// The target that it would ask for.
    #[schema(max_length = 64)]
    target: Option<String>,
    /// It would ask only for the end of every session.
    #[serde(default)]
    all_sessions: bool,
    /// How many such signals would come together; one without it.
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 1_000_000)]
    together: Option<Number>,
}

/// What would become of a signal, rule by rule. Nothing is stored, and no target is asked.
#[utoipa::path(post, path = "/api/v1/policy/explanation", tag = "policy", operation_id = "explain_policy", request_body = Hypothesis,
    responses((status = 200, body = Explanation)))]
pub(super) async fn explain(
    State(console): State<Console>,
    caller: Caller,
    Json(asked): Json<Hypothesis>,
) -> Result<Answer<Explanation>, Refusal> {
    let source = asked.source.unwrap_or_else(|| INBOX.to_owned());
    if source != INBOX
        && !console
            .store
            .source_health()
            .await?
            .iter()
            .any(|known| known.source == source)
    {
        return Err(Refusal::new(StatusCode::NOT_FOUND, format!("no source is called {source:?}")));
    }
    let together = asked.together.map_or(Some(1), |together| usize::try_from(together.0).ok());
    let together = together.filter(|together| (1..=1_000_000).contains(together));
    let supposed = Supposed {
        subject: subject(&asked.subject)?,
        source,
        reason: reason(asked.reason.as_deref().unwrap_or("compromised"))?,
        playbook: asked.playbook,
        target: asked.target,
        all_sessions: asked.all_sessions,
        together: together.ok_or_else(|| Refusal::unreadable("together: it is from 1 to 1000000"))?,
    };
    let policy = console.installation.policy.now();
    let now = console.store.clock().now();
    let explained = supposed.explained(&policy, Some(&console.store), now).await?;
    let read = PeopleRead {
        subject_refs: console.store.references(&supposed.subject).await?,
        ..PeopleRead::new(caller.operator, "POST /api/v1/policy/explanation")
    };
    console.record_read(&read).await;
    Ok(Answer(explained))
}
