//! The API, a file for each resource. Every answer is JSON; a list is a page of it with what leads to the next.

use axum::Router;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Console;
use super::refusal::Refusal;
use crate::model::{Subject, Timestamp};
use crate::store::{Listed, UnreadableRow};

mod alerts;
mod batch_steps;
mod batches;
mod cases;
mod commands;
mod departures;
mod documents;
mod erasures;
mod find;
mod holds;
mod jobs;
mod leaked;
mod notifications;
mod number;
mod people;
mod policy;
mod release;
mod reload;
mod reports;
mod requests;
mod sign_in_links;
mod sources;
mod status;
mod subjects;
mod targets;
mod tokens;
mod trail;
mod transmitter;

pub(super) use batch_steps::{cancel_batch, pause_batch, resume_batch};
pub(super) use batches::{
    BatchPlan, NewBatch, People, key as batch_key, progress as batch_progress, submitted as submit_batch, was_read,
};
use number::Number;

/// The routes with their description.
pub(super) fn described() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(status::status))
        .routes(routes!(cases::list))
        .routes(routes!(cases::show))
        .routes(routes!(documents::of_case))
        .routes(routes!(cases::note))
        .routes(routes!(cases::cancel))
        .routes(routes!(cases::assign))
        .routes(routes!(release::rehearse, release::release))
        .routes(routes!(requests::submit))
        .routes(routes!(requests::show))
        .routes(routes!(leaked::submit))
        .routes(routes!(batches::rehearse))
        .routes(routes!(batches::list, batches::submit))
        .routes(routes!(batches::show))
        .routes(routes!(batch_steps::report))
        .routes(routes!(batch_steps::pause))
        .routes(routes!(batch_steps::resume))
        .routes(routes!(batch_steps::cancel))
        .routes(routes!(find::find))
        .routes(routes!(people::show))
        .routes(routes!(subjects::link))
        .routes(routes!(subjects::unlink))
        .routes(routes!(subjects::unresolved))
        .routes(routes!(subjects::dismiss))
        .routes(routes!(documents::of_person))
        .routes(routes!(departures::list))
        .routes(routes!(departures::show))
        .routes(routes!(departures::cancel))
        .routes(routes!(targets::list))
        .routes(routes!(targets::pause))
        .routes(routes!(targets::resume))
        .routes(routes!(jobs::list))
        .routes(routes!(jobs::ledger))
        .routes(routes!(sources::list))
        .routes(routes!(sources::rehearsed))
        .routes(routes!(policy::groups))
        .routes(routes!(policy::accept))
        .routes(routes!(policy::explain))
        .routes(routes!(holds::list))
        .routes(routes!(holds::together))
        .routes(routes!(holds::decide))
        .routes(routes!(holds::show))
        .routes(routes!(holds::approve))
        .routes(routes!(holds::reject))
        .routes(routes!(alerts::list))
        .routes(routes!(alerts::acknowledge))
        .routes(routes!(reports::containment))
        .routes(routes!(documents::handover))
        .routes(routes!(alerts::clear))
        .routes(routes!(trail::list))
        .routes(routes!(notifications::list))
        .routes(routes!(notifications::test))
        .routes(routes!(transmitter::status))
        .routes(routes!(transmitter::retry))
        .routes(routes!(transmitter::shake_hands))
        .routes(routes!(reload::reload))
        .routes(routes!(erasures::erase))
        .routes(routes!(tokens::list, tokens::make))
        .routes(routes!(tokens::end))
        .routes(routes!(sign_in_links::make))
        .routes(routes!(commands::run))
}

/// The description of the API.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    super::openapi::finished(described().split_for_parts().1)
}

/// The routes.
pub(super) fn router() -> Router<Console> {
    let (router, document) = described().split_for_parts();
    let document = axum::Json(super::openapi::finished(document));
    router.route("/api/v1/openapi.json", axum::routing::get(async move || document.clone()))
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Page<T> {
    /// What stands on it.
    items: Vec<T>,
    /// What to pass as `before` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<i64>,
    /// What cannot be read, and is shown with gaps or not at all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<UnreadableRow>,
}

impl<T> Page<T> {
    /// All that there is.
    fn whole(listed: Listed<T>) -> Self {
        Self {
            items: listed.rows,
            next: None,
            unreadable: listed.unreadable,
        }
    }

    /// A page of at most `limit` out of one more, each of them found by its number.
    fn cut(listed: Listed<T>, limit: u32, number: impl Fn(&T) -> i64) -> Self {
        let mut page = Self::whole(listed);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        if page.items.len() > limit {
            page.items.truncate(limit);
            page.next = page.items.last().map(number);
        }
        page
    }
}

/// A body of JSON; what cannot be read is a problem like any other.
#[derive(FromRequest)]
#[from_request(via(axum::Json), rejection(Refusal))]
struct Json<T>(T);

/// The query, likewise.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Refusal))]
struct Query<T>(T);

/// What the path names, likewise.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Refusal))]
struct Path<T>(T);

impl From<JsonRejection> for Refusal {
    fn from(rejection: JsonRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

impl From<QueryRejection> for Refusal {
    fn from(rejection: QueryRejection) -> Self {
        Self::unreadable(rejection.body_text())
    }
}

impl From<PathRejection> for Refusal {
    fn from(rejection: PathRejection) -> Self {
        Self::unreadable(rejection.body_text())
    }
}

/// How long a note may be, in characters; as the schemas say it.
pub(super) const LONGEST_NOTE: usize = 2000;

/// A text that a caller has written: not blank, not longer than `most` characters.
pub(super) fn text(name: &str, text: &str, most: usize) -> Result<String, Refusal> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Refusal::unreadable(format!("{name}: say something")));
    }
    if text.chars().count() > most {
        return Err(Refusal::unreadable(format!("{name}: it is longer than {most} characters")));
    }
    Ok(text.to_owned())
}

/// A note that may be left out; a blank one is.
fn note(text: Option<&str>) -> Result<Option<String>, Refusal> {
    let text = text.filter(|text| !text.trim().is_empty());
    text.map(|note| self::text("note", note, LONGEST_NOTE)).transpose()
}

/// Whom a caller means: an address, or a name in a form of RFC 9493.
fn subject(text: &str) -> Result<Subject, Refusal> {
    text.parse()
        .map_err(|error| Refusal::meaningless(format!("subject: {error}")))
}

/// An instant that a caller has written.
fn instant(name: &str, text: Option<&str>) -> Result<Option<Timestamp>, Refusal> {
    let read = |text: &str| {
        let instant = text.parse::<jiff::Timestamp>();
        instant.map_err(|_| Refusal::unreadable(format!("{name}: it is an instant such as 2026-11-28T17:30:00Z")))
    };
    Ok(text.map(read).transpose()?.map(Timestamp::from))
}

/// How many things a page has at most.
fn page_size(asked: Option<Number>) -> Result<u32, Refusal> {
    let size = asked.map_or(Some(50), |asked| u32::try_from(asked.0).ok());
    size.filter(|size| (1..=200).contains(size))
        .ok_or_else(|| Refusal::unreadable("limit: it is from 1 to 200"))
}
