//! How we prove who we are: headers, or a token that is exchanged for a credential or for a signed assertion.

use std::time::Duration;

use http::HeaderName;
use reqwest::Url;

use super::body::Shape;
use super::moment::Moment;
use super::request::{Request, headers};
use super::table::Table;
use super::template::{Allowed, Slot, Template};
use crate::jose::Algorithm;
use crate::json::Places;
use crate::settings::Period;

/// How requests prove who sends them.
#[derive(Debug, Clone, Default)]
pub(in crate::targets::described) struct Auth {
    /// What every request carries.
    pub(in crate::targets::described) headers: Vec<(HeaderName, Template)>,
    pub(in crate::targets::described) exchange: Option<Exchange>,
}

/// A token, and what it is exchanged for.
#[derive(Debug, Clone)]
pub(in crate::targets::described) struct Exchange {
    pub(in crate::targets::described) request: Request,
    pub(in crate::targets::described) token: TokenPlace,
    /// Where it says how many seconds the token lives.
    pub(in crate::targets::described) life: Option<Places>,
    /// Where it says until when.
    pub(in crate::targets::described) expires: Option<Moment>,
    pub(in crate::targets::described) assertion: Option<Assertion>,
}

/// Where the token stands.
#[derive(Debug, Clone)]
pub(in crate::targets::described) enum TokenPlace {
    Header(HeaderName),
    Body(Places),
}

/// A signed JWT (RFC 7519) with `iat` and `exp` of its own accord.
#[derive(Debug, Clone)]
pub(in crate::targets::described) struct Assertion {
    pub(in crate::targets::described) algorithm: Algorithm,
    /// The credential that holds the private key, PEM.
    pub(in crate::targets::described) key: String,
    pub(in crate::targets::described) kid: Option<Template>,
    pub(in crate::targets::described) claims: Vec<(String, Shape)>,
    pub(in crate::targets::described) life: Duration,
}

impl Auth {
    /// Reads `[auth]`.
    pub(in crate::targets::described) fn read(table: &Table<'_>, allowed: Allowed<'_>, origins: &[Url]) -> Self {
        let Some(auth) = table.table("auth") else {
            if !table.has("auth") {
                table.complain(
                    "auth",
                    "the table [auth] is missing; where the requests themselves hold the credential, write headers = {}",
                );
            }
            return Self::default();
        };
        let plain = allowed.with(&[]);
        let assertion = auth.table("assertion").and_then(|table| Assertion::read(&table, plain));
        let exchange = auth.table("exchange");
        if exchange.is_none() && auth.has("assertion") {
            auth.complain("assertion", "assertion: nothing is exchanged for it; write [auth.exchange]");
        }
        let mut all = headers(&auth, "headers", plain);
        let exchange = exchange.and_then(|table| {
            let send = allowed.with(&["token"]);
            all.extend(headers(&table, "send", Allowed { token: true, ..send }));
            if !table.has("send") {
                table.complain(
                    "send",
                    "the key `send` is missing; it says in which header the token goes out",
                );
            }
            let words: &[&'static str] = if assertion.is_some() {
                &["assertion", "random"]
            } else {
                &["random"]
            };
            Exchange::read(&table, allowed.with(words), origins, assertion)
        });
        auth.done();
        Self { headers: all, exchange }
    }
}

impl Exchange {
    fn read(table: &Table<'_>, allowed: Allowed<'_>, origins: &[Url], assertion: Option<Assertion>) -> Option<Self> {
        let request = Request::read(table, Allowed { token: false, ..allowed }, origins);
        let token = table.table("token").and_then(|place| {
            let header = place.text("header").and_then(|(text, at)| {
                let header = text.parse().ok();
                if header.is_none() {
                    place.mistakes().add(at, "header: it is not the name of a header");
                }
                header.map(TokenPlace::Header)
            });
            let body = place.place("pointer").map(TokenPlace::Body);
            if place.has("header") == place.has("pointer") {
                place.mistakes().add(place.span(), "token: say its `header` or its `pointer`");
            }
            place.done();
            header.or(body)
        });
        if !table.has("token") {
            table.complain(
                "token",
                "the key `token` is missing; it says where in the answer the token is",
            );
        }
        let life = table.table("life").and_then(|life| {
            let place = life.place("pointer");
            life.done();
            place
        });
        let expires = Moment::read(table, "expires");
        table.value("send");
        if let (Some(_), Some(request)) = (&assertion, &request)
            && !request.names(|slot| *slot == Slot::Assertion)
        {
            table.complain("call", "call: the request does not name {assertion}");
        }
        Some(Self {
            request: request?,
            token: token?,
            life,
            expires,
            assertion,
        })
    }
}

impl Assertion {
    fn read(table: &Table<'_>, allowed: Allowed<'_>) -> Option<Self> {
        let mistakes = table.mistakes();
        let allowed = allowed.with(&["random"]);
        let algorithm = table.must_text("alg").and_then(|(text, at)| {
            let algorithm = Algorithm::from_word(text);
            if algorithm.is_none() {
                let words: Vec<&str> = Algorithm::ALL.iter().map(|algorithm| algorithm.word()).collect();
                mistakes.add(at, format!("alg: it must be one of {}", words.join(", ")));
            }
            algorithm
        });
        let key = table.must_text("key").and_then(|(text, at)| {
            let template = Template::read(text, &at, allowed, mistakes);
            if let Some((Slot::Secret(name), None)) = template.sole() {
                return Some(name.clone());
            }
            mistakes.add(at, "key: it must be {secret.…} and nothing else");
            None
        });
        let kid = table
            .text("kid")
            .map(|(text, at)| Template::read(text, &at, allowed, mistakes));
        let claims = table.pairs("claims").into_iter();
        let claims: Vec<(String, Shape)> = claims
            .map(|(name, value)| (name.to_owned(), Shape::read(value, allowed, mistakes)))
            .collect();
        let life = length(table, "life");
        if let Some(life) = life
            && !(Duration::from_mins(1)..=Duration::from_hours(1)).contains(&life)
        {
            table.complain("life", "life: it must be from 1m to 1h");
        }
        let secret = claims
            .iter()
            .flat_map(|(_, shape)| shape.templates())
            .flat_map(Template::slots);
        if secret.into_iter().any(|(slot, _)| matches!(slot, Slot::Secret(_))) {
            table.complain(
                "claims",
                "claims: they are signed, not hidden; a credential does not belong there",
            );
        }
        table.value("assertion");
        Some(Self {
            algorithm: algorithm?,
            key: key?,
            kid,
            claims,
            life: life?,
        })
    }
}

/// A length of time that must be there: `5m`.
pub(in crate::targets::described) fn length(table: &Table<'_>, key: &'static str) -> Option<Duration> {
    let (text, at) = table.must_text(key)?;
    match text.parse::<Period>() {
        Ok(period) => Some(period.0),
        Err(error) => {
            table.mistakes().add(at, format!("{key}: {error}"));
            None
        }
    }
}
