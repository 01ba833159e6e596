//! The people of the demo: the victim and what was stolen, those who leave, and those to whom nothing may happen.

use std::collections::BTreeMap;

use anyhow::Context as _;
use revoked_sandbox::World;
use revoked_sandbox::world::{PASSWORD, Person, SessionKind};
use secrecy::SecretString;

use crate::clock::Clock;
use crate::model::{DateRule, Leaves, Timestamp};

use super::MARGIN;

/// One person with an account, or one who never had any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DemoPerson {
    pub(super) username: String,
    pub(super) email: String,
    pub(super) name: String,
}

impl DemoPerson {
    pub(super) fn of(person: &Person) -> Self {
        let name = format!("{} {}", person.first_name, person.last_name).trim().to_owned();
        Self {
            name: if name.is_empty() { person.username.clone() } else { name },
            username: person.username.clone(),
            email: person.email.clone(),
        }
    }

    /// HR's number of the person.
    pub(super) fn number(&self) -> String {
        format!("hr-{}", self.username)
    }

    /// Whether `subject` names the person, in any of the ways that the doors of the demo have.
    pub(super) fn is_named_by(&self, subject: &str) -> bool {
        let names = [
            format!("email:{}", self.email),
            format!("username:{}", self.username),
            format!("employee_id:{}", self.number()),
        ];
        names.iter().any(|name| name == subject)
    }

    /// `Ada Lovelace (user01@example.test)`
    pub(super) fn shown(&self) -> String {
        format!("{} ({})", self.name, self.email)
    }
}

/// What the intruder has taken from the victim.
#[derive(Clone)]
pub(super) struct Stolen {
    pub(super) username: String,
    pub(super) password: String,
    pub(super) session: String,
    pub(super) access_token: String,
    pub(super) client_id: String,
    pub(super) client_secret: String,
    pub(super) refresh_token: String,
}

/// Somebody whose last day is over in one place and not in another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Abroad {
    pub(super) who: DemoPerson,
    /// The IANA zone of the row.
    pub(super) zone: &'static str,
    /// The last working day, as it is written there.
    pub(super) last_day: String,
    /// When it is over.
    pub(super) fire_at: Timestamp,
    /// Whether that is so already.
    pub(super) is_due: bool,
}

/// Everybody whom the demo is about.
pub(super) struct People {
    /// Whose things were stolen; the identity provider tells.
    pub(super) victim: DemoPerson,
    pub(super) stolen: Stolen,
    /// Whose laptop was lost; an operator tells.
    pub(super) lost_laptop: DemoPerson,
    /// Whose access token stands in a public repository; an operator hands the token in. Nothing else of theirs is to end.
    pub(super) careless: DemoPerson,
    /// That token.
    pub(super) published: SecretString,
    /// Whose last day was yesterday; HR tells.
    pub(super) leavers: Vec<DemoPerson>,
    /// Who left too, and never had an account.
    pub(super) stranger: DemoPerson,
    /// Whose last day is tomorrow.
    pub(super) tomorrow: DemoPerson,
    pub(super) abroad: Abroad,
    /// In whose row the date is none.
    pub(super) malformed: DemoPerson,
    /// The break-glass account, which HR's file names by mistake.
    pub(super) protected: DemoPerson,
    /// Yesterday and tomorrow in UTC.
    pub(super) days: (String, String),
}

/// How much access each person has: sessions, tokens, and whether the account is active.
pub(super) type Holdings = BTreeMap<String, (usize, usize, bool)>;

impl People {
    /// Chooses them among the people of `world`.
    pub(super) fn of(world: &World, clock: &Clock) -> anyhow::Result<Self> {
        let now = clock.now();
        let person_of = |username: &str| -> anyhow::Result<DemoPerson> {
            let person = world
                .person(username)
                .with_context(|| format!("the sandbox has no {username}"))?;
            Ok(DemoPerson::of(person))
        };
        let victim = person_of("user01")?;
        let today = date_in("UTC", now)?;
        Ok(Self {
            stolen: steal(world, &victim.username).context("there is nothing to steal in the sandbox")?,
            victim,
            lost_laptop: person_of("user13")?,
            careless: person_of("user04")?,
            published: published(world, "user04").context("nobody has a token that could be published")?,
            // With a webhook, with a hook that sends out, with a token and an app, and one who comes through GitLab.
            leavers: ["user03", "user09", "user17", "user22", "user15"]
                .into_iter()
                .map(person_of)
                .collect::<anyhow::Result<_>>()?,
            stranger: DemoPerson {
                username: "kim".to_owned(),
                email: "kim@example.test".to_owned(),
                name: "Kim".to_owned(),
            },
            tomorrow: person_of("user24")?,
            abroad: abroad(person_of("user28")?, today, now)?,
            malformed: person_of("user30")?,
            protected: person_of("admin")?,
            days: (today.yesterday()?.to_string(), today.tomorrow()?.to_string()),
        })
    }

    /// The addresses of those whose access must be ended now, whoever asked for it. The stranger has none.
    pub(super) fn due(&self) -> Vec<&DemoPerson> {
        let abroad = self.abroad.is_due.then_some(&self.abroad.who);
        [&self.victim, &self.lost_laptop]
            .into_iter()
            .chain(&self.leavers)
            .chain(abroad)
            .collect()
    }

    /// How many cases are over in the end: of those who are due, of the stranger, whom nobody knows, and of the published token.
    pub(super) fn cases(&self) -> usize {
        self.due().len() + 2
    }

    /// What everybody has to whom nothing may happen. Whoever plays a part as an operator only looks on too; whose token is published keeps all
    /// but the token.
    pub(super) fn bystanders(&self, world: &World) -> Holdings {
        let due = self.due();
        let mut holdings = holdings(world, |username| due.iter().any(|due| due.username == username));
        if let Some((_, tokens, _)) = holdings.get_mut(&self.careless.username) {
            *tokens = 0;
        }
        holdings
    }
}

/// What everybody has but those who are due, and the bots of theirs: a bot goes with its owner.
pub(super) fn holdings(world: &World, is_due: impl Fn(&str) -> bool) -> Holdings {
    let owner_is_due = |person: &Person| {
        let bot = world.bots.get(person.id);
        bot.and_then(|bot| world.person_by_id(bot.owner_id))
            .is_some_and(|owner| is_due(&owner.username))
    };
    world
        .people()
        .filter(|person| !is_due(&person.username) && !owner_is_due(person))
        .map(|person| {
            // A session that a token makes for itself comes when it is used.
            let made = |id: &_| {
                world
                    .session(*id)
                    .is_some_and(|session| matches!(session.kind, SessionKind::AccessToken { .. }))
            };
            let sessions = person.sessions.iter().filter(|id| !made(id)).count();
            (person.username.clone(), (sessions, person.tokens.len(), person.is_active()))
        })
        .collect()
}

fn published(world: &World, username: &str) -> Option<SecretString> {
    let token = world.tokens_of(world.person(username)?.id).next()?;
    Some(SecretString::from(token.secret.to_string()))
}

fn steal(world: &World, username: &str) -> Option<Stolen> {
    let person = world.person(username)?;
    let session = person.sessions.iter().filter_map(|id| world.session(*id));
    let session = session
        .into_iter()
        .find(|session| matches!(session.kind, SessionKind::Login(_)))?;
    let grant = world.grants().find(|grant| grant.person == person.id)?;
    Some(Stolen {
        username: person.username.clone(),
        password: PASSWORD.to_owned(),
        session: session.token.to_string(),
        access_token: world.tokens_of(person.id).next()?.secret.to_string(),
        client_id: grant.app.to_string(),
        client_secret: world.apps.get(grant.app)?.client_secret?.to_string(),
        refresh_token: grant.refresh?.to_string(),
    })
}

/// What the calendar shows in a zone.
pub(super) fn date_in(zone: &str, now: Timestamp) -> anyhow::Result<jiff::civil::Date> {
    let zone = crate::model::iana_zone(zone).with_context(|| format!("this program does not know the time zone {zone}"))?;
    let now = jiff::Timestamp::from_millisecond(now.ms()).context("the clock is outside the calendar")?;
    Ok(zone.to_datetime(now).date())
}

/// A row whose zone makes the difference, at any time of the day: where it is tomorrow already, somebody's last day (our today) is over; where
/// it is still yesterday, somebody's last day (our yesterday) is not.
fn abroad(who: DemoPerson, today: jiff::civil::Date, now: Timestamp) -> anyhow::Result<Abroad> {
    for zone in ["Pacific/Auckland", "Pacific/Pago_Pago", "Pacific/Kiritimati"] {
        let there = date_in(zone, now)?;
        let last_day = match there.cmp(&today) {
            std::cmp::Ordering::Greater => today,
            std::cmp::Ordering::Less => there,
            std::cmp::Ordering::Equal => continue,
        };
        let leaves = Leaves::Wall {
            date: last_day.to_string(),
            zone: zone.to_owned(),
            rule: DateRule::LastDayInclusive,
            at: None,
        };
        let fire_at = leaves.fire_at()?;
        let is_due = fire_at <= now;
        // Midnight over there must not strike in the middle of the demo.
        if is_due || fire_at.since(now) > MARGIN {
            return Ok(Abroad {
                who,
                zone,
                last_day: last_day.to_string(),
                fire_at,
                is_due,
            });
        }
    }
    anyhow::bail!("no time zone has another date now")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_every_minute_of_the_day_some_zone_has_another_date() {
        let world = World::fixture(1, 40);
        for day in ["2026-01-15T00:00:00Z", "2026-07-15T00:00:00Z"] {
            let midnight: jiff::Timestamp = day.parse().unwrap();
            for minute in 0..24 * 60 {
                let clock = Clock::fixed(Timestamp::from_seconds(midnight.as_second() + minute * 60));
                let people = People::of(&world, &clock).unwrap();
                let abroad = &people.abroad;
                let same_day_here = Leaves::Wall {
                    date: abroad.last_day.clone(),
                    zone: "UTC".to_owned(),
                    rule: DateRule::LastDayInclusive,
                    at: None,
                };
                let due_here = same_day_here.fire_at().unwrap() <= clock.now();
                assert_ne!(abroad.is_due, due_here, "the zone decides, at minute {minute} of {day}");
            }
        }
    }

    #[test]
    fn the_victim_has_all_that_an_intruder_wants() {
        let world = World::fixture(9, 40);
        let people = People::of(&world, &Clock::system()).unwrap();
        let bystanders = people.bystanders(&world);
        assert!(!bystanders.contains_key(&people.victim.username));
        assert!(bystanders.contains_key(&people.tomorrow.username) && bystanders.contains_key(&people.protected.username));
        assert!(people.due().len() >= 7);
    }
}
