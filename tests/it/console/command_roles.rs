//! Which role each command needs by the socket of one: by the table, by the API's routes for the same act, and by the daemon that runs.

use http::{Method, StatusCode};
use revoked::cli::{By, COMMANDS};
use revoked::console::access::{Least, ROUTES};
use revoked::model::Role;
use serde_json::json;

use super::Site;

/// Acts that have a route too.
const SAME: &[(&str, &str, &str)] = &[
    ("status", "GET", "/api/v1/status"),
    ("case list", "GET", "/api/v1/cases"),
    ("case show", "GET", "/api/v1/cases/{id}"),
    ("case note", "POST", "/api/v1/cases/{id}/notes"),
    ("case cancel", "POST", "/api/v1/cases/{id}/cancellation"),
    ("release", "GET", "/api/v1/cases/{id}/release"),
    ("revoke", "POST", "/api/v1/requests"),
    ("revoke", "POST", "/api/v1/batches"),
    ("leaked", "POST", "/api/v1/leaked"),
    ("find", "GET", "/api/v1/find"),
    ("person report", "GET", "/api/v1/people"),
    ("departures list", "GET", "/api/v1/departures"),
    ("departures show", "GET", "/api/v1/departures/{id}"),
    ("departures cancel", "POST", "/api/v1/departures/{id}/cancellation"),
    ("target list", "GET", "/api/v1/targets"),
    ("target pause", "POST", "/api/v1/targets/{name}/pause"),
    ("target resume", "POST", "/api/v1/targets/{name}/resumption"),
    ("source list", "GET", "/api/v1/sources"),
    ("hold list", "GET", "/api/v1/holds"),
    ("hold show", "GET", "/api/v1/holds/{id}"),
    ("hold approve", "POST", "/api/v1/holds/{id}/approval"),
    ("hold approve", "POST", "/api/v1/holds/decision"),
    ("hold reject", "POST", "/api/v1/holds/{id}/rejection"),
    ("alert list", "GET", "/api/v1/alerts"),
    ("alert ack", "POST", "/api/v1/alerts/{id}/acknowledgement"),
    ("alert clear", "POST", "/api/v1/alerts/{id}/clearance"),
    ("report containment", "GET", "/api/v1/reports/containment"),
    ("trail show", "GET", "/api/v1/trail"),
    ("token list", "GET", "/api/v1/tokens"),
    ("token make", "POST", "/api/v1/tokens"),
    ("token end", "DELETE", "/api/v1/tokens/{id}"),
];

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
fn a_command_needs_the_role_that_the_route_of_the_same_act_needs() {
    for (command, method, path) in SAME {
        let row = COMMANDS.iter().find(|row| row.command == *command).unwrap();
        let route = ROUTES
            .iter()
            .find(|route| (route.method, route.path) == (*method, *path))
            .unwrap();
        let (By::Role(command_needs), Least::Role(route_needs)) = (row.by, route.least) else {
            panic!("{command} or {path} has no role");
        };
        assert_eq!(command_needs, route_needs, "{command} and {method} {path}");
    }
    let set = COMMANDS.iter().find(|row| row.command == "release").unwrap().more;
    assert_eq!(set, [("set", Role::Approver)], "as POST /api/v1/cases/{{id}}/release");
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
