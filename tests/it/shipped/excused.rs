//! Which case cannot be tried on which description, and why.

use std::collections::BTreeSet;

/// A case, the descriptions, and why it cannot be tried there.
const EXCUSED: &[(&str, &[&str], &str)] = &[
    (
        "pages",
        &[
            "directus",
            "google-workspace",
            "grafana",
            "jupyterhub",
            "keycloak",
            "rabbitmq",
            "synapse",
            "zabbix",
        ],
        "what it lists of a person, and where it looks for one, has one page in any case",
    ),
    (
        "empty pages",
        &[
            "directus",
            "google-workspace",
            "grafana",
            "jupyterhub",
            "keycloak",
            "rabbitmq",
            "synapse",
            "zabbix",
        ],
        "what it lists of a person, and where it looks for one, has one page in any case",
    ),
    (
        "empty pages",
        &["privacyidea", "scim"],
        "its pages are counted, and an empty one is the last: nothing says that there is another",
    ),
    (
        "a total that is not reached",
        &[
            "atlassian",
            "directus",
            "entra",
            "github-org",
            "gitlab",
            "google-workspace",
            "grafana",
            "jupyterhub",
            "keycloak",
            "keystone",
            "okta",
            "rabbitmq",
            "slack",
            "synapse",
            "zabbix",
        ],
        "its lists do not say how many items there are in all",
    ),
    (
        "a next page elsewhere",
        &["auth0", "privacyidea", "scim", "slack"],
        "the next page is asked for by a number or a cursor, and no URL of the server's is followed",
    ),
    (
        "a next page elsewhere",
        &[
            "directus",
            "google-workspace",
            "grafana",
            "jupyterhub",
            "keycloak",
            "rabbitmq",
            "synapse",
            "zabbix",
        ],
        "what it lists of a person, and where it looks for one, has one page in any case",
    ),
    (
        "fuzzy search",
        &[
            "github-org",
            "google-workspace",
            "grafana",
            "jupyterhub",
            "rabbitmq",
            "slack",
            "synapse",
        ],
        "the account is read by its whole name, without a search; what is read must bear the name",
    ),
    (
        "two of a name",
        &[
            "github-org",
            "google-workspace",
            "grafana",
            "jupyterhub",
            "rabbitmq",
            "slack",
            "synapse",
        ],
        "the account is read by its whole name, without a search, and is one",
    ),
    (
        "two of a name",
        &["privacyidea"],
        "the name is what an account is known by, so two cannot have the same",
    ),
    (
        "lists that lag",
        &["scim"],
        "SCIM lists nothing of what a person holds, so there is no list that could lag",
    ),
    (
        "an unblock that revives",
        &["github-org", "jupyterhub", "privacyidea"],
        "an account cannot be suspended there, so nobody can lift it",
    ),
];

/// Says that these descriptions, and no others, are let off a case.
pub(super) fn only_those_are_excused(case: &str, skipped: &[String]) {
    let rows = EXCUSED.iter().filter(|row| row.0 == case);
    let excused: BTreeSet<&str> = rows.flat_map(|row| row.1.iter().copied()).collect();
    let skipped: BTreeSet<&str> = skipped.iter().map(String::as_str).collect();
    assert_eq!(
        skipped, excused,
        "{case}: on the left those that were not tried, on the right those that are excused"
    );
}
