//! OAuth apps and single sign-on.

use super::{APP, DOOMED_APP, Entry, PLAIN, Script, USER03, authorise, code, grant, id, known, login, secret, seeded, token};

pub(super) const SCRIPTS: &[Entry] = &[
    ("oauth-authorized-apps-errors", || seeded(vec![USER03])),
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
];
