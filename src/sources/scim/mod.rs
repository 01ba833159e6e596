//! The source kind `scim`: a SCIM 2.0 server (RFC 7643 and 7644) that an identity provider provisions into. One whose account it
//! deactivates or deletes has left.
//!
//! We are a shadow: nothing is created anywhere for those who come. They are remembered, so that the provider can find and later deactivate
//! them, and so that a state can be told from a change. A signal is only ever the difference of two states, which makes every repetition
//! harmless.
//!
//! The way of a request: `http` says who calls and what for; a question is answered by `http/discovery` and `resources/listing`, and of a change
//! `resources/changes` works out the new record, from a PATCH by `protocol/patch`. How the change becomes a signal, such as a departure, is in
//! `resources/user_mapping`; where others bear the same names, in `resources/namesakes`. The attributes and the two small languages of SCIM stand in `protocol`.

mod http;
mod protocol;
mod resources;
mod settings;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use ::http::header::IF_NONE_MATCH;
use ::http::{Method, Request, Response, StatusCode};
use async_trait::async_trait;
use bytes::Bytes;

use super::shared::http_answers::bare;
use super::{Kind, Push, Received, Rejection, SenderAuth, Source, SourceState};
use crate::clock::Clock;
use crate::digest::sha256;
use crate::model::Receipt;
use http::answer::{RequestError, not_found, told};
use http::bearer::Tokens;
use http::router::Route;
use protocol::query::Query;
use protocol::schema::{ResourceType, TYPES};
use resources::changes::{Change, Update, named};
use resources::record::Record;
use resources::user_mapping::UserMapping;

pub use protocol::list_response::MOST_RESULTS;
pub use protocol::patch::MOST_OPERATIONS;
pub use resources::record::LARGEST;

/// The row in [`super::KINDS`].
pub const KIND: Kind = Kind {
    name: "scim",
    about: "users that Okta, Entra ID or another identity provider provisions and deactivates (SCIM 2.0)",
    build: |settings, clock| settings::build(settings, clock).map(|source| Source::Push(Arc::new(source))),
};

/// The largest body taken, in bytes.
pub const BODY_CAP: usize = 1 << 20;

/// A built SCIM server.
pub struct Scim {
    name: String,
    /// The address that the client knows us by, without a slash at its end.
    base: String,
    tokens: Tokens,
    mapping: UserMapping,
    clock: Clock,
}

#[async_trait]
impl Push for Scim {
    fn body_cap(&self) -> usize {
        BODY_CAP
    }

    fn methods(&self) -> &'static [Method] {
        const ALL: &[Method] = &[Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
        ALL
    }

    fn has_path_below(&self, _: &str) -> bool {
        true
    }

    fn is_sequential(&self) -> bool {
        true
    }

    fn is_read_only(&self, request: &Request<Bytes>) -> bool {
        let (route, _) = http::router::route(request, &self.name);
        http::router::is_read_only(request.method(), &route)
    }

    fn knows_who_asks(&self) -> bool {
        true
    }

    async fn admits(&self, head: &Request<Bytes>) -> Result<SenderAuth, Rejection> {
        self.tokens.check(head).map(|()| SenderAuth::Proven)
    }

    async fn receive(&self, request: &Request<Bytes>, state: &dyn SourceState) -> Result<Received, Rejection> {
        match self.answer(request, state).await {
            Ok(received) => Ok(received),
            Err(RequestError::Told(reply)) => Ok(Received::Reply(*reply)),
            Err(RequestError::Refused(rejection)) => Err(Rejection {
                // What is too large is not worth the hashing.
                digest: (request.body().len() <= BODY_CAP).then(|| sha256(request.body())),
                ..rejection
            }),
        }
    }

    /// Every delivery brings its own answer.
    fn accepted(&self, _: &Receipt) -> Response<Bytes> {
        bare(StatusCode::NO_CONTENT)
    }

    fn rejected(&self, rejection: &Rejection) -> Response<Bytes> {
        http::answer::rejected(rejection)
    }
}

impl Scim {
    async fn answer(&self, request: &Request<Bytes>, state: &dyn SourceState) -> Result<Received, RequestError> {
        self.tokens.check(request)?;
        let (route, versioned) = http::router::route(request, &self.name);
        let base = if versioned {
            format!("{}/v2", self.base)
        } else {
            self.base.clone()
        };
        let get = *request.method() == Method::GET;
        match route {
            Route::All(kind) if get => self.list(state, &[kind], &protocol::query::query(request)?, &base).await,
            Route::All(kind) if *request.method() == Method::POST => {
                let query = protocol::query::query(request)?;
                let change = self.change(request, state, kind, &base, &query);
                change.create(http::router::body(request)?).await
            }
            Route::All(_) => Err(http::answer::method("GET, POST")),
            Route::One(kind, id) => self.one(request, state, kind, &base, &id).await,
            Route::Search(kind) if *request.method() == Method::POST => {
                let query = protocol::query::search(http::router::body(request)?)?;
                let kinds: Vec<&'static ResourceType> = kind.map_or(TYPES.to_vec(), |kind| vec![kind]);
                self.list(state, &kinds, &query, &base).await
            }
            Route::Search(_) => Err(http::answer::method("POST")),
            Route::Unsupported => Err(told(
                StatusCode::NOT_IMPLEMENTED,
                None,
                "this part of SCIM is not supported here",
            )),
            Route::Nowhere => Err(not_found()),
            Route::Capabilities | Route::Schemas(_) | Route::Types(_) if !get => Err(http::answer::method("GET")),
            Route::Capabilities => Ok(shown(Some(http::discovery::capabilities(&base)))?),
            Route::Schemas(None) => Ok(shown(Some(http::discovery::schemas(&base)))?),
            Route::Schemas(Some(urn)) => Ok(shown(http::discovery::schema_called(&urn, &base))?),
            Route::Types(None) => Ok(shown(Some(http::discovery::types(&base)))?),
            Route::Types(Some(name)) => Ok(shown(http::discovery::type_called(&name, &base))?),
        }
    }

    async fn one(
        &self,
        request: &Request<Bytes>,
        state: &dyn SourceState,
        kind: &'static ResourceType,
        base: &str,
        id: &str,
    ) -> Result<Received, RequestError> {
        let query = protocol::query::query(request)?;
        let change = self.change(request, state, kind, base, &query);
        match *request.method() {
            Method::GET => {
                let entry = state.state_entry(kind.namespace, id).await?.ok_or_else(not_found)?;
                let record = Record::read(&entry)?;
                if named(request.headers(), &IF_NONE_MATCH, &record.tag()) == Some(true) {
                    return Ok(Received::Reply(bare(StatusCode::NOT_MODIFIED)));
                }
                Ok(Received::Reply(change.shown(StatusCode::OK, &record)))
            }
            Method::PUT => change.change(id, Update::Whole(http::router::body(request)?)).await,
            Method::PATCH => change.change(id, Update::Patch(http::router::body(request)?)).await,
            Method::DELETE => change.delete(id).await,
            _ => Err(http::answer::method("GET, PUT, PATCH, DELETE")),
        }
    }

    async fn list(
        &self,
        state: &dyn SourceState,
        kinds: &[&'static ResourceType],
        query: &Query,
        base: &str,
    ) -> Result<Received, RequestError> {
        let page = resources::listing::list(state, kinds, query, base).await??;
        shown(Some(page))
    }

    fn change<'c>(
        &'c self,
        request: &'c Request<Bytes>,
        state: &'c dyn SourceState,
        kind: &'static ResourceType,
        base: &'c str,
        query: &'c Query,
    ) -> Change<'c> {
        Change {
            source: &self.name,
            mapping: &self.mapping,
            state,
            kind,
            base,
            headers: request.headers(),
            selection: &query.selection,
            digest: sha256(request.body()),
            now: self.clock.now(),
        }
    }
}

/// 200 with what there is, or 404.
fn shown(body: Option<serde_json::Value>) -> Result<Received, RequestError> {
    let body = body.ok_or_else(not_found)?;
    Ok(Received::Reply(http::answer::with(StatusCode::OK, &body)))
}
