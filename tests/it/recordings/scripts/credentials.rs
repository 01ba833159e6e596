//! Sessions, tokens, permissions, people.

use super::{
    AccessToken, BOT_TOKEN, Entry, Looseness, NewPerson, PLAIN, Script, Seed, USER03, USER20, id, known, login, make_manager,
    secret, seeded, token,
};

pub(super) const SCRIPTS: &[Entry] = &[
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
];
