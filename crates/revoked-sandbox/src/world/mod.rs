//! What the sandbox stores, in memory: people, what they hold, and what acts in their name. Every look-up by id, username, email or secret is O(1)
//! or O(log n), so that a world of 100,000 people answers as fast as one of ten.
//!
//! Nothing here knows of HTTP or permissions; the routes decide who may do what, and tests seed and inspect the world directly.

mod access;
mod fixture;
mod integration;
mod person;
mod person_names;
mod role;
mod session;
mod table;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

pub use integration::{AccessToken, App, Audit, Bot, Code, Command, IncomingHook, OAuthGrant, OutgoingHook, Team};
pub use person::{Person, PersonView};
pub use role::Roles;
pub use session::{Browser, Session, SessionKind, SessionView};
pub use table::Table;

use super::settings::Settings;
use super::version::Version;
use super::{Id, Ids};

/// The password that [`World::fixture`] gives to everybody.
pub const PASSWORD: &str = "Passw0rd-demo";

/// How many lines the server's own audit trail keeps here.
const AUDITS: usize = 10_000;

/// Everything that the played server stores. Cloning it makes the copy that a replica reads from.
#[derive(Debug, Clone)]
pub struct World {
    /// Draws the ids of what is made.
    pub ids: Ids,
    /// The version that the server plays; see [`Version`].
    pub version: Version,
    /// Its settings.
    pub settings: Settings,
    /// Roles by name, with their permissions.
    pub roles: Roles,
    /// Teams.
    pub teams: Table<Team>,
    /// Channels with their team.
    pub channels: HashMap<Id, Id>,
    /// Personal access tokens of humans and bots.
    pub tokens: Table<AccessToken>,
    /// Bots.
    pub bots: Table<Bot>,
    /// Incoming webhooks.
    pub incoming_hooks: Table<IncomingHook>,
    /// Outgoing webhooks.
    pub outgoing_hooks: Table<OutgoingHook>,
    /// Slash commands.
    pub commands: Table<Command>,
    /// OAuth apps.
    pub apps: Table<App>,
    /// OAuth codes that were not exchanged yet.
    pub codes: BTreeMap<String, Code>,
    /// Posts taken in through webhooks, by hook: proof that a hook still works.
    pub hook_posts: HashMap<Id, u32>,
    /// Codes of the outside identity provider: who logs in by single sign-on with that code.
    pub sso_codes: HashMap<String, Id>,
    people: HashMap<Id, Person>,
    by_username: BTreeMap<String, Id>,
    by_email: HashMap<String, Id>,
    administrators: BTreeSet<Id>,
    sessions: HashMap<Id, Session>,
    session_of: HashMap<Id, Id>,
    token_of: HashMap<Id, Id>,
    grants: HashMap<Id, OAuthGrant>,
    grant_of_refresh: HashMap<Id, Id>,
    grant_of_pair: HashMap<(Id, Id), Id>,
    audits: std::collections::VecDeque<Audit>,
}

/// What a new person starts with; the rest has defaults.
#[derive(Debug, Clone)]
pub struct NewPerson {
    /// Lower case, unique.
    pub username: String,
    /// Unique; where empty, `<username>@example.test`.
    pub email: String,
    /// Where empty, nobody can log in by password.
    pub password: Cow<'static, str>,
    /// Given name.
    pub first_name: Cow<'static, str>,
    /// Family name.
    pub last_name: Cow<'static, str>,
    /// Space-separated role names.
    pub roles: Cow<'static, str>,
    /// Who vouches for the identity; empty for the server itself.
    pub auth_service: Cow<'static, str>,
}

impl Default for NewPerson {
    fn default() -> Self {
        Self {
            username: String::new(),
            email: String::new(),
            password: PASSWORD.into(),
            first_name: "".into(),
            last_name: "".into(),
            roles: "system_user".into(),
            auth_service: "".into(),
        }
    }
}

impl NewPerson {
    /// An ordinary person of that username.
    #[must_use]
    pub fn named(username: &str) -> Self {
        Self {
            username: username.to_owned(),
            ..Self::default()
        }
    }
}

impl World {
    /// An empty world whose ids depend on `seed` alone.
    #[must_use]
    pub fn empty(seed: u64) -> Self {
        Self {
            ids: Ids::from_seed(seed),
            version: Version::default(),
            settings: Settings::default(),
            roles: Roles::default(),
            teams: Table::default(),
            channels: HashMap::new(),
            tokens: Table::default(),
            bots: Table::default(),
            incoming_hooks: Table::default(),
            outgoing_hooks: Table::default(),
            commands: Table::default(),
            apps: Table::default(),
            codes: BTreeMap::new(),
            hook_posts: HashMap::new(),
            sso_codes: HashMap::new(),
            people: HashMap::new(),
            by_username: BTreeMap::new(),
            by_email: HashMap::new(),
            administrators: BTreeSet::new(),
            sessions: HashMap::new(),
            session_of: HashMap::new(),
            token_of: HashMap::new(),
            grants: HashMap::new(),
            grant_of_refresh: HashMap::new(),
            grant_of_pair: HashMap::new(),
            audits: std::collections::VecDeque::new(),
        }
    }

    /// Adds a person and returns its id. An id that is in use, or a username or email, is taken over by the new person.
    pub fn add_person(&mut self, new: NewPerson, now: i64) -> Id {
        let id = self.ids.id();
        self.add_person_as(id, new, now);
        id
    }

    /// Adds a person under a given id.
    pub fn add_person_as(&mut self, id: Id, new: NewPerson, now: i64) {
        let email = if new.email.is_empty() {
            format!("{}@example.test", new.username)
        } else {
            new.email
        };
        self.by_username.insert(new.username.clone(), id);
        self.by_email.insert(email.to_lowercase(), id);
        let verified = !new.auth_service.is_empty() && new.auth_service != "ldap" && new.auth_service != "saml";
        let person = Person {
            id,
            username: new.username,
            email,
            password: new.password,
            first_name: new.first_name,
            last_name: new.last_name,
            roles: new.roles,
            auth_service: new.auth_service,
            active_at_provider: true,
            create_at: now,
            update_at: now,
            delete_at: 0,
            password_at: now,
            failed_attempts: 0,
            email_verified: verified,
            bot: None,
            teams: Vec::new(),
            authorisations: Vec::new(),
            sessions: Vec::new(),
            tokens: Vec::new(),
            sockets: 0,
            muted_sockets: 0,
        };
        if person.is_administrator() {
            self.administrators.insert(id);
        }
        self.people.insert(id, person);
    }

    /// The person of that username.
    #[must_use]
    pub fn person(&self, username: &str) -> Option<&Person> {
        self.people.get(self.by_username.get(username)?)
    }

    /// The person of that email address, in any case.
    #[must_use]
    pub fn person_by_email(&self, email: &str) -> Option<&Person> {
        self.people.get(self.by_email.get(&email.to_lowercase())?)
    }

    /// The person of that id.
    #[must_use]
    pub fn person_by_id(&self, id: Id) -> Option<&Person> {
        self.people.get(&id)
    }

    /// The person of that id, to change it. Roles are changed by [`World::set_roles`].
    pub fn person_mut(&mut self, id: Id) -> Option<&mut Person> {
        self.people.get_mut(&id)
    }

    /// All people and bots' accounts, by username.
    pub fn people(&self) -> impl Iterator<Item = &Person> {
        self.by_username.values().filter_map(|id| self.people.get(id))
    }

    /// The system administrators, by username.
    #[must_use]
    pub fn administrators(&self) -> Vec<&Person> {
        let mut found: Vec<_> = self.administrators.iter().filter_map(|id| self.people.get(id)).collect();
        found.sort_by(|a, b| a.username.cmp(&b.username));
        found
    }

    /// How many accounts there are.
    #[must_use]
    pub fn population(&self) -> usize {
        self.people.len()
    }

    /// Gives a person other roles; muted and stale copies are the caller's business.
    pub fn set_roles(&mut self, id: Id, roles: String, now: i64) {
        let Some(person) = self.people.get_mut(&id) else { return };
        person.roles = roles.into();
        person.update_at = now;
        if person.is_administrator() {
            self.administrators.insert(id);
        } else {
            self.administrators.remove(&id);
        }
    }

    /// Deactivates or re-activates an account, and nothing else.
    pub fn set_active(&mut self, id: Id, active: bool, now: i64) {
        if let Some(person) = self.people.get_mut(&id) {
            person.update_at = now;
            person.delete_at = if active { 0 } else { now };
        }
    }

    /// Deletes an account for good, with all that hangs on it.
    pub fn delete_person(&mut self, id: Id) {
        for session in self.sessions_of(id) {
            self.remove_session(session);
        }
        let grants: Vec<Id> = self
            .grants
            .values()
            .filter(|grant| grant.person == id)
            .map(|grant| grant.access)
            .collect();
        for access in grants {
            self.remove_grant(access);
        }
        self.codes.retain(|_, code| code.person != id);
        if let Some(person) = self.people.remove(&id) {
            self.by_username.remove(&person.username);
            self.by_email.remove(&person.email.to_lowercase());
            self.administrators.remove(&id);
            for token in person.tokens {
                self.remove_token(token);
            }
        }
    }

    /// No more events reach the person's open sockets; they stay open.
    pub fn mute_sockets(&mut self, id: Id) {
        if let Some(person) = self.people.get_mut(&id) {
            person.muted_sockets = person.sockets;
        }
    }

    /// What the LDAP synchronisation does: people still active in the directory are re-activated, the others deactivated.
    pub fn synchronise_directory(&mut self, now: i64) {
        let managed: Vec<(Id, bool)> = self
            .people
            .values()
            .filter(|person| person.auth_service == "ldap" && person.is_active() != person.active_at_provider)
            .map(|person| (person.id, person.active_at_provider))
            .collect();
        for (id, active) in managed {
            self.set_active(id, active, now);
        }
    }

    /// Writes a line of the server's own audit trail.
    pub fn audit(&mut self, now: i64, person: &str, action: &str, extra: &str, session: &str) {
        let id = self.ids.id();
        self.put_audit(Audit {
            id,
            create_at: now,
            user_id: person.to_owned(),
            action: action.to_owned(),
            extra_info: extra.to_owned(),
            ip_address: "127.0.0.1".to_owned(),
            session_id: session.to_owned(),
        });
    }

    /// Stores a line of the server's own audit trail as it is.
    pub fn put_audit(&mut self, audit: Audit) {
        if self.audits.len() == AUDITS {
            self.audits.pop_front();
        }
        self.audits.push_back(audit);
    }

    /// The server's own audit trail, newest first.
    pub fn audits(&self) -> impl Iterator<Item = &Audit> {
        self.audits.iter().rev()
    }
}
