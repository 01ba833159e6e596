//! Batches: many people asked for as one, as `revoked revoke --from` does it: shown and counted, confirmed by its hash, followed as one.

use std::collections::BTreeSet;

use axum::Json as Answer;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::requests::reason;
use super::{Json, Number, Page, Path, Query, page_size};
use crate::console::Console;
use crate::console::caller::Caller;
use crate::console::refusal::Refusal;
use crate::model::{Reason, Signal, Subject};
use crate::policy::{Class, INBOX};
use crate::store::{AskedOfSet, BatchProgress, BatchView, CaseFilter, InboxRow, Listed, StoreError, id_of_batch, key_of_batch};

/// How many people a batch is about at most.
const MOST: usize = 10_000;

/// Many people for one reason.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::console) struct People {
    /// Whom it is about, each as in a request.
    #[schema(min_items = 1, max_items = 10_000)]
    subjects: Vec<String>,
    /// Why: `compromised`, `departed`, …
    #[schema(min_length = 1, max_length = 64)]
    reason: String,
    /// Another playbook than the reason's.
    #[schema(max_length = 64)]
    playbook: Option<String>,
    /// One target of the playbook alone.
    #[schema(max_length = 64)]
    target: Option<String>,
}

/// What a batch would do.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::console) struct BatchPlan {
    /// The hash of what is asked for whom, which confirms it.
    pub(in crate::console) set: String,
    /// How many people it is about.
    pub(in crate::console) people: usize,
    /// How many name somebody who stands in it already, by that name or another that is known of them.
    pub(in crate::console) again: usize,
    /// The playbook.
    pub(in crate::console) playbook: String,
    /// Where something would be done.
    pub(in crate::console) targets: Vec<String>,
    /// Who waits for a decision, being protected.
    pub(in crate::console) protected: Vec<String>,
    /// Who has a case already that waits or is at work.
    pub(in crate::console) joins: Vec<Joins>,
    /// How many may be asked for at once, where these are more, or with those who were asked for just now: then all of it waits under one hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::console) over_limit: Option<usize>,
    /// Why all of it would wait, where it would by its number: the source's limits, the operator's, a share of the people who are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::console) waits_whole: Option<String>,
}

/// Somebody who has a case already.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::console) struct Joins {
    /// Who.
    pub(in crate::console) subject: String,
    /// The case.
    pub(in crate::console) case: i64,
}

/// What was read of a batch.
struct Read {
    plan: BatchPlan,
    reason: Reason,
    people: Vec<Subject>,
}

/// Says what a batch would do: how many people, who of them waits for a decision, and the hash of it all. Nothing is done.
#[utoipa::path(post, path = "/api/v1/batches/rehearsal", tag = "batches", operation_id = "rehearse_batch", request_body = People,
    responses((status = 200, body = BatchPlan)))]
pub(super) async fn rehearse(
    State(console): State<Console>,
    caller: Caller,
    Json(people): Json<People>,
) -> Result<Answer<BatchPlan>, Refusal> {
    Ok(Answer(was_read(&console, &caller, &people).await?.0))
}

/// A batch that is confirmed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::console) struct NewBatch {
    /// Whom it is about, as they were rehearsed.
    #[schema(min_items = 1, max_items = 10_000)]
    subjects: Vec<String>,
    /// Why.
    #[schema(min_length = 1, max_length = 64)]
    reason: String,
    /// Another playbook than the reason's.
    #[schema(max_length = 64)]
    playbook: Option<String>,
    /// One target of the playbook alone.
    #[schema(max_length = 64)]
    target: Option<String>,
    /// The hash that the rehearsal gave: a batch of anything else is refused.
    #[schema(min_length = 16, max_length = 16, pattern = "^[0-9a-f]{16}$")]
    set: String,
    /// What is known of it.
    #[schema(max_length = 2000)]
    note: Option<String>,
}

/// A batch that was taken.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the member is called as the route names it")]
pub(in crate::console) struct Batch {
    /// By what it is followed.
    pub(in crate::console) batch: String,
    /// How many people it is about.
    people: usize,
    /// Whether the same was asked for within a day: then nothing is asked for again.
    again: bool,
}

impl People {
    /// These people for one reason.
    pub(in crate::console) const fn new(subjects: Vec<String>, reason: String) -> Self {
        Self {
            subjects,
            reason,
            playbook: None,
            target: None,
        }
    }
}

impl NewBatch {
    /// These people, confirmed by this hash.
    pub(in crate::console) fn new(people: People, set: String, note: String) -> Self {
        Self {
            subjects: people.subjects,
            reason: people.reason,
            playbook: people.playbook,
            target: people.target,
            set,
            note: Some(note),
        }
    }
}

/// Asks for exactly what was rehearsed: a case for each person, all of them or none. The same again within a day is the same batch.
#[utoipa::path(post, path = "/api/v1/batches", tag = "batches", operation_id = "request_batch", request_body = NewBatch,
    responses((status = 202, body = Batch)))]
pub(super) async fn submit(
    State(console): State<Console>,
    caller: Caller,
    Json(new): Json<NewBatch>,
) -> Result<(StatusCode, Answer<Batch>), Refusal> {
    Ok((StatusCode::ACCEPTED, Answer(submitted(&console, &caller, new).await?)))
}

/// Asks for it, where it still is what was shown.
pub(in crate::console) async fn submitted(console: &Console, caller: &Caller, new: NewBatch) -> Result<Batch, Refusal> {
    let note = super::note(new.note.as_deref())?;
    let people = People {
        subjects: new.subjects,
        reason: new.reason,
        playbook: new.playbook,
        target: new.target,
    };
    let Read {
        plan,
        reason,
        people: subjects,
    } = read(console, caller, &people).await?;
    if plan.set != new.set {
        return Err(Refusal::new(
            StatusCode::CONFLICT,
            format!("what is asked for is the set {}, not {}: look at it again", plan.set, new.set),
        ));
    }
    let rows = subjects.iter().map(|subject| InboxRow {
        subject: subject.to_string(),
        reason: reason.word().to_owned(),
        requested_by: caller.operator.to_string(),
        note: note.clone(),
        playbook: people.playbook.clone(),
        target: people.target.clone(),
        ..InboxRow::default()
    });
    let submitted = console.store.submit_set(plan.set, rows.collect()).await?;
    Ok(Batch {
        batch: id_of_batch(&submitted.key),
        people: submitted.rows.len(),
        again: submitted.before.is_some(),
    })
}

/// What a batch would do, and whom it is about, each once.
pub(in crate::console) async fn was_read(
    console: &Console,
    caller: &Caller,
    people: &People,
) -> Result<(BatchPlan, Vec<Subject>), Refusal> {
    let read = read(console, caller, people).await?;
    Ok((read.plan, read.people))
}

/// Which batches.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct WhichBatches {
    /// Only those that were asked for before then: an instant as `next` of the page before has it, in milliseconds since 1970.
    #[param(value_type = Option<Number>)]
    before: Option<Number>,
    /// At most so many, 50 without it, 200 at most.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 200)]
    limit: Option<Number>,
}

/// Batches, the newest first, with how far each is.
#[utoipa::path(get, path = "/api/v1/batches", tag = "batches", operation_id = "list_batches", params(WhichBatches),
    responses((status = 200, body = Page<BatchView>)))]
pub(super) async fn list(
    State(console): State<Console>,
    Query(which): Query<WhichBatches>,
) -> Result<Answer<Page<BatchView>>, Refusal> {
    let limit = page_size(which.limit)?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX).saturating_add(1);
    let rows = console.store.batches(which.before.map(|before| before.0), most).await?;
    let listed = Listed {
        rows,
        unreadable: Vec::new(),
    };
    Ok(Answer(Page::cut(listed, limit, |batch| batch.request.asked_at.ms())))
}

/// How far a batch is.
#[utoipa::path(get, path = "/api/v1/batches/{id}", tag = "batches", operation_id = "show_batch", params(("id" = String, Path)),
    responses((status = 200, body = BatchProgress)))]
pub(super) async fn show(State(console): State<Console>, Path(id): Path<String>) -> Result<Answer<BatchProgress>, Refusal> {
    Ok(Answer(progress(&console, &key(&id)?).await?))
}

/// Reads whom a batch is about, and looks up what would become of each.
async fn read(console: &Console, caller: &Caller, asked: &People) -> Result<Read, Refusal> {
    if !(1..=MOST).contains(&asked.subjects.len()) {
        return Err(Refusal::unreadable(format!("subjects: name from 1 to {MOST}")));
    }
    let reason = reason(&asked.reason)?;
    let policy = console.installation.policy.now();
    let playbook = asked.playbook.clone().unwrap_or_else(|| reason.word().to_owned());
    let demanded = policy
        .playbooks
        .get(&playbook)
        .ok_or_else(|| Refusal::meaningless(format!("playbook: none is called {playbook:?}")))?;
    let targets: Vec<String> = demanded
        .keys()
        .filter(|name| asked.target.as_ref().is_none_or(|target| target == *name))
        .cloned()
        .collect();
    if let (Some(target), true) = (&asked.target, targets.is_empty()) {
        return Err(Refusal::meaningless(format!("target: {target:?} is none of {playbook}")));
    }
    let protected = console.store.names_beside(&policy.guarded_names()).await?;
    let (mut known, mut people) = (BTreeSet::new(), Vec::with_capacity(asked.subjects.len()));
    let (mut again, mut waits, mut joins) = (0, Vec::new(), Vec::new());
    for (place, text) in asked.subjects.iter().enumerate() {
        let subject: Subject = text
            .parse()
            .map_err(|error| Refusal::meaningless(format!("subjects[{place}]: {error}")))?;
        let names = console.store.with_known_names(&subject).await?;
        if !known.insert(names.clone()) {
            again += 1;
            continue;
        }
        let beside = names
            .names()
            .iter()
            .any(|name| protected.contains(&name.to_string().to_lowercase()));
        if beside || policy.guards(&names) {
            waits.push(subject.to_string());
        }
        let live = CaseFilter {
            states: vec!["open".to_owned(), "held".to_owned()],
            subject_refs: Some(console.store.references(&subject).await?),
            limit: 1,
            ..CaseFilter::default()
        };
        let live = console.store.find_cases(&live).await?;
        joins.extend(live.iter().map(|case| Joins {
            subject: subject.to_string(),
            case: case.id,
        }));
        people.push(subject);
    }
    let limits = policy.limits_of(INBOX);
    let mut over_limit = None;
    if let Some((class, limit)) = Class::of(reason).and_then(|class| Some((class, limits.within_window(class)?))) {
        let recent = console.store.recently_acted_on(INBOX, class, limit).await?;
        over_limit = (people.len() + recent > limit).then_some(limit);
    }
    let mut signal = Signal::new("list", [0; 32], Subject::Opaque("list".to_owned()), reason);
    signal.requested_by = Some(caller.operator.to_string());
    let foreseen = console.store.foresee_list(&policy, &signal, people.len()).await?;
    let of_set = AskedOfSet {
        reason: reason.word(),
        playbook: asked.playbook.as_deref(),
        target: asked.target.as_deref(),
        all_sessions: false,
        keep_out: None,
        at: None,
        key: None,
    };
    let plan = BatchPlan {
        set: of_set.digest(&people),
        people: people.len(),
        again,
        playbook,
        targets,
        protected: waits,
        joins,
        over_limit,
        waits_whole: foreseen.map(|why| why.to_string()),
    };
    Ok(Read { plan, reason, people })
}

/// How far a batch is; that there is none is a status of its own.
pub(in crate::console) async fn progress(console: &Console, key: &str) -> Result<BatchProgress, Refusal> {
    console.store.batch_progress(key).await.map_err(|error| match error {
        StoreError::Refused(why) => Refusal::new(StatusCode::NOT_FOUND, why),
        error => error.into(),
    })
}

/// The key of a list, as a path names it.
pub(in crate::console) fn key(id: &str) -> Result<String, Refusal> {
    key_of_batch(id).ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "there is no such batch"))
}
