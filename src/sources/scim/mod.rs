//! The source kind `scim`: a SCIM 2.0 server (RFC 7643 and 7644) that an identity provider provisions into. One whose account it
//! deactivates or deletes has left.
//!
//! We are a shadow: nothing is created anywhere for those who come. They are remembered, so that the provider can find and later deactivate
//! them, and so that a state can be told from a change. A signal is only ever the difference of two states, which makes every repetition
//! harmless.
//!
//! The way of a request: who calls (`bearer`), what for (`door`), then a question is answered by `listing` and `discovery`, and a change
//! worked out in `changes`: the values in `shape` and `patch`, what it means in `people` and, where others bear the same names, `namesakes`,
//! how it is kept in `keeping` and `record`. The attributes stand in `schema`, and the two small languages in `path` and `filter`.

mod answer;
mod bearer;
mod changes;
mod discovery;
mod door;
mod filter;
mod keeping;
mod listing;
mod namesakes;
mod patch;
mod path;
mod people;
mod record;
mod schema;
mod settings;
mod shape;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use ::http::header::IF_NONE_MATCH;
use ::http::{Method, Request, Response, StatusCode};
use async_trait::async_trait;
use bytes::Bytes;

use super::answers::bare;
use super::digest::sha256;
use super::{House, Kind, Push, Received, Rejection, Source, Standing};
use crate::clock::Clock;
use crate::model::Receipt;
use answer::{Stop, not_found, told};
use bearer::Tokens;
use changes::{Change, Wanted, named};
use door::{Place, Query};
use people::Rules;
use record::Record;
use schema::{ResourceType, TYPES};

pub use listing::MOST_RESULTS;
pub use patch::MOST_OPERATIONS;
pub use record::LARGEST;

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
    rules: Rules,
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

    fn reaches(&self, _: &str) -> bool {
        true
    }

    fn in_turn(&self) -> bool {
        true
    }

    fn only_asks(&self, request: &Request<Bytes>) -> bool {
        let (place, _) = door::place(request, &self.name);
        door::only_asks(request.method(), &place)
    }

    fn knows_who_asks(&self) -> bool {
        true
    }

    async fn admits(&self, head: &Request<Bytes>) -> Result<Standing, Rejection> {
        self.tokens.check(head).map(|()| Standing::Proven)
    }

    async fn receive(&self, request: &Request<Bytes>, house: &dyn House) -> Result<Received, Rejection> {
        match self.answer(request, house).await {
            Ok(received) => Ok(received),
            Err(Stop::Told(reply)) => Ok(Received::Reply(*reply)),
            Err(Stop::Refused(rejection)) => Err(Rejection {
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
        answer::rejected(rejection)
    }
}

impl Scim {
    async fn answer(&self, request: &Request<Bytes>, house: &dyn House) -> Result<Received, Stop> {
        self.tokens.check(request)?;
        let (place, versioned) = door::place(request, &self.name);
        let base = if versioned {
            format!("{}/v2", self.base)
        } else {
            self.base.clone()
        };
        let get = *request.method() == Method::GET;
        match place {
            Place::All(kind) if get => self.list(house, &[kind], &door::query(request)?, &base).await,
            Place::All(kind) if *request.method() == Method::POST => {
                let query = door::query(request)?;
                let change = self.change(request, house, kind, &base, &query);
                change.create(door::body(request)?).await
            }
            Place::All(_) => Err(answer::method("GET, POST")),
            Place::One(kind, id) => self.one(request, house, kind, &base, &id).await,
            Place::Search(kind) if *request.method() == Method::POST => {
                let query = door::search(door::body(request)?)?;
                let kinds: Vec<&'static ResourceType> = kind.map_or(TYPES.to_vec(), |kind| vec![kind]);
                self.list(house, &kinds, &query, &base).await
            }
            Place::Search(_) => Err(answer::method("POST")),
            Place::Unsupported => Err(told(
                StatusCode::NOT_IMPLEMENTED,
                None,
                "this part of SCIM is not supported here",
            )),
            Place::Nowhere => Err(not_found()),
            Place::Capabilities | Place::Schemas(_) | Place::Types(_) if !get => Err(answer::method("GET")),
            Place::Capabilities => Ok(shown(Some(discovery::capabilities(&base)))?),
            Place::Schemas(None) => Ok(shown(Some(discovery::schemas(&base)))?),
            Place::Schemas(Some(urn)) => Ok(shown(discovery::schema_called(&urn, &base))?),
            Place::Types(None) => Ok(shown(Some(discovery::types(&base)))?),
            Place::Types(Some(name)) => Ok(shown(discovery::type_called(&name, &base))?),
        }
    }

    async fn one(
        &self,
        request: &Request<Bytes>,
        house: &dyn House,
        kind: &'static ResourceType,
        base: &str,
        id: &str,
    ) -> Result<Received, Stop> {
        let query = door::query(request)?;
        let change = self.change(request, house, kind, base, &query);
        match *request.method() {
            Method::GET => {
                let memo = house.memo(kind.drawer, id).await?.ok_or_else(not_found)?;
                let record = Record::read(&memo)?;
                if named(request.headers(), &IF_NONE_MATCH, &record.tag()) == Some(true) {
                    return Ok(Received::Reply(bare(StatusCode::NOT_MODIFIED)));
                }
                Ok(Received::Reply(change.shown(StatusCode::OK, &record)))
            }
            Method::PUT => change.change(id, Wanted::Whole(door::body(request)?)).await,
            Method::PATCH => change.change(id, Wanted::Patch(door::body(request)?)).await,
            Method::DELETE => change.delete(id).await,
            _ => Err(answer::method("GET, PUT, PATCH, DELETE")),
        }
    }

    async fn list(&self, house: &dyn House, kinds: &[&'static ResourceType], query: &Query, base: &str) -> Result<Received, Stop> {
        let page = listing::list(house, kinds, query, base).await??;
        shown(Some(page))
    }

    fn change<'c>(
        &'c self,
        request: &'c Request<Bytes>,
        house: &'c dyn House,
        kind: &'static ResourceType,
        base: &'c str,
        query: &'c Query,
    ) -> Change<'c> {
        Change {
            source: &self.name,
            rules: &self.rules,
            house,
            kind,
            base,
            headers: request.headers(),
            choice: &query.choice,
            digest: sha256(request.body()),
            now: self.clock.now(),
        }
    }
}

/// 200 with what there is, or 404.
fn shown(body: Option<serde_json::Value>) -> Result<Received, Stop> {
    let body = body.ok_or_else(not_found)?;
    Ok(Received::Reply(answer::with(StatusCode::OK, &body)))
}
