//! One request as a route sees it: who asks, with what, of which world.

use http::{HeaderMap, Method};
use serde_json::Value;
use tokio::time::Instant;

use super::Id;
use super::app_error::{self, AppError};
use super::state::State;
use super::wire::Answer;
use super::world::{Person, Session, SessionKind, World};

pub(super) type Outcome = Result<Answer, AppError>;

/// A request on its way through a route.
pub(super) struct Call<'a> {
    pub(super) state: &'a mut State,
    pub(super) node: usize,
    pub(super) method: &'a Method,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
    /// Wall time in milliseconds since the epoch.
    pub(super) now: i64,
    /// The same moment on the clock that paces.
    pub(super) instant: Instant,
    /// Who asked, once [`Call::caller`] has found out.
    pub(super) caller: Option<Session>,
}

impl Call<'_> {
    /// The primary's world.
    pub(super) fn world(&self) -> &World {
        &self.state.world
    }

    /// The primary's world, to change it.
    pub(super) fn world_mut(&mut self) -> &mut World {
        &mut self.state.world
    }

    /// The world as reads see it: the replica's.
    pub(super) fn reading(&self) -> &World {
        self.state.replica.read(&self.state.world, self.instant)
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The decoded value of a query parameter.
    pub(super) fn query(&self, name: &str) -> Option<String> {
        form(self.query, name)
    }

    pub(super) fn query_is_true(&self, name: &str) -> bool {
        self.query(name).is_some_and(|value| value == "true")
    }

    /// `page` and `per_page` as the server reads them: 0 and 60 where absent or wrong, at most 200.
    pub(super) fn page(&self) -> (usize, usize) {
        let number = |name| self.query(name).and_then(|value| value.parse::<usize>().ok());
        (number("page").unwrap_or(0), number("per_page").unwrap_or(60).min(200))
    }

    /// The rows of the asked page.
    pub(super) fn paged<T>(&self, rows: impl Iterator<Item = T>) -> Vec<T> {
        let (page, per_page) = self.page();
        rows.skip(page.saturating_mul(per_page)).take(per_page).collect()
    }

    /// The body as JSON; null where it is not JSON.
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(self.body).unwrap_or_default()
    }

    /// A string of the JSON body; empty where it is missing or of another type.
    pub(super) fn json_str(&self, name: &str) -> String {
        self.json().get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// Finds out who asks. A dead, unknown or missing token is one and the same 401.
    pub(super) fn caller(&mut self) -> Result<Session, AppError> {
        let (secret, by) = self.credential().ok_or(app_error::EXPIRED)?;
        let session = self.session(secret)?;
        match by {
            Credential::Query if !session.is_oauth() => return Err(app_error::TOKEN_IN_QUERY),
            // The cookie stays: the session itself is alive.
            Credential::Cookie if *self.method != Method::GET && !self.has_csrf_of(&session) => return Err(app_error::EXPIRED),
            _ => {}
        }
        self.caller = Some(session.clone());
        if self.state.database_down {
            return Err(self.down());
        }
        Ok(session)
    }

    /// Whose token came with the request, live or not: what the per-person rate limiter counts by.
    pub(super) fn holder(&self) -> Option<Id> {
        let (secret, _) = self.credential()?;
        let world = self.world();
        let session = world.session_by_token(secret).map(|session| session.person);
        session.or_else(|| world.token_by_secret(secret).map(|token| token.person))
    }

    fn credential(&self) -> Option<(Id, Credential)> {
        if let Some(header) = self.header("authorization") {
            let (scheme, token) = header.split_once(' ').unwrap_or_default();
            if scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token") {
                return Id::parse(token.trim()).map(|id| (id, Credential::Header));
            }
        }
        if let Some(secret) = self.cookie("MMAUTHTOKEN") {
            return Id::parse(&secret).map(|id| (id, Credential::Cookie));
        }
        let token = self.query("access_token")?;
        Id::parse(&token).map(|id| (id, Credential::Query))
    }

    fn cookie(&self, name: &str) -> Option<String> {
        let cookies = self.header("cookie")?;
        cookies
            .split("; ")
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.to_owned())
    }

    fn has_csrf_of(&self, session: &Session) -> bool {
        self.header("x-csrf-token")
            .is_some_and(|sent| session.csrf.is_some_and(|csrf| csrf == sent))
    }

    /// The live session of a secret: from the node's cache, from its row, or made afresh for a personal access token.
    fn session(&mut self, secret: Id) -> Result<Session, AppError> {
        let dead = AppError {
            drop_cookie: true,
            ..app_error::EXPIRED
        };
        let (now, lifetime) = (self.now, self.state.world.settings.session_cache_ms);
        let cached = self.state.nodes[self.node].cached(secret, now, lifetime);
        let session = match cached {
            Some(session) => session,
            None if self.state.database_down => return Err(dead),
            None => match self.state.world.session_by_token(secret) {
                Some(session) => session.clone(),
                None => self.session_of_access_token(secret)?.ok_or(dead.clone())?,
            },
        };
        if session.expires_at <= now {
            return Err(dead);
        }
        if matches!(session.kind, SessionKind::AccessToken { .. }) {
            self.require_tokens_on(session.person)?;
        }
        self.state.nodes[self.node].cache(session.clone(), now, lifetime);
        Ok(session)
    }

    /// Personal access tokens of humans die with the setting, sessions made from them too. The cookie stays, as the server leaves it.
    fn require_tokens_on(&self, person: Id) -> Result<(), AppError> {
        let world = &self.state.world;
        let bot = world.person_by_id(person).is_some_and(Person::is_bot);
        if world.settings.user_access_tokens || bot {
            Ok(())
        } else {
            Err(app_error::EXPIRED)
        }
    }

    fn session_of_access_token(&mut self, secret: Id) -> Result<Option<Session>, AppError> {
        let world = &self.state.world;
        let Some(token) = world.token_by_secret(secret) else {
            return Ok(None);
        };
        let (token, person, on) = (token.id, token.person, token.is_active);
        self.require_tokens_on(person)?;
        if !on || !world.person_by_id(person).is_some_and(Person::is_active) {
            return Ok(None);
        }
        Ok(Some(self.state.world.open_session(
            person,
            SessionKind::AccessToken { token },
            self.now,
        )))
    }

    /// The answer while the database is down, for what this path would have read first.
    fn down(&self) -> AppError {
        if self.path.contains("/tokens") {
            app_error::TOKENS_DOWN
        } else if self.path.contains("/sessions") {
            app_error::SESSIONS_DOWN
        } else {
            app_error::PEOPLE_DOWN
        }
    }

    /// The person that a path names: its id, or `me`.
    pub(super) fn person_param(caller: &Session, text: &str) -> Result<Id, AppError> {
        if text == "me" {
            return Ok(caller.person);
        }
        id_param("user_id", text)
    }

    /// Whether a person holds a permission, by a system-wide role.
    pub(super) fn person_may(&self, person: Id, permission: &str) -> bool {
        let world = self.world();
        world
            .person_by_id(person)
            .is_some_and(|person| world.roles.allows(&person.roles, permission))
    }

    /// Whether the caller holds a permission, by a system-wide role.
    pub(super) fn may(&self, caller: &Session, permission: &str) -> bool {
        self.person_may(caller.person, permission)
    }

    /// Whether the caller holds a permission in a team, or system-wide.
    pub(super) fn may_in_team(&self, caller: &Session, team: Id, permission: &str) -> bool {
        let world = self.world();
        let administers = |person: &Person| person.teams.iter().any(|(other, admin)| *other == team && *admin);
        self.may(caller, permission)
            || world.person_by_id(caller.person).is_some_and(administers) && world.roles.allows("team_admin", permission)
    }

    /// 403 unless the caller holds the permission.
    pub(super) fn require(&self, caller: &Session, permission: &str) -> Result<(), AppError> {
        if self.may(caller, permission) {
            Ok(())
        } else {
            Err(app_error::FORBIDDEN)
        }
    }

    /// 403 unless the caller is that person or may edit others.
    pub(super) fn require_over(&self, caller: &Session, person: Id) -> Result<(), AppError> {
        if self.may_edit(caller, person) {
            Ok(())
        } else {
            Err(app_error::FORBIDDEN)
        }
    }

    fn may_edit(&self, caller: &Session, person: Id) -> bool {
        if caller.person == person || self.may(caller, "manage_system") {
            return true;
        }
        let shielded =
            self.world().version.shields_administrators() && self.world().person_by_id(person).is_none_or(Person::is_administrator);
        self.may(caller, "edit_other_users") && !shielded
    }

    /// 403 unless the caller may edit that person, or manage it where it is a bot.
    pub(super) fn require_over_person_or_bot(&self, caller: &Session, person: Id) -> Result<(), AppError> {
        if self.may_edit(caller, person) || self.may_manage_bot(caller, person) {
            Ok(())
        } else {
            Err(app_error::FORBIDDEN)
        }
    }

    /// Whether the caller may manage the bot of that id.
    pub(super) fn may_manage_bot(&self, caller: &Session, bot: Id) -> bool {
        let Some(bot) = self.world().bots.get(bot) else { return false };
        let permission = if bot.owner_id == caller.person {
            "manage_bots"
        } else {
            "manage_others_bots"
        };
        self.may(caller, permission)
    }
}

enum Credential {
    Header,
    Cookie,
    Query,
}

/// An id from the path, or the server's complaint about it.
pub(super) fn id_param(name: &str, text: &str) -> Result<Id, AppError> {
    Id::parse(text).ok_or_else(|| AppError::url_param(name))
}

/// The decoded value of a parameter in a query string or a form body.
pub(super) fn form(text: &str, name: &str) -> Option<String> {
    let value = text
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .find(|(key, _)| *key == name)?
        .1;
    Some(decode(&value.replace('+', " ")))
}

/// Undoes percent-encoding; what is not valid stays as it is.
pub(super) fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        match (first, tail) {
            (b'%', [high, low, after @ ..]) if hex(*high).is_some() && hex(*low).is_some() => {
                bytes.push(hex(*high).unwrap_or_default() << 4 | hex(*low).unwrap_or_default());
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_queries_and_forms() {
        assert_eq!(
            form("a=1&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcb&b", "redirect_uri").unwrap(),
            "http://127.0.0.1/cb"
        );
        assert_eq!(form("a=1&b", "b").unwrap(), "");
        assert_eq!(form("a=1", "b"), None);
        assert_eq!(decode("plus%2Btag%40example.test"), "plus+tag@example.test");
        assert_eq!(decode("100%"), "100%");
    }
}
