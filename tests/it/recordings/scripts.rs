//! What the recordings do not say themselves: secrets, states made by SQL, and events that were not HTTP calls.

use std::future::Future;
use std::pin::Pin;

use revoked::sandbox::world::{AccessToken, Browser, NewPerson, Person, SessionKind};
use revoked::sandbox::{Id, RateSettings, Sandbox, World};

use super::compare::Looseness;
use super::harvest::{OPERATOR, authorise, id};

/// Recordings that the sandbox cannot play, each with the reason.
pub(super) const NOT_REPLAYED: [(&str, &str); 0] = [];

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
        SCRIPTS
            .iter()
            .find(|(name, _)| *name == case)
            .map_or(PLAIN, |(_, script)| script())
    }
}

pub(super) fn names() -> impl Iterator<Item = &'static str> {
    SCRIPTS.iter().map(|(name, _)| *name)
}

/// The scripts by case; a case without one starts from what it shows.
const SCRIPTS: &[Entry] = &[
    // The recorder put the new bot into its team by another way.
    ("bot-create-assign-token", || Script {
        acts: &[(
            2,
            act!(|sandbox, _client| {
                let mut world = sandbox.world();
                let bot = known(&world, "bot-a").id;
                world.join_team(bot, id("aaf78db7eibg8kjdct635hey3h"), false);
            }),
        )],
        ..PLAIN
    }),
    // The count covers people that no answer shows.
    ("users-list-filters", || Script {
        world: |world| {
            for number in world.people().filter(|person| person.is_active()).count()..20 {
                world.add_person(NewPerson::named(&format!("user9{number}")), 1);
            }
        },
        ..PLAIN
    }),
    ("bot-disable-ok", || seeded(vec![BOT_TOKEN, USER03])),
    ("revoke-all-of-owner-leaves-bot", || seeded(vec![BOT_TOKEN])),
    ("deactivate-owner-disables-bots", || seeded(vec![BOT_TOKEN])),
    ("oauth-authorized-apps-errors", || seeded(vec![USER03])),
    ("token-create-no-permission", || seeded(vec![USER03])),
    ("token-revoke-no-permission", || seeded(vec![USER03])),
    ("tokens-list-no-permission", || seeded(vec![USER03])),
    ("caches-invalidate", || {
        seeded(vec![login("redactedae7eff13f909524381", "user18")])
    }),
    ("config-read", || seeded(vec![login("redactedae7eff13f909524381", "user18")])),
    ("system-config-client", || Script {
        loose: Looseness::Subset,
        ..PLAIN
    }),
    ("deactivate-errors", || {
        seeded(vec![login("redactede8fa70a21df0efc7fe", "user14")])
    }),
    ("integrations-create", || Script {
        seeds: vec![login("redactedde05bd83cdd8688e1c", "user15")],
        world: |world| {
            let (person, team) = (known(world, "user15").id, id("aaf78db7eibg8kjdct635hey3h"));
            world.join_team(person, team, true);
        },
        ..PLAIN
    }),
    ("deactivate-ok-and-what-survives", || {
        seeded(vec![
            login("redactedde05bd83cdd8688e1c", "user15"),
            token("redacted2e914b0aff1f12fbd1", "user15", "3onneyu43inyi88i63wr3anscc"),
        ])
    }),
    ("least-privilege-system-user-manager", || Script {
        seeds: vec![token("redacted5c5497bbdda507ebfa", "manager", "")],
        world: |world| make_manager(world, &[]),
        ..PLAIN
    }),
    ("least-privilege-custom", || Script {
        seeds: vec![token("redacted6b9095e4c69fbf644f", "manager", "")],
        // The recorder made the token that it revokes, and brought the person back after the deactivation, between the calls.
        acts: &[
            (
                5,
                act!(|sandbox, _client| {
                    let mut world = sandbox.world();
                    let person = known(&world, "user18").id;
                    let (token, secret) = (id("knz56rpcp7fembgmsfbwntqzir"), world.ids.id());
                    let description = "lp".to_owned();
                    world.put_token(AccessToken {
                        id: token,
                        secret,
                        person,
                        description,
                        is_active: true,
                    });
                }),
            ),
            (
                9,
                act!(|sandbox, _client| {
                    let mut world = sandbox.world();
                    let person = known(&world, "user18").id;
                    world.set_active(person, true, 1_795_478_542_395);
                }),
            ),
        ],
        world: |world| {
            make_manager(
                world,
                &[
                    "edit_other_users",
                    "read_user_access_token",
                    "revoke_user_access_token",
                    "sysconsole_write_user_management_users",
                    "sysconsole_read_user_management_users",
                    "read_bots",
                    "read_others_bots",
                    "manage_others_bots",
                    "manage_bots",
                    "manage_others_incoming_webhooks",
                    "manage_incoming_webhooks",
                ],
            );
        },
        ..PLAIN
    }),
    ("oauth-app-delete", || Script {
        seeds: vec![grant(
            "user12",
            DOOMED_APP,
            "redacted45877b8fcee2735b01",
            "wj4rf8rg1tdqbmoxepjpig45mc",
        )],
        world: |world| {
            let person = known(world, "user12").id;
            authorise(world, person, id(APP));
        },
        ..PLAIN
    }),
    ("oauth-authorize-and-exchange", || {
        seeded(vec![secret("redactede528962f6110333ac9", "ft8dwoksptfbp83f9dqa4mi3zw")])
    }),
    ("oauth-session-revoke-one", || {
        seeded(vec![
            secret("redactedcbcc05455c39c9b965", "ayaau3bg53b1i8qrc6pdmsu1iw"),
            grant("user06", APP, "redactedcbcc05455c39c9b965", "redactedf30e77f24fa170c761"),
        ])
    }),
    ("oauth-revoke-all", || {
        seeded(vec![
            grant("user06", APP, "redactedef84b206150edc29cd", "1kn7phsipbf1jb3nzryk9whr1c"),
            code("user06", APP, "mdpf3t9q8bff7ce16p68wxggke976kt5agkigp5cpkyb8fmdo6sw"),
        ])
    }),
    ("oauth-pending-code-and-deactivation", || {
        seeded(vec![code(
            "user09",
            APP,
            "1c58bxrmii83jqg58f4g1rhtbe3h7dnbe69fybff4h54eg1e8ufe",
        )])
    }),
    ("oauth-stale-refresh-token-survives-revoke-all", || Script {
        there: &["acj6gfmem7n8j8s1ezgzpcwike"],
        seeds: vec![grant(
            "user07",
            APP,
            "redacteda57031c108037f1969",
            "9yhej4ykxfnwpcg7jemet8rtwe",
        )],
        acts: &[(
            0,
            act!(|sandbox, _client| {
                let mut world = sandbox.world();
                let session = world
                    .session_by_token(id("redacteda57031c108037f1969"))
                    .expect("a session")
                    .id;
                world.remove_session(session);
            }),
        )],
        ..PLAIN
    }),
    ("oauth-deauthorize", || {
        seeded(vec![grant(
            "user11",
            APP,
            "redacted5b5741fe093e3f6c3b",
            "s7rzmza3atn6dd3r46adfxr7wh",
        )])
    }),
    ("oauth-deauthorize-self", || {
        seeded(vec![
            login("redacted30aa8d31ac9a995e29", "user11"),
            grant("user11", APP, "redacted5b5741fe093e3f6c3b", "s7rzmza3atn6dd3r46adfxr7wh"),
        ])
    }),
    ("oauth-implicit", || {
        seeded(vec![login("redacted9a52a82207d202aead", "user11")])
    }),
    ("oauth-session-cannot-create-pat", || {
        seeded(vec![grant("user06", APP, "redacted567f372336f8912d75", "")])
    }),
    ("oauth-provider-disabled", || Script {
        world: |world| world.settings.oauth_provider = false,
        ..PLAIN
    }),
    ("incoming-webhooks-disabled", || Script {
        world: |world| world.settings.incoming_webhooks = false,
        ..PLAIN
    }),
    ("user-access-tokens-disabled", || Script {
        seeds: vec![login("redactedd1ce9b29eb98a6d571", "admin")],
        world: |world| world.settings.user_access_tokens = false,
        ..PLAIN
    }),
    ("operator-token-revoked", || {
        seeded(vec![token(
            "redacted81447daa815ebaf955",
            "admin",
            "bab1987f47bgxq5ype7xdh6tcw",
        )])
    }),
    ("password-change-by-admin", || {
        seeded(vec![login("redactedd36e03cbb266968bf4", "user18")])
    }),
    ("revoke-all-no-permission", || {
        seeded(vec![login("redacted968921cfecbf4224a2", "user02")])
    }),
    ("revoke-all-ok", || {
        seeded(vec![
            secret("redacted9916331596dbd9cef5", "43kuw4gw6pfnfr4f4rnznj7grw"),
            secret("redactedba05f89bff8fbb55c5", "gkxu5wcddpbptjao7qmtatk1ey"),
            secret("redactedae1e21fba92e4ce5bb", "51igxxhhq7ru8r7rnu85rurpfw"),
            token("redactedfc8cc68d4170871793", "user02", ""),
        ])
    }),
    ("revoke-all-users", || Script {
        seeds: vec![
            login("redacted5aca0fedb2dd845669", "user20"),
            login("redacted0e414a88872264a350", "admin"),
        ],
        world: |world| open_sockets(world, "user20", 1),
        acts: &[
            (5, act!(|sandbox, _client| assert_eq!(muted(sandbox, "user20"), 0))),
            // The refusal of what the client asks over the socket: here the same token over HTTP.
            (
                6,
                act!(|sandbox, client| assert_eq!(status_of(sandbox, client, "redacted5aca0fedb2dd845669").await, 401)),
            ),
            (8, act!(|sandbox, _client| assert_eq!(muted(sandbox, "user20"), 0))),
        ],
        ..PLAIN
    }),
    ("revoke-all-120-sessions", || Script {
        world: |world| open_sessions(world, "user20", 120),
        acts: &[(
            0,
            act!(|sandbox, client| {
                let answer = client.get(format!("{}/api/v4/users/hyfngwz8k7dtfbjzu6otijtnzy/sessions", sandbox.url()));
                let listed = answer
                    .bearer_auth(OPERATOR.0)
                    .send()
                    .await
                    .expect("an answer")
                    .json::<serde_json::Value>()
                    .await;
                assert_eq!(listed.expect("a list").as_array().map(Vec::len), Some(120));
            }),
        )],
        ..PLAIN
    }),
    ("revoke-all-20-in-parallel", || Script {
        world: |world| open_sessions(world, "user20", 20),
        acts: &[(
            0,
            act!(|sandbox, client| {
                let url = format!(
                    "{}/api/v4/users/hyfngwz8k7dtfbjzu6otijtnzy/sessions/revoke/all",
                    sandbox.url()
                );
                let calls = (0..20).map(|_| client.post(&url).bearer_auth(OPERATOR.0).send());
                for answer in futures_util::future::join_all(calls).await {
                    assert_eq!(answer.expect("an answer").status(), 200);
                }
            }),
        )],
        ..PLAIN
    }),
    ("session-revoke-ok", || {
        seeded(vec![secret("redacted172076c5f317ebf97b", "d8t3moset7ga5kaqtp157c3e1a")])
    }),
    ("session-revoke-mobile-ok", || {
        seeded(vec![secret("redacted16575556b49c0a3fd3", "9ihj7qtbsig78bm5monb7gir6o")])
    }),
    ("session-revoke-already-revoked", || Script {
        gone: &["d8t3moset7ga5kaqtp157c3e1a"],
        ..PLAIN
    }),
    ("session-revoke-of-pat-session", || {
        seeded(vec![secret("redactedf9a629bc7b100c6996", "yz3ce9uw4tbnpjthr4owqrorfe")])
    }),
    ("session-revoke-no-permission", || seeded(vec![USER20])),
    ("session-revoke-own", || {
        seeded(vec![Seed::Login {
            secret: "redacted89ac2d296647bb80c8",
            person: "user20",
            session: "ddrzg9jxnfy5dm9d7dxc7a7nca",
        }])
    }),
    ("sessions-list-other-user-forbidden", || seeded(vec![USER20])),
    ("sessions-list-me", || {
        seeded(vec![secret("redacted89ac2d296647bb80c8", "n6jxj9453tnhdmzfjwp68e3hiw")])
    }),
    ("sso-login-reactivates-deactivated-user", || Script {
        seeds: vec![
            login("redacted740188ecbb685332bb", "sso.user"),
            token("redacted5e6f1e50b5c47a0f71", "sso.user", ""),
        ],
        world: |world| {
            let person = known(world, "sso.user").id;
            world.sso_codes.insert("abc".to_owned(), person);
        },
        ..PLAIN
    }),
    ("token-disable-enable", || {
        seeded(vec![token(
            "redactedcc7bbd45c9f5a23946",
            "user04",
            "e34ngseimidu3ys7i5cyhh7sph",
        )])
    }),
    ("token-revoke-ok", || {
        seeded(vec![token(
            "redactedca0b7bd275065b6738",
            "user03",
            "j788jzpipi8x9fodzmm1zx9heo",
        )])
    }),
    ("token-revoke-already-revoked", || Script {
        gone: &["j788jzpipi8x9fodzmm1zx9heo"],
        ..PLAIN
    }),
    ("token-revoke-by-token-value", || {
        seeded(vec![token("sgf6ft7y47gf9y7gpqrpj1oczo", "user03", "")])
    }),
    ("rate-limited-by-address", || Script {
        rate: Some(RATE),
        ..PLAIN
    }),
    ("rate-limited-by-user", || Script {
        rate: Some(RateSettings {
            by_address: false,
            by_person: true,
            ..RATE
        }),
        ..PLAIN
    }),
    ("rate-limited-revoke-all", || Script {
        rate: Some(RATE),
        acts: &[(
            0,
            act!(|sandbox, client| {
                for _ in 0..5 {
                    assert_eq!(status_of(sandbox, client, OPERATOR.0).await, 200);
                }
            }),
        )],
        ..PLAIN
    }),
    ("database-down", || Script {
        acts: &[
            (
                0,
                act!(|sandbox, client| {
                    assert_eq!(status_of(sandbox, client, OPERATOR.0).await, 200);
                    sandbox.faults().database_down(true);
                }),
            ),
            (6, act!(|sandbox, _client| sandbox.faults().database_down(false))),
        ],
        ..PLAIN
    }),
    ("database-down-valid-pat-401", || Script {
        seeds: vec![token("redacted1b90e2dafc36dc620e", "user18", "")],
        acts: &[
            (0, act!(|sandbox, _client| sandbox.faults().database_down(true))),
            (1, act!(|sandbox, _client| sandbox.faults().database_down(false))),
        ],
        ..PLAIN
    }),
    ("websocket-and-deactivation", || Script {
        world: |world| open_sockets(world, "user19", 1),
        acts: &[(1, act!(|sandbox, _client| assert_eq!(muted(sandbox, "user19"), 1)))],
        ..PLAIN
    }),
    ("websocket-and-revoke-all", || Script {
        world: |world| open_sockets(world, "user19", 1),
        acts: &[(1, act!(|sandbox, _client| assert_eq!(muted(sandbox, "user19"), 0)))],
        ..PLAIN
    }),
    ("websocket-and-single-revoke", || Script {
        seeds: vec![Seed::Login {
            secret: "redactedsinglesession00000",
            person: "user19",
            session: "6fdmu7fki3bybnoz3r1qi69m1y",
        }],
        world: |world| open_sockets(world, "user19", 2),
        acts: &[(1, act!(|sandbox, _client| assert_eq!(muted(sandbox, "user19"), 0)))],
        ..PLAIN
    }),
    ("websocket-of-a-pat", || Script {
        seeds: vec![token("redactedsocketofapat000000", "user11", "jseanyr4n3nhj8ookp7xarbn5c")],
        world: |world| open_sockets(world, "user11", 1),
        acts: &[
            (1, act!(|sandbox, _client| assert_eq!(muted(sandbox, "user11"), 0))),
            (3, act!(|sandbox, _client| assert_eq!(muted(sandbox, "user11"), 0))),
        ],
        ..PLAIN
    }),
];

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
