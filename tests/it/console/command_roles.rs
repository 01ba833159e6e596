//! Which role each command needs by the socket of one: by the table, by the API's routes for the same act, and by the daemon that runs.

use http::{Method, StatusCode};
use revoked::cli::{By, COMMANDS};
use revoked::console::access::{Least, ROUTES};
use revoked::model::Role;
use serde_json::json;

use super::Site;
use super::commands_and_routes::with_routes;

/// What must be typed behind the words of a command.
const MORE: &[(&str, &str)] = &[
    ("revoke", "ann --reason departed"),
    ("leaked", "--target chat"),
    ("release", "1"),
    ("find", "ann"),
    ("case show", "1"),
    ("case report", "1"),
    ("case note", "1 x"),
    ("case assign", "1"),
    ("case cancel", "1 --note x"),
    ("person report", "ann"),
    ("batch show", "1"),
    ("batch report", "1"),
    ("batch pause", "1 --note x"),
    ("batch resume", "1"),
    ("batch cancel", "1 --note x"),
    ("departures show", "1"),
    ("departures cancel", "1 --note x"),
    ("source test", "x --payload -"),
    ("source rehearsed", "x"),
    ("source ssf connect", "x"),
    ("source ssf status", "x"),
    ("source ssf verify", "x"),
    ("source ssf add-subject", "x ann@example.org"),
    ("source ssf remove-subject", "x ann@example.org"),
    ("source ssf disconnect", "x"),
    ("source hr preview", "-"),
    ("policy test", "ann"),
    ("policy accept", "x"),
    ("target pause", "chat --note x"),
    ("target resume", "chat"),
    ("hold show", "1"),
    ("hold approve", "1"),
    ("hold reject", "1"),
    ("subject link", "ann ann@example.org"),
    ("subject unlink", "ann@example.org"),
    ("alert ack", "1"),
    ("alert clear", "1"),
    ("subject show", "ann"),
    ("subject import", "-"),
    ("subject dismiss", "1"),
    ("token make", "x --role viewer --for 1d"),
    ("token end", "1"),
    ("source hr map", "x"),
    ("target lint", "x"),
    ("target explain", "x"),
    ("target try", "x --subject ann@example.org --url https://wiki.example.org"),
    ("backup", "x"),
    ("completions", "bash"),
    ("transmitter verify", "x"),
    ("transmitter retry", "x"),
    ("erase", "ann"),
];

#[test]
fn a_command_needs_the_role_that_the_routes_of_the_same_act_need() {
    for (command, routes) in with_routes() {
        let row = COMMANDS.iter().find(|row| row.command == command).unwrap();
        let By::Role(least) = row.by else { continue };
        // No route asks the targets besides.
        let more = row.more.iter().filter(|(option, _)| *option != "ask").map(|(_, role)| *role);
        let command_needs = more.chain([least]).max();
        let of_route = |named: &&str| {
            let (method, path) = named.split_once(' ').unwrap();
            let route = ROUTES
                .iter()
                .find(|route| (route.method, route.path) == (method, path))
                .unwrap();
            let Least::Role(role) = route.least else {
                panic!("{named} has no role");
            };
            role
        };
        assert_eq!(command_needs, routes.iter().map(of_route).max(), "{command} and {routes:?}");
    }
}

#[test]
fn the_documents_name_each_command_under_the_role_that_it_needs() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/console.md")).unwrap();
    let (_, section) = page.split_once("\n## Commands\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    for row in COMMANDS {
        let place = match row.by {
            // Those are whatever else shows something.
            By::Role(Role::Viewer) => continue,
            By::Role(role) => section.lines().find(|line| line.ends_with(&format!(" | {role} |"))).unwrap(),
            By::Host(_) => section,
        };
        let words: Vec<&str> = row.command.split(' ').collect();
        let is_named = (1..=words.len()).any(|count| place.contains(&format!("`{}`", words[..count].join(" "))));
        assert!(is_named, "{} is not in {place}", row.command);
    }
}

#[tokio::test]
async fn each_command_is_refused_to_every_role_below_its_own_and_to_all_where_it_is_for_the_host() {
    let site = Site::new().await;
    for row in COMMANDS {
        let more = MORE
            .iter()
            .find(|(command, _)| *command == row.command)
            .map_or("", |(_, more)| more);
        let words: Vec<&str> = row
            .command
            .split(' ')
            .chain(more.split(' '))
            .filter(|word| !word.is_empty())
            .collect();
        for role in Role::ALL {
            // What comes behind the look at the role is refused to everybody: nothing is run.
            let order = json!({ "words": words, "zone": "Nowhere/At-All" });
            let answer = site.by_socket(role, Method::POST, "/api/v1/commands", Some(order)).await;
            let (status, text) = match row.by {
                By::Host(_) => (StatusCode::FORBIDDEN, "for the host alone"),
                By::Role(least) if role < least => (StatusCode::FORBIDDEN, "this needs the role"),
                By::Role(_) => (StatusCode::UNPROCESSABLE_ENTITY, "zone: "),
            };
            assert!(
                answer.status == status && answer.text.contains(text),
                "{words:?} as {role}: {answer:?}"
            );
        }
    }
    // What cannot be read is said as the command line says it.
    let nonsense = json!({ "words": ["hold", "aprove", "1"] });
    let answer = site
        .by_socket(Role::Admin, Method::POST, "/api/v1/commands", Some(nonsense))
        .await;
    assert!(
        answer.status == StatusCode::UNPROCESSABLE_ENTITY && answer.text.contains("aprove"),
        "{answer:?}"
    );
    for wrong in [
        json!({ "words": ["status"], "input": "?" }),
        json!({ "words": ["a\u{0}b"] }),
        json!({ "words": ["status"], "width": 0 }),
    ] {
        let answer = site
            .by_socket(Role::Admin, Method::POST, "/api/v1/commands", Some(wrong))
            .await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
    }
    site.running.stop().await;
}
