//! The server as a whole: rate limits, the database, websockets, many calls at once.

use super::{
    Entry, OPERATOR, PLAIN, RATE, RateSettings, Script, Seed, login, muted, open_sessions, open_sockets, status_of, token,
};

pub(super) const SCRIPTS: &[Entry] = &[
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
