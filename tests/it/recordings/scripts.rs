//! What the recordings do not say themselves: secrets, states made by SQL, and events that were not HTTP calls.

use std::future::Future;
use std::pin::Pin;

use revoked_sandbox::world::{AccessToken, Browser, NewPerson, Person, SessionKind};
use revoked_sandbox::{Id, RateSettings, Sandbox, World};

use super::compare::Looseness;
use super::objects::{OPERATOR, authorise, id};

/// Recordings that the sandbox cannot play, each with the reason.
pub(super) const NOT_REPLAYED: [(&str, &str); 0] = [];

/// Steps that were not HTTP calls, and what stands for them here. The sandbox speaks no websocket: it counts the sockets of a person, and
/// which of them are mute.
pub(super) const STOOD_IN_FOR: [(&str, &str); 8] = [
    (
        "oauth-stale-refresh-token-survives-revoke-all",
        "SQL on the sessions table; the row is taken out of the world",
    ),
    (
        "revoke-all-120-sessions",
        "the recorder's count of a list; the list is asked for and counted",
    ),
    ("revoke-all-20-in-parallel", "20 calls at once; they are made"),
    (
        "revoke-all-users",
        "a websocket; the count of mute sockets, and the token over HTTP",
    ),
    ("websocket-and-deactivation", "a websocket; the count of mute sockets"),
    ("websocket-and-revoke-all", "a websocket; the count of mute sockets"),
    ("websocket-and-single-revoke", "two websockets; the count of mute sockets"),
    ("websocket-of-a-pat", "a websocket; the count of mute sockets"),
];

/// Something that a case starts with and no answer shows.
#[derive(Debug, Clone, Copy)]
pub(super) enum Seed {
    /// A login session with that secret; where `session` is empty its id does not matter.
    Login {
        secret: &'static str,
        person: &'static str,
        session: &'static str,
    },
    /// A personal access token; where `token` is empty its id does not matter.
    Token {
        secret: &'static str,
        person: &'static str,
        token: &'static str,
    },
    /// The secret of a session or token that an answer shows by id.
    Secret { secret: &'static str, of: &'static str },
    /// An OAuth token pair with its session.
    Grant {
        person: &'static str,
        app: &'static str,
        access: &'static str,
        refresh: &'static str,
    },
    /// A code that was not exchanged yet.
    Code {
        person: &'static str,
        app: &'static str,
        code: &'static str,
    },
}

const fn login(secret: &'static str, person: &'static str) -> Seed {
    Seed::Login {
        secret,
        person,
        session: "",
    }
}

const fn token(secret: &'static str, person: &'static str, token: &'static str) -> Seed {
    Seed::Token { secret, person, token }
}

const fn secret(secret: &'static str, of: &'static str) -> Seed {
    Seed::Secret { secret, of }
}

const fn grant(person: &'static str, app: &'static str, access: &'static str, refresh: &'static str) -> Seed {
    Seed::Grant {
        person,
        app,
        access,
        refresh,
    }
}

const fn code(person: &'static str, app: &'static str, code: &'static str) -> Seed {
    Seed::Code { person, app, code }
}

fn seeded(seeds: Vec<Seed>) -> Script {
    Script { seeds, ..PLAIN }
}

impl Seed {
    pub(super) fn person(&self) -> Option<&'static str> {
        match self {
            Self::Login { person, .. } | Self::Token { person, .. } | Self::Grant { person, .. } | Self::Code { person, .. } => {
                Some(person)
            }
            Self::Secret { .. } => None,
        }
    }
}

type Entry = (&'static str, fn() -> Script);

type Act = for<'a> fn(&'a Sandbox, &'a reqwest::Client) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// How one case is played.
pub(super) struct Script {
    pub(super) seeds: Vec<Seed>,
    /// Sessions that a case lists after a change, but did not make.
    pub(super) there: &'static [&'static str],
    /// Named by the case, but not there.
    pub(super) gone: &'static [&'static str],
    /// The last touch to the world.
    pub(super) world: fn(&mut World),
    /// Done before the step of that index, or in place of its event.
    pub(super) acts: &'static [(usize, Act)],
    pub(super) rate: Option<RateSettings>,
    pub(super) loose: Looseness,
}

const PLAIN: Script = Script {
    seeds: Vec::new(),
    there: &[],
    gone: &[],
    world: |_| {},
    acts: &[],
    rate: None,
    loose: Looseness::Exact,
};

const RATE: RateSettings = RateSettings {
    per_second: 2,
    burst: 5,
    by_address: true,
    by_person: false,
};

/// The app `demo-app`, and `kill-me`.
const APP: &str = "nu86czzh17fqzq44e6eqc5m34y";
const DOOMED_APP: &str = "nwgu4s9ecfb8tpf4q6o5qcsg5r";

macro_rules! act {
    (|$sandbox:ident, $client:ident| $body:expr) => {
        |$sandbox, $client| Box::pin(async move { $body })
    };
}

mod credentials;
mod oauth;
mod server;

const BOT_TOKEN: Seed = token("redacted305d7f1f07ae730809", "bot-a", "a9jjizd5tbfcpd71p5u6c35une");
const USER20: Seed = login("redacted89ac2d296647bb80c8", "user20");
const USER03: Seed = login("redactedb8fa67ed0460b86b9d", "user03");

impl Script {
    pub(super) fn secret_of(&self, named: &str) -> Option<&'static str> {
        if named == OPERATOR.1 {
            return Some(OPERATOR.0);
        }
        self.seeds.iter().find_map(|seed| match seed {
            Seed::Secret { secret, of } if *of == named => Some(*secret),
            Seed::Token { secret, token, .. } if *token == named => Some(*secret),
            _ => None,
        })
    }

    /// Whether the script speaks of that id: it was there before.
    pub(super) fn knows(&self, named: &str) -> bool {
        self.there.contains(&named) || self.secret_of(named).is_some()
    }

    pub(super) fn of(case: &str) -> Self {
        scripts()
            .find(|(name, _)| *name == case)
            .map_or(PLAIN, |(_, script)| script())
    }
}

pub(super) fn names() -> impl Iterator<Item = &'static str> {
    scripts().map(|(name, _)| *name)
}

/// The scripts by case; a case without one starts from what it shows.
fn scripts() -> impl Iterator<Item = &'static Entry> {
    [credentials::SCRIPTS, oauth::SCRIPTS, server::SCRIPTS].into_iter().flatten()
}

fn known<'a>(world: &'a World, username: &str) -> &'a Person {
    world.person(username).unwrap_or_else(|| panic!("{username} was not seeded"))
}

fn make_manager(world: &mut World, permissions: &[&str]) {
    let manager = world.person("manager").map(|person| person.id);
    let manager = manager.unwrap_or_else(|| world.add_person(NewPerson::named("manager"), 1));
    world.set_roles(manager, "system_user system_user_manager".to_owned(), 1);
    world.roles.permit("system_user_manager", permissions);
}

fn open_sessions(world: &mut World, username: &str, count: usize) {
    let person = known(world, username).id;
    for _ in 0..count {
        world.open_session(person, SessionKind::Login(Browser::web()), 1_795_000_000_000);
    }
}

fn open_sockets(world: &mut World, username: &str, count: u32) {
    let person: Id = known(world, username).id;
    world.person_mut(person).expect("the person").sockets = count;
}

fn muted(sandbox: &Sandbox, username: &str) -> u32 {
    known(&sandbox.world(), username).muted_sockets
}

async fn status_of(sandbox: &Sandbox, client: &reqwest::Client, secret: &str) -> u16 {
    let call = client.get(format!("{}/api/v4/users/me", sandbox.url())).bearer_auth(secret);
    call.send().await.expect("an answer").status().as_u16()
}
