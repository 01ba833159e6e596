//! The fixture world: people, what they hold, and an operator, the same for the same seed.

use std::borrow::Cow;

use super::person_names::{FIRST, LAST};
use super::{App, Bot, Browser, Command, IncomingHook, NewPerson, OutgoingHook, SessionKind, Team, World};
use crate::Id;

/// When a fixture was made (2026-01-05T08:00:00Z): its people, sessions and tokens are older than any test.
const FOUNDED: i64 = 1_767_600_000_000;

/// Only so many people make bots, hooks and commands: their number does not grow with the fixture, since every list of them is of the whole
/// server.
const INTEGRATED: usize = 800;

/// How long the sessions of a fixture last: late enough for any clock that a test or a demo may have.
const TWENTY_YEARS_MS: i64 = 20 * 365 * 24 * 3600 * 1000;

/// The username of the bot that a revoking tool works as; it is a system administrator and nobody owns it.
pub(super) const OPERATOR: &str = "revoked-operator";

impl World {
    /// A populated world: two system administrators (`admin`, `admin2`), the operator's bot `revoked-operator` with its token, and
    /// `people` people `user01`, `user02`, … (more digits where there are more than 99). Everybody has two or three sessions;
    /// every third has a personal access token, every fifth comes through single sign-on or LDAP, every eighth of the first 800 owns a bot, a webhook
    /// or a slash command, every seventh authorised an OAuth app, every thirteenth is a guest, and `user07` has left already.
    ///
    /// `user01` has everything that there is. Sessions last for twenty years, whatever the clock. All passwords are [`PASSWORD`](super::PASSWORD).
    #[must_use]
    pub fn fixture(seed: u64, people: usize) -> Self {
        Self::fixture_since(seed, people, FOUNDED)
    }

    /// A [`World::fixture`] whose people, sessions and tokens have been there since `founded`, in milliseconds since the epoch.
    #[must_use]
    pub fn fixture_since(seed: u64, people: usize, founded: i64) -> Self {
        let mut world = Self::empty(seed);
        world.reserve(people);
        let team = world.add_team("Town", "town", founded);
        let channel = world.ids.id();
        world.channels.insert(channel, team);
        for name in ["admin", "admin2"] {
            let roles = Cow::Borrowed("system_user system_admin");
            let admin = world.add_person(
                NewPerson {
                    roles,
                    ..NewPerson::named(name)
                },
                founded,
            );
            world.join_team(admin, team, true);
            world.open_session(admin, SessionKind::Login(Browser::web()), founded);
        }
        let owner = world.ids.id();
        let operator = world.add_bot(OPERATOR, owner, "Ends the access of compromised and departed people", founded);
        world.set_roles(operator, "system_user system_admin".to_owned(), founded);
        world.add_token(operator, "operator");
        let app = world.add_app("Deploy board", founded);
        let width = people.to_string().len().max(2);
        for number in 1..=people {
            world.settle(number, width, (team, channel, app), founded);
        }
        for session in world.sessions.values_mut() {
            session.expires_at = session.expires_at.max(founded + TWENTY_YEARS_MS);
        }
        for grant in world.grants.values_mut() {
            grant.expires_at = founded + TWENTY_YEARS_MS;
        }
        world
    }

    /// The secret of the operator's personal access token, in a [`World::fixture`].
    #[must_use]
    pub fn operator_token(&self) -> Option<Id> {
        let operator = self.person(OPERATOR)?;
        self.tokens_of(operator.id).next().map(|token| token.secret)
    }

    fn reserve(&mut self, people: usize) {
        self.people.reserve(people);
        self.by_email.reserve(people);
        self.sessions.reserve(people * 3);
        self.session_of.reserve(people * 3);
        self.tokens.reserve(people / 2);
        self.token_of.reserve(people / 2);
    }

    /// Adds one person of a fixture with all that the person's number entails.
    fn settle(&mut self, number: usize, width: usize, (team, channel, app): (Id, Id, Id), founded: i64) {
        let first = number == 1;
        let now = founded + i64::try_from(number).unwrap_or_default() * 1000;
        let username = format!("user{number:0width$}");
        let auth_service = match number % 20 {
            5 => "ldap",
            10 => "saml",
            15 => "gitlab",
            _ => "",
        };
        let guest = number % 13 == 12;
        let person = self.add_person(
            NewPerson {
                email: format!("{username}@example.test"),
                username,
                first_name: FIRST[number % FIRST.len()].into(),
                last_name: LAST[(number / FIRST.len() + number * 7) % LAST.len()].into(),
                roles: if guest { "system_guest" } else { "system_user" }.into(),
                auth_service: auth_service.into(),
                ..NewPerson::default()
            },
            now,
        );
        self.join_team(person, team, first);
        if number == 7 {
            self.set_active(person, false, now);
            return;
        }
        self.open_session(person, SessionKind::Login(Browser::web()), now + 1);
        self.open_session(person, SessionKind::Login(Browser::desktop()), now + 2);
        if number.is_multiple_of(2) || first {
            let session = self.open_session(person, SessionKind::Login(Browser::mobile()), now + 3);
            if let Some(session) = self.session_mut(session.id) {
                session.device_id = format!("android_rn:device-{number}").into();
            }
        }
        if number % 3 == 1 {
            let token = self.add_token(person, "script");
            if number % 6 == 1 {
                self.open_session(person, SessionKind::AccessToken { token: token.id }, now + 4);
            }
        }
        if number % 7 == 1 {
            self.grant_app(app, person, now + 5);
        }
        if number % 8 == 1 && number <= INTEGRATED {
            let kind = (number / 8) % 4;
            if kind == 0 {
                let bot = self.add_bot(&format!("bot-{number}"), person, "Posts build results", now + 6);
                self.add_token(bot, "build server");
            }
            if kind == 1 || first {
                self.add_incoming_hook(person, channel, team, now + 7);
            }
            if kind == 2 || first {
                self.add_outgoing_hook(person, channel, team, now + 8);
            }
            if kind == 3 || first {
                self.add_command(person, team, &format!("deploy{number}"), now + 9);
            }
        }
    }

    /// Makes a team and returns its id.
    pub fn add_team(&mut self, display_name: &str, name: &str, now: i64) -> Id {
        let (id, invite_id) = (self.ids.id(), self.ids.id());
        self.teams.insert(
            id,
            Team {
                id,
                create_at: now,
                update_at: now,
                delete_at: 0,
                display_name: display_name.to_owned(),
                name: name.to_owned(),
                description: String::new(),
                email: "admin@example.test".to_owned(),
                kind: "O".to_owned(),
                company_name: String::new(),
                allowed_domains: String::new(),
                invite_id,
                allow_open_invite: false,
                scheme_id: None,
                group_constrained: None,
                policy_id: None,
            },
        );
        id
    }

    /// Makes a person a member of a team.
    pub fn join_team(&mut self, person: Id, team: Id, as_administrator: bool) {
        if let Some(person) = self.people.get_mut(&person) {
            person.teams.retain(|(other, _)| *other != team);
            person.teams.push((team, as_administrator));
        }
    }

    /// Makes a bot with its account and returns its id.
    pub fn add_bot(&mut self, username: &str, owner: Id, description: &str, now: i64) -> Id {
        let new = NewPerson {
            email: format!("{username}@localhost"),
            password: "".into(),
            first_name: username.to_owned().into(),
            ..NewPerson::named(username)
        };
        let id = self.add_person(new, now);
        self.put_bot(Bot {
            user_id: id,
            username: username.to_owned(),
            display_name: username.to_owned(),
            description: description.to_owned(),
            owner_id: owner,
            create_at: now,
            update_at: now,
            delete_at: 0,
        });
        id
    }

    /// Stores a bot for an account that is there.
    pub fn put_bot(&mut self, bot: Bot) {
        if let Some(account) = self.people.get_mut(&bot.user_id) {
            account.bot = Some(bot.description.clone());
        }
        self.bots.insert(bot.user_id, bot);
    }

    /// Makes an incoming webhook and returns its id, which is also its secret.
    pub fn add_incoming_hook(&mut self, person: Id, channel: Id, team: Id, now: i64) -> Id {
        let id = self.ids.id();
        self.incoming_hooks.insert(
            id,
            IncomingHook {
                id,
                create_at: now,
                update_at: now,
                delete_at: 0,
                user_id: person,
                channel_id: channel,
                team_id: team,
                display_name: "build results".to_owned(),
                description: String::new(),
                username: String::new(),
                icon_url: String::new(),
                channel_locked: false,
            },
        );
        id
    }

    /// Makes an outgoing webhook and returns its id.
    pub fn add_outgoing_hook(&mut self, person: Id, channel: Id, team: Id, now: i64) -> Id {
        let (id, token) = (self.ids.id(), self.ids.id());
        self.outgoing_hooks.insert(
            id,
            OutgoingHook {
                id,
                token,
                create_at: now,
                update_at: now,
                delete_at: 0,
                creator_id: person,
                channel_id: channel.to_string(),
                team_id: team,
                trigger_words: vec!["deploy".to_owned()],
                trigger_when: 0,
                callback_urls: vec!["http://127.0.0.1:9/".to_owned()],
                display_name: "deploy".to_owned(),
                description: String::new(),
                content_type: String::new(),
                username: String::new(),
                icon_url: String::new(),
            },
        );
        id
    }

    /// Makes a slash command and returns its id.
    pub fn add_command(&mut self, person: Id, team: Id, trigger: &str, now: i64) -> Id {
        let (id, token) = (self.ids.id(), self.ids.id());
        self.commands.insert(
            id,
            Command {
                id,
                token,
                create_at: now,
                update_at: now,
                delete_at: 0,
                creator_id: person,
                team_id: team,
                trigger: trigger.to_owned(),
                method: "P".to_owned(),
                username: String::new(),
                icon_url: String::new(),
                auto_complete: false,
                auto_complete_desc: String::new(),
                auto_complete_hint: String::new(),
                display_name: String::new(),
                description: String::new(),
                url: "http://127.0.0.1:9/".to_owned(),
                plugin_id: String::new(),
            },
        );
        id
    }

    /// Registers an OAuth app in the name of the first administrator and returns its id.
    pub fn add_app(&mut self, name: &str, now: i64) -> Id {
        let id = self.ids.id();
        let creator = self.administrators().first().map(|admin| admin.id);
        let app = App {
            id,
            creator_id: creator.unwrap_or(id),
            create_at: now,
            update_at: now,
            client_secret: Some(self.ids.id()),
            name: name.to_owned(),
            description: String::new(),
            icon_url: String::new(),
            callback_urls: vec!["http://127.0.0.1/cb".to_owned()],
            homepage: "http://127.0.0.1/".to_owned(),
            is_trusted: false,
            mattermost_app_id: String::new(),
        };
        self.apps.insert(id, app);
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_fixture() {
        let (one, other) = (World::fixture(3, 40), World::fixture(3, 40));
        assert_eq!(one.operator_token(), other.operator_token());
        assert_ne!(one.operator_token(), World::fixture(4, 40).operator_token());
        assert_eq!(one.population(), 40 + 3 + 2);
    }

    #[test]
    fn the_first_person_of_a_fixture_has_every_kind_of_access() {
        let fixture = World::fixture(1, 40);
        let person = fixture.person("user01").unwrap();
        let owns = |owner: Id| owner == person.id;
        assert_eq!(person.sessions.len(), 5);
        assert_eq!(person.tokens.len(), 1);
        assert_eq!(person.authorisations.len(), 1);
        assert!(fixture.grants().any(|grant| owns(grant.person)));
        assert!(fixture.bots.iter().any(|bot| owns(bot.owner_id)));
        assert!(fixture.incoming_hooks.iter().any(|hook| owns(hook.user_id)));
        assert!(fixture.outgoing_hooks.iter().any(|hook| owns(hook.creator_id)));
        assert!(fixture.commands.iter().any(|command| owns(command.creator_id)));
        assert!(fixture.people().any(|person| person.auth_service == "gitlab"));
        assert!(fixture.people().any(Person::is_guest));
        assert!(!fixture.person("user07").unwrap().is_active());
        assert_eq!(fixture.administrators().len(), 3);
    }

    use super::super::Person;
}
