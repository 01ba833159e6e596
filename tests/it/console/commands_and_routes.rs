//! For each command the routes that do the same, or why none does; and no route that nothing is known of.

use std::collections::BTreeSet;

use clap::{Command, CommandFactory as _};
use revoked::cli::Cli;
use revoked::console::access::ROUTES;

/// What does over the API what a command does.
enum By {
    /// These together.
    Routes(&'static [&'static str]),
    /// Nothing, and why.
    Nothing(&'static str),
}

use By::{Nothing, Routes};

const WRITES_HERE: &str = "it writes files where it is run";
const READS_FILE: &str = "it reads a file where it is run";
const OF_THIS_HOST: &str = "it looks at the host on which it is run";

const COMMANDS: &[(&str, By)] = &[
    ("run", Nothing("it is the daemon")),
    ("reload", Routes(&["POST /api/v1/reload"])),
    ("check", Nothing(OF_THIS_HOST)),
    ("demo", Nothing("it shows everything without an installation")),
    ("sandbox", Nothing("it is a program to try things with")),
    (
        "revoke",
        Routes(&[
            "POST /api/v1/requests",
            "GET /api/v1/requests/{id}",
            "POST /api/v1/batches/rehearsal",
            "POST /api/v1/batches",
        ]),
    ),
    ("batch list", Routes(&["GET /api/v1/batches"])),
    ("batch show", Routes(&["GET /api/v1/batches/{id}"])),
    ("batch pause", Routes(&["POST /api/v1/batches/{id}/pause"])),
    ("batch resume", Routes(&["POST /api/v1/batches/{id}/resumption"])),
    ("batch cancel", Routes(&["POST /api/v1/batches/{id}/cancellation"])),
    ("batch report", Routes(&["GET /api/v1/batches/{id}/report"])),
    ("leaked", Routes(&["POST /api/v1/leaked"])),
    (
        "release",
        Routes(&["GET /api/v1/cases/{id}/release", "POST /api/v1/cases/{id}/release"]),
    ),
    ("find", Routes(&["GET /api/v1/find"])),
    ("case list", Routes(&["GET /api/v1/cases"])),
    ("case show", Routes(&["GET /api/v1/cases/{id}"])),
    ("case report", Routes(&["GET /api/v1/cases/{id}/report"])),
    ("case note", Routes(&["POST /api/v1/cases/{id}/notes"])),
    ("case assign", Routes(&["POST /api/v1/cases/{id}/assignment"])),
    ("case cancel", Routes(&["POST /api/v1/cases/{id}/cancellation"])),
    ("person report", Routes(&["GET /api/v1/people/report"])),
    ("report containment", Routes(&["GET /api/v1/reports/containment"])),
    ("handover", Routes(&["GET /api/v1/handover"])),
    ("job list", Routes(&["GET /api/v1/jobs"])),
    ("ledger", Routes(&["GET /api/v1/ledger"])),
    ("departures list", Routes(&["GET /api/v1/departures"])),
    ("departures show", Routes(&["GET /api/v1/departures/{id}"])),
    ("departures cancel", Routes(&["POST /api/v1/departures/{id}/cancellation"])),
    ("source list", Routes(&["GET /api/v1/sources"])),
    ("source test", Nothing(READS_FILE)),
    ("source rehearsed", Routes(&["GET /api/v1/sources/{name}/rehearsed"])),
    (
        "source ssf connect",
        Nothing("it sets a source up, with the secrets of the config"),
    ),
    (
        "source ssf status",
        Nothing("it asks the sender with the secrets of the config"),
    ),
    (
        "source ssf verify",
        Nothing("it asks the sender with the secrets of the config"),
    ),
    (
        "source ssf add-subject",
        Nothing("it asks the sender with the secrets of the config"),
    ),
    (
        "source ssf remove-subject",
        Nothing("it asks the sender with the secrets of the config"),
    ),
    (
        "source ssf disconnect",
        Nothing("it takes a source down, with the secrets of the config"),
    ),
    ("source hr preview", Nothing(READS_FILE)),
    ("source hr aside", Nothing(OF_THIS_HOST)),
    ("source hr map", Nothing(READS_FILE)),
    ("policy test", Routes(&["POST /api/v1/policy/explanation"])),
    ("policy replay", Nothing("it reads another config where it is run")),
    ("policy groups", Routes(&["GET /api/v1/policy/groups"])),
    ("policy accept", Routes(&["POST /api/v1/policy/groups/{name}/acceptance"])),
    ("target list", Routes(&["GET /api/v1/targets"])),
    ("target pause", Routes(&["POST /api/v1/targets/{name}/pause"])),
    ("target resume", Routes(&["POST /api/v1/targets/{name}/resumption"])),
    ("target lint", Nothing(READS_FILE)),
    ("target explain", Nothing(READS_FILE)),
    ("target try", Nothing(READS_FILE)),
    ("hold list", Routes(&["GET /api/v1/holds"])),
    ("hold show", Routes(&["GET /api/v1/holds/{id}", "GET /api/v1/holds/together"])),
    (
        "hold approve",
        Routes(&["POST /api/v1/holds/{id}/approval", "POST /api/v1/holds/decision"]),
    ),
    (
        "hold reject",
        Routes(&["POST /api/v1/holds/{id}/rejection", "POST /api/v1/holds/decision"]),
    ),
    ("subject link", Routes(&["POST /api/v1/subjects/links"])),
    ("subject unlink", Routes(&["POST /api/v1/subjects/unlinking"])),
    ("subject show", Routes(&["GET /api/v1/people"])),
    ("subject import", Nothing(READS_FILE)),
    ("subject unresolved", Routes(&["GET /api/v1/subjects/unresolved"])),
    ("subject dismiss", Routes(&["POST /api/v1/subjects/dismissal"])),
    ("alert list", Routes(&["GET /api/v1/alerts"])),
    ("alert ack", Routes(&["POST /api/v1/alerts/{id}/acknowledgement"])),
    ("alert clear", Routes(&["POST /api/v1/alerts/{id}/clearance"])),
    ("alert test", Routes(&["POST /api/v1/notifications/test"])),
    ("notify list", Routes(&["GET /api/v1/notifications"])),
    ("notify test", Routes(&["POST /api/v1/notifications/test"])),
    ("status", Routes(&["GET /api/v1/status"])),
    (
        "watch",
        Nothing("it draws at a terminal; the page is told of changes by `GET /changes`"),
    ),
    ("trail show", Routes(&["GET /api/v1/trail"])),
    (
        "trail verify",
        Nothing("whoever audits does not take the daemon's word, and the whole trail takes minutes"),
    ),
    ("trail export", Nothing(WRITES_HERE)),
    ("trail rotate-key", Nothing("it replaces a key that is a file of the host's")),
    ("token make", Routes(&["POST /api/v1/tokens"])),
    ("token list", Routes(&["GET /api/v1/tokens"])),
    ("token end", Routes(&["DELETE /api/v1/tokens/{id}"])),
    ("login", Routes(&["POST /api/v1/sign-in-links"])),
    ("backup", Nothing(WRITES_HERE)),
    ("transmitter status", Routes(&["GET /api/v1/transmitter"])),
    ("transmitter verify", Routes(&["POST /api/v1/transmitter/{name}/handshake"])),
    ("transmitter retry", Routes(&["POST /api/v1/transmitter/{name}/retry"])),
    (
        "transmitter keys",
        Nothing("the keys are public, under the issuer's own address"),
    ),
    ("erase", Routes(&["POST /api/v1/erasures"])),
    ("kinds", Nothing("it is of the program, not of the installation")),
    ("completions", Nothing("it is for a shell")),
    ("man", Nothing("it is for a shell")),
];

/// Routes that no command is like, with the reason.
const ALONE: &[(&str, &str)] = &[
    ("GET /api/v1/openapi.json", "it describes the routes"),
    (
        "POST /api/v1/commands",
        "by it the daemon runs a command for whoever may not open the database",
    ),
];

/// The commands that have routes, with these.
pub(super) fn with_routes() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    COMMANDS.iter().filter_map(|(command, by)| match by {
        Routes(routes) => Some((*command, *routes)),
        Nothing(_) => None,
    })
}

/// The commands that have none below them.
fn leaves(command: &Command, above: &str, into: &mut BTreeSet<String>) {
    let mut children = command
        .get_subcommands()
        .filter(|child| child.get_name() != "help")
        .peekable();
    if children.peek().is_none() {
        into.insert(above.trim_start().to_owned());
    }
    for child in children {
        leaves(child, &format!("{above} {}", child.get_name()), into);
    }
}

#[test]
fn each_command_has_a_route_or_a_reason_for_none_and_each_route_a_command() {
    let mut commands = BTreeSet::new();
    leaves(&Cli::command(), "", &mut commands);
    let told: BTreeSet<String> = COMMANDS.iter().map(|(command, _)| (*command).to_owned()).collect();
    assert_eq!(told.len(), COMMANDS.len(), "a command stands there twice");
    assert_eq!(told, commands);
    let api = ROUTES.iter().filter(|route| route.path.starts_with("/api/"));
    let routes: BTreeSet<String> = api.map(|route| format!("{} {}", route.method, route.path)).collect();
    let named: BTreeSet<String> = with_routes()
        .flat_map(|(_, routes)| routes)
        .chain(ALONE.iter().map(|(route, _)| route))
        .map(|route| (*route).to_owned())
        .collect();
    assert_eq!(named, routes);
}

#[test]
fn the_documents_say_which_route_does_what_a_command_does() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/console.md")).unwrap();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `revoked ")).collect();
    let mut wanted = Vec::new();
    for (command, by) in COMMANDS {
        let by = match by {
            Routes(routes) => {
                let routes: Vec<String> = routes.iter().map(|route| format!("`{route}`")).collect();
                routes.join(", ")
            }
            Nothing(why) => format!("none: {why}"),
        };
        wanted.push(format!("| `revoked {command}` | {by} |"));
    }
    assert_eq!(rows, wanted);
}
