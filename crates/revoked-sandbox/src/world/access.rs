//! Sessions, personal access tokens and OAuth grants: made, found, ended.

use std::borrow::Cow;

use super::{AccessToken, OAuthGrant, Session, SessionKind, World};
use crate::Id;

const CENTURY_MS: i64 = 100 * 365 * 24 * 3600 * 1000;
const OAUTH_SESSION_MS: i64 = 30 * 24 * 3600 * 1000;

/// A server from 9.7 on keeps at most this many sessions a person.
const MOST_SESSIONS: usize = 500;

impl World {
    /// Opens a session and returns it. Its secret is drawn, or is that of the personal access token it is made from.
    pub fn open_session(&mut self, person: Id, kind: SessionKind, now: i64) -> Session {
        let (length, token, csrf) = match &kind {
            SessionKind::AccessToken { token } => {
                let secret = self.tokens.get(*token).map(|token| token.secret);
                (CENTURY_MS, secret.unwrap_or_else(|| self.ids.id()), None)
            }
            SessionKind::OAuth { .. } => (OAUTH_SESSION_MS, self.ids.id(), Some(self.ids.id())),
            SessionKind::Login(_) => (self.settings.session_length_ms, self.ids.id(), Some(self.ids.id())),
        };
        let session = Session {
            id: self.ids.id(),
            token,
            person,
            kind,
            csrf,
            create_at: now,
            expires_at: now + length,
            last_activity_at: now,
            device_id: Cow::Borrowed(""),
        };
        self.put_session(session.clone());
        session
    }

    /// Stores a session row as it is.
    pub fn put_session(&mut self, session: Session) {
        let Some(person) = self.people.get_mut(&session.person) else {
            return;
        };
        person.sessions.push(session.id);
        let dropped = (self.version.limits_sessions() && person.sessions.len() > MOST_SESSIONS).then(|| person.sessions[0]);
        self.session_of.insert(session.token, session.id);
        self.sessions.insert(session.id, session);
        if let Some(oldest) = dropped {
            self.remove_session(oldest);
        }
    }

    /// The session of that id.
    #[must_use]
    pub fn session(&self, id: Id) -> Option<&Session> {
        self.sessions.get(&id)
    }

    /// The session of that id, to change it.
    pub fn session_mut(&mut self, id: Id) -> Option<&mut Session> {
        self.sessions.get_mut(&id)
    }

    /// The session with that secret.
    #[must_use]
    pub fn session_by_token(&self, secret: Id) -> Option<&Session> {
        self.sessions.get(self.session_of.get(&secret)?)
    }

    /// Ids of a person's sessions, oldest first, expired ones too.
    #[must_use]
    pub fn sessions_of(&self, person: Id) -> Vec<Id> {
        self.people
            .get(&person)
            .map(|person| person.sessions.clone())
            .unwrap_or_default()
    }

    /// A person's sessions as the API lists them: by last activity, newest first.
    #[must_use]
    pub fn sessions_by_activity(&self, person: Id) -> Vec<&Session> {
        let ids = self
            .people
            .get(&person)
            .map(|person| person.sessions.as_slice())
            .unwrap_or_default();
        let mut rows: Vec<&Session> = ids.iter().rev().filter_map(|id| self.sessions.get(id)).collect();
        rows.sort_by_key(|session| std::cmp::Reverse(session.last_activity_at));
        rows
    }

    /// How many session rows there are in all.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.sessions.len()
    }

    /// Takes a session row out, and leaves everything else.
    pub fn remove_session(&mut self, id: Id) -> Option<Session> {
        let session = self.sessions.remove(&id)?;
        self.session_of.remove(&session.token);
        if let Some(person) = self.people.get_mut(&session.person) {
            person.sessions.retain(|other| *other != id);
        }
        Some(session)
    }

    /// The daily cleaning: takes out the rows of expired sessions. The OAuth grants behind them stay, and with them refresh tokens that
    /// no list shows any more.
    pub fn clean_expired_sessions(&mut self, now: i64) {
        let expired: Vec<Id> = self
            .sessions
            .values()
            .filter(|session| session.expires_at <= now)
            .map(|session| session.id)
            .collect();
        for id in expired {
            self.remove_session(id);
        }
    }

    /// Takes out every session and every OAuth grant of the server, as `users/sessions/revoke/all` does.
    pub fn remove_all_sessions(&mut self) {
        self.sessions.clear();
        self.session_of.clear();
        self.grants.clear();
        self.grant_of_refresh.clear();
        self.grant_of_pair.clear();
        for person in self.people.values_mut() {
            person.sessions.clear();
        }
    }

    /// Makes a personal access token.
    pub fn add_token(&mut self, person: Id, description: &str) -> AccessToken {
        let token = AccessToken {
            id: self.ids.id(),
            secret: self.ids.id(),
            person,
            description: description.to_owned(),
            is_active: true,
        };
        self.put_token(token.clone());
        token
    }

    /// Stores a personal access token as it is, at the end of the table.
    pub fn put_token(&mut self, token: AccessToken) {
        let Some(person) = self.people.get_mut(&token.person) else {
            return;
        };
        person.tokens.retain(|other| *other != token.id);
        person.tokens.push(token.id);
        self.token_of.insert(token.secret, token.id);
        self.tokens.insert(token.id, token);
    }

    /// The personal access token with that secret.
    #[must_use]
    pub fn token_by_secret(&self, secret: Id) -> Option<&AccessToken> {
        self.tokens.get(*self.token_of.get(&secret)?)
    }

    /// A person's (or bot's) personal access tokens, in no order that one may rely on.
    pub fn tokens_of(&self, person: Id) -> impl Iterator<Item = &AccessToken> {
        let ids = self
            .people
            .get(&person)
            .map(|person| person.tokens.as_slice())
            .unwrap_or_default();
        ids.iter().filter_map(|id| self.tokens.get(*id))
    }

    /// Switches a token on or off. The row moves to the end of its table, as an updated row does.
    pub fn set_token_active(&mut self, id: Id, active: bool) {
        if let Some(token) = self.tokens.get(id) {
            let token = AccessToken {
                is_active: active,
                ..token.clone()
            };
            self.put_token(token);
        }
    }

    /// Deletes a personal access token; its session is the caller's business.
    pub fn remove_token(&mut self, id: Id) -> Option<AccessToken> {
        let token = self.tokens.remove(id)?;
        self.token_of.remove(&token.secret);
        if let Some(person) = self.people.get_mut(&token.person) {
            person.tokens.retain(|other| *other != id);
        }
        Some(token)
    }

    /// Stores an OAuth grant. A person has one for each app; an older one is replaced.
    pub fn put_grant(&mut self, grant: OAuthGrant) {
        if let Some(older) = self.grant_of_pair(grant.app, grant.person).map(|older| older.access) {
            self.remove_grant(older);
        }
        if let Some(refresh) = grant.refresh {
            self.grant_of_refresh.insert(refresh, grant.access);
        }
        self.grant_of_pair.insert((grant.app, grant.person), grant.access);
        self.grants.insert(grant.access, grant);
    }

    /// The grant with that access token.
    #[must_use]
    pub fn grant(&self, access: Id) -> Option<&OAuthGrant> {
        self.grants.get(&access)
    }

    /// The grant with that refresh token.
    #[must_use]
    pub fn grant_by_refresh(&self, refresh: Id) -> Option<&OAuthGrant> {
        self.grants.get(self.grant_of_refresh.get(&refresh)?)
    }

    /// The grant that an app holds for a person.
    #[must_use]
    pub fn grant_of_pair(&self, app: Id, person: Id) -> Option<&OAuthGrant> {
        self.grants.get(self.grant_of_pair.get(&(app, person))?)
    }

    /// All grants, in no order.
    pub fn grants(&self) -> impl Iterator<Item = &OAuthGrant> {
        self.grants.values()
    }

    /// Takes a grant out, access and refresh token both.
    pub fn remove_grant(&mut self, access: Id) -> Option<OAuthGrant> {
        let grant = self.grants.remove(&access)?;
        if let Some(refresh) = grant.refresh {
            self.grant_of_refresh.remove(&refresh);
        }
        self.grant_of_pair.remove(&(grant.app, grant.person));
        Some(grant)
    }

    /// Lets an app act as a person: a session and a grant, as after an exchanged code. Returns access and refresh token.
    pub fn grant_app(&mut self, app: Id, person: Id, now: i64) -> (Id, Id) {
        let session = self.open_session(person, SessionKind::OAuth { app }, now);
        let refresh = self.ids.id();
        self.put_grant(OAuthGrant {
            app,
            person,
            access: session.token,
            refresh: Some(refresh),
            expires_at: session.expires_at,
        });
        if let Some(person) = self.people.get_mut(&person)
            && !person.authorisations.iter().any(|(other, _)| *other == app)
        {
            person.authorisations.push((app, "user".to_owned()));
        }
        (session.token, refresh)
    }
}
