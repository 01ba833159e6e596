//! Every table of the docs against the code that it describes.

use std::collections::BTreeSet;

use revoked::cli::Exit;
use revoked::clock::Clock;
use revoked::config::Config;
use revoked::model::{ALERT_KINDS, GrantKind, Reason, Urgency, Verdict};
use revoked::store::What;
use revoked::telemetry::table::METRICS;
use revoked::{policy, sources, targets};
use revoked_trail::EntryKind;

use super::{page, quoted, rows_under};
use crate::tree::repository;

/// The names in the first column.
fn first_column(text: &str, heading: &str) -> BTreeSet<String> {
    let rows = rows_under(text, heading);
    let names = rows.iter().flat_map(|row| quoted(&row[0]));
    names.map(str::to_owned).collect()
}

fn set<'n>(names: impl IntoIterator<Item = &'n str>) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

#[test]
fn every_kind_has_a_page() {
    for kind in sources::KINDS {
        let text = page(&format!("docs/sources/{}.md", kind.name));
        assert!(text.starts_with(&format!("# Source `{}`", kind.name)));
    }
    for kind in targets::KINDS {
        let text = page(&format!("docs/targets/{}.md", kind.name));
        assert!(text.starts_with(&format!("# Target `{}`", kind.name)));
    }
}

#[test]
fn every_exit_code_is_listed() {
    let rows = rows_under(&page("docs/operating.md"), "Exit codes");
    let table: Vec<Vec<String>> = Exit::TABLE
        .iter()
        .map(|(_, code, meaning)| vec![code.to_string(), (*meaning).to_owned()])
        .collect();
    assert_eq!(rows, table);
}

#[test]
fn every_metric_is_listed_with_its_labels() {
    let rows = rows_under(&page("docs/operating.md"), "Metrics");
    let table: Vec<Vec<String>> = METRICS
        .iter()
        .map(|row| {
            let labels: Vec<String> = row.labels.iter().map(|label| format!("`{label}`")).collect();
            vec![format!("`{}`", row.name), labels.join(", "), row.help.to_owned()]
        })
        .collect();
    assert_eq!(rows, table);
}

#[test]
fn every_figure_of_the_benchmark_has_its_row_and_no_other() {
    let names = page_of_code("benches/figures.rs");
    let figures = names
        .lines()
        .filter_map(|line| line.strip_prefix("pub(crate) const "))
        .map(|line| literals(line).next().unwrap_or_else(|| panic!("one line, one name: {line}")));
    let rows = rows_under(&page("docs/speed.md"), "Speed");
    assert_eq!(
        rows.into_iter().map(|mut row| row.remove(0)).collect::<BTreeSet<String>>(),
        set(figures)
    );
    for file in repository()
        .iter()
        .filter(|file| file.path.starts_with("benches/") && file.is_rust())
    {
        let nameless = file.text.lines().find(|line| line.trim_start().starts_with("what: \""));
        assert_eq!(
            nameless, None,
            "{}: the names of figures stand in benches/figures.rs",
            file.path
        );
    }
}

/// The text of one file of code.
fn page_of_code(path: &str) -> String {
    let file = repository().into_iter().find(|file| file.path == path);
    file.unwrap_or_else(|| panic!("{path} is missing")).text
}

#[test]
fn no_metric_is_written_past_the_table() {
    for file in repository()
        .iter()
        .filter(|file| file.path.starts_with("src/") && file.is_rust())
    {
        let names = literals(&file.text).filter(|text| {
            text.starts_with("revoked_")
                && text.matches('_').count() > 1
                && text.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        });
        for name in names {
            assert!(
                METRICS.iter().any(|row| row.name == name),
                "{}: {name} is in no table",
                file.path
            );
        }
    }
}

#[test]
fn every_kind_of_entry_is_listed() {
    let rows = rows_under(&page("docs/audit.md"), "Kinds of entries");
    let table: Vec<Vec<String>> = EntryKind::ALL
        .iter()
        .map(|kind| vec![format!("`{}`", kind.name()), kind.description().to_owned()])
        .collect();
    assert_eq!(rows, table);
}

#[test]
fn every_kind_of_alert_is_listed_and_no_other() {
    let mut raised = BTreeSet::new();
    for file in repository().iter().filter(|file| file.path.starts_with("src/")) {
        let calls = ["raise_alert(", "raise_alert_discreetly(", "raise_alert_once("].map(|call| file.text.split(call).skip(1));
        for call in calls.into_iter().flatten() {
            // The kind is the first argument, on the same line or the next.
            let argument = call.trim_start();
            if let Some(kind) = argument.strip_prefix('"').and_then(|rest| rest.split('"').next()) {
                raised.insert(kind.to_owned());
            }
        }
    }
    raised.extend(revoked::store::SOURCE_TROUBLE.iter().map(|kind| (*kind).to_owned()));
    raised.extend(revoked::model::AlarmKind::ALL.iter().map(|kind| kind.word().to_owned()));
    assert_eq!(first_column(&page("docs/operating.md"), "Alerts"), raised);
    // A channel may be told of each, and it is known how urgent it is.
    assert_eq!(set(ALERT_KINDS.iter().map(|(kind, ..)| *kind)), raised);
    let urgent = ALERT_KINDS.iter().filter(|(_, urgency, _)| *urgency == Urgency::Urgent);
    let rows = rows_under(&page("docs/notifications.md"), "What is told");
    let listed = rows.iter().flat_map(|row| quoted(&row[0])).map(str::to_owned);
    let told = set(What::ALL.map(What::word).into_iter().filter(|word| *word != "trial"));
    let expected: BTreeSet<String> = set(urgent.map(|(kind, ..)| *kind)).union(&told).cloned().collect();
    assert_eq!(listed.collect::<BTreeSet<_>>(), expected);
}

#[test]
fn every_verdict_is_in_the_readme() {
    let listed = first_column(&page("README.md"), "What came of it");
    assert_eq!(listed, set(Verdict::WORDS));
}

#[test]
fn every_kind_of_grant_is_on_the_targets_page() {
    let listed = first_column(&page("docs/targets/mattermost.md"), "What it ends");
    for kind in revoked::targets::mattermost::GRANTS {
        assert!(listed.contains(kind.word()), "{kind} is not listed");
    }
    let text = page("docs/targets/README.md");
    let all = GrantKind::ALL.map(|kind| {
        let (group, _) = GrantKind::GROUPS
            .into_iter()
            .find(|(_, kinds)| kinds.contains(&kind))
            .unwrap();
        (format!("`{}`", kind.word()), format!("`{group}`"))
    });
    let rows = rows_under(&text, "The kinds of grant").into_iter();
    let written: BTreeSet<_> = rows.map(|row| (row[0].clone(), row[1].clone())).collect();
    assert_eq!(written, all.into());
}

#[test]
fn every_reason_is_on_the_inbox_page() {
    let text = page("docs/sources/inbox.md");
    let row = rows_under(&text, "The contract")
        .into_iter()
        .find(|row| row[0] == "`reason`")
        .unwrap();
    assert_eq!(quoted(&row[2]), Reason::ALL.map(Reason::word));
}

#[test]
fn every_permission_that_check_asks_for_is_listed() {
    let listed = first_column(&page("docs/targets/mattermost.md"), "Permissions");
    let checks = repository()
        .into_iter()
        .find(|file| file.path == "src/targets/mattermost/config_checks.rs")
        .unwrap();
    let (_, table) = checks.text.split_once("const PERMISSIONS").unwrap();
    let (table, _) = table.split_once("];").unwrap();
    let asked: Vec<&str> = literals(table).filter(|text| !text.contains(' ')).collect();
    assert!(asked.len() > 10);
    for permission in asked {
        assert!(listed.contains(permission), "{permission} is not listed");
    }
}

#[test]
fn every_key_of_each_kind_is_listed_and_no_other() {
    for (code, name, doc, heading) in [
        // The keys of its tokens stand on the page of the other kind that has them.
        ("src/sources/ssf/settings.rs", "struct Written", "docs/sources/ssf.md", "Keys"),
        (
            "src/sources/back_channel_logout/settings.rs",
            "struct Written",
            "docs/sources/back-channel-logout.md",
            "Connect a provider",
        ),
        (
            "src/sources/global_token_revocation/settings.rs",
            "struct Written",
            "docs/sources/global-token-revocation.md",
            "Connect a sender",
        ),
        (
            "src/sources/hr_csv/settings/mod.rs",
            "struct Written",
            "docs/sources/hr-csv.md",
            "Keys",
        ),
        (
            "src/sources/scim/settings.rs",
            "struct Written",
            "docs/sources/scim.md",
            "Connect a provider",
        ),
        (
            "src/config/transmitter.rs",
            "struct Table",
            "docs/transmitter.md",
            "Set it up",
        ),
        (
            "src/config/transmitter.rs",
            "struct Written",
            "docs/transmitter.md",
            "Receivers",
        ),
        (
            "src/targets/mattermost/settings.rs",
            "struct Keys",
            "docs/targets/mattermost.md",
            "Target",
        ),
    ] {
        let file = repository().into_iter().find(|file| file.path == code).unwrap();
        let mut fields = fields(&file.text, name);
        if fields.remove("subjects") {
            fields.extend(set(["subjects.iss_sub", "subjects.opaque"]));
        }
        if fields.remove("oauth") {
            let oauth = self::fields(&file.text, "struct OAuth");
            fields.extend(oauth.iter().map(|key| format!("oauth.{key}")));
        }
        let mut listed: BTreeSet<String> = rows_under(&page(doc), heading)
            .iter()
            .flat_map(|row| quoted(&row[0]))
            .map(str::to_owned)
            .collect();
        // These are every target's, and read elsewhere.
        for shared in ["rate", "burst", "concurrency"] {
            listed.remove(shared);
        }
        assert_eq!(listed, fields, "{doc} against {code}");
    }
}

#[test]
fn every_key_of_a_channel_is_listed_and_no_other() {
    let mut keys = fields(&page_of_code("src/config/notify.rs"), "struct Keys");
    keys.extend(fields(&page_of_code("src/config/notify_carriers.rs"), "struct Written"));
    assert_eq!(first_column(&page("docs/notifications.md"), "Channels"), keys);
}

#[test]
fn every_preset_of_hr_exports_is_listed_and_no_other() {
    let rows = rows_under(&page("docs/sources/hr-csv.md"), "Exports of HR systems");
    let listed: BTreeSet<String> = rows.iter().flat_map(|row| quoted(&row[0])).map(str::to_owned).collect();
    assert!(
        rows.iter().all(|row| row.len() == 3 && !row[2].is_empty()),
        "each says from where it is known"
    );
    let presets = set(sources::hr_csv::PRESETS.iter().map(|preset| preset.name));
    assert_eq!(listed, presets);
}

#[test]
fn every_key_of_a_pushed_stream_is_listed_and_no_other() {
    let of = |code: &str, name: &str| {
        let file = repository().into_iter().find(|file| file.path == code).unwrap();
        fields(&file.text, name)
    };
    let mut keys = of("src/sources/ssf/tokens/token_settings.rs", "struct Tokens");
    assert!(keys.remove("subjects"));
    keys.extend(set(["subjects.iss_sub", "subjects.opaque"]));
    keys.extend(of("src/sources/ssf/ssf_push.rs", "struct Written"));
    let rows = rows_under(&page("docs/sources/ssf-push.md"), "Connect a sender");
    let listed: BTreeSet<String> = rows.iter().flat_map(|row| quoted(&row[0])).map(str::to_owned).collect();
    assert_eq!(listed, keys);
}

#[test]
fn every_dependency_has_its_reason() {
    let files = repository();
    // What is measured beside ours is no part of it: its packages are outside the workspace and never shipped.
    let ours = |path: &str| path.ends_with("Cargo.toml") && !path.starts_with("benches/peers/");
    let manifests = files.iter().filter(|file| ours(&file.path));
    let manifests: Vec<toml::Table> = manifests.map(|file| file.text.parse().unwrap()).collect();
    let packages: BTreeSet<&str> = manifests
        .iter()
        .map(|manifest| manifest["package"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(packages, BTreeSet::from(["revoked", "revoked-sandbox", "revoked-trail"]));
    let sections = manifests
        .iter()
        .flat_map(|manifest| ["dependencies", "dev-dependencies"].map(|section| manifest.get(section)))
        .flatten();
    let crates: BTreeSet<String> = sections
        .flat_map(|section| section.as_table().unwrap().keys())
        .filter(|name| !packages.contains(name.as_str()))
        .cloned()
        .collect();
    let listed = first_column(&page("docs/adr/0007-dependencies.md"), "Decision");
    assert_eq!(listed, crates);
}

#[test]
fn the_numbers_in_the_docs_are_the_defaults() {
    let minutes = |seconds: u64| match seconds {
        60 => "1 minute".to_owned(),
        3600 => "an hour".to_owned(),
        86_400 => "a day".to_owned(),
        other => format!("{} minutes", other / 60),
    };
    let watch: Vec<String> = policy::built_in("compromised").watch.into_iter().map(minutes).collect();
    let limits = policy::Limits::default();
    let rules = sources::hr_csv::Rules::new("hr", "drop");
    let config = Config::parse("empty", "", &Clock::system()).unwrap();
    let days = |length: std::time::Duration| length.as_secs() / 86_400;
    for (doc, claim) in [
        (
            "docs/operating.md",
            format!("by default after {}, {}, {} and {}", watch[0], watch[1], watch[2], watch[3]),
        ),
        (
            "docs/sources/hr-csv.md",
            format!("`departures_per_delivery` ({})", limits.departures_per_delivery.unwrap()),
        ),
        (
            "docs/sources/hr-csv.md",
            format!("`departures_per_hour` ({})", limits.departures_per_hour.unwrap()),
        ),
        (
            "docs/sources/hr-csv.md",
            format!(
                "At most {} MiB, {},000 rows",
                sources::hr_csv::LARGEST_FILE >> 20,
                sources::hr_csv::MOST_ROWS / 1000
            ),
        ),
        (
            "docs/sources/hr-csv.md",
            format!("| `interval` | `{}s` |", rules.interval.as_secs()),
        ),
        (
            "docs/sources/hr-csv.md",
            format!("| `settle` | `{}s` |", rules.settle.as_secs()),
        ),
        (
            "docs/sources/ssf-push.md",
            format!("more than {} KiB", sources::ssf::BODY_CAP >> 10),
        ),
        (
            "docs/operating.md",
            format!("A job has {} attempts of its own", config.retry.attempts),
        ),
        (
            "docs/operating.md",
            format!(
                "up to {} minutes; up to {} s",
                config.retry.longest.as_secs() / 60,
                config.retry.urgent_longest.as_secs()
            ),
        ),
        ("docs/operating.md", format!("http://{}/metrics", config.listen.address)),
        (
            "docs/security.md",
            format!("{} days after the person", days(config.retention.people)),
        ),
        (
            "docs/security.md",
            format!("{} days after the case", days(config.retention.cases)),
        ),
    ] {
        assert!(page(doc).contains(&claim), "{doc} does not say {claim:?}");
    }
}

#[test]
fn the_limits_of_the_http_server_are_the_defaults() {
    let limits = revoked::api::Limits::default();
    let text = page("docs/security.md");
    for claim in [
        format!(
            "{} s, {} KiB, {} fields",
            limits.header.as_secs(),
            limits.header_bytes >> 10,
            limits.header_fields
        ),
        format!(
            "| connections (`connections`) | {} | one that waits for its client makes room for each that comes; their headers take {} MiB",
            limits.connections,
            (limits.connections * limits.header_bytes) >> 20
        ),
        format!(
            "| connections of one client (`per_peer`) | {} |",
            limits.connections_per_address
        ),
        format!("| bodies in memory | {} MiB |", limits.body_bytes >> 20),
        format!("| deliveries at work at one endpoint | {} |", limits.deliveries),
        format!(
            "{}, one earned back every {} s",
            limits.failures,
            limits.failure_recovery.as_secs()
        ),
    ] {
        assert!(text.contains(&claim), "docs/security.md does not say {claim:?}");
    }
    let config = Config::parse("empty", "", &Clock::system()).unwrap();
    let listen = &config.listen;
    assert_eq!(
        (listen.connections, listen.per_peer),
        (limits.connections, limits.connections_per_address)
    );
    assert_eq!((listen.header, listen.body), (limits.header, limits.body));
}

#[test]
fn the_numbers_of_logout_tokens_are_those_of_the_code() {
    use revoked::jose::CLOCK_SKEW;
    use revoked::sources::back_channel_logout::{BODY_CAP, LONGEST_LIFE, UNTOLD_LIFE};
    let text = page("docs/sources/back-channel-logout.md");
    let (hours, minutes) = (LONGEST_LIFE.as_secs() / 3600, CLOCK_SKEW.as_secs() / 60);
    assert_eq!(UNTOLD_LIFE.as_secs(), 120, "the page says two minutes");
    for claim in [
        format!("more than {} KiB", BODY_CAP >> 10),
        format!("within {hours} hours of `iat`. Clocks may be {minutes} minutes apart"),
    ] {
        assert!(text.contains(&claim), "the page does not say {claim:?}");
    }
}

#[test]
fn the_bounds_of_a_universal_logout_call_are_on_its_page() {
    use revoked::jose::CLOCK_SKEW;
    use sources::global_token_revocation::{BODY_CAP, LONGEST_LIFETIME};

    let text = page("docs/sources/global-token-revocation.md");
    let (minutes, skew) = (LONGEST_LIFETIME.as_secs() / 60, CLOCK_SKEW.as_secs() / 60);
    for claim in [
        format!("more than {} KiB", BODY_CAP >> 10),
        format!("by {minutes} minutes at most, all with {skew} minutes"),
    ] {
        assert!(text.contains(&claim), "{claim:?}");
    }
}

#[test]
fn the_bounds_of_the_scim_server_are_on_its_page() {
    use sources::scim::{BODY_CAP, LARGEST, MOST_OPERATIONS, MOST_RESULTS};

    let text = page("docs/sources/scim.md");
    for claim in [
        format!("more than {} MiB", BODY_CAP >> 20),
        format!("a user may weigh {} KiB", LARGEST >> 10),
        format!("1 to {MOST_OPERATIONS} operations"),
        format!("at most {MOST_RESULTS} users in one answer"),
    ] {
        assert!(text.contains(&claim), "{claim:?}");
    }
}

/// The texts between double quotes of a Rust source, as far as they stand on one line.
fn literals(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.split('"').skip(1).step_by(2))
}

/// The names of a struct's fields.
fn fields(text: &str, name: &str) -> BTreeSet<String> {
    let (_, body) = text.split_once(&format!("{name} {{")).unwrap();
    let (body, _) = body.split_once("\n}").unwrap();
    let fields = body.lines().filter(|line| !line.trim_start().starts_with(['#', '/']));
    fields
        .filter_map(|line| line.split_once(':'))
        .map(|(name, _)| name.trim().trim_start_matches("pub(super) ").to_owned())
        .collect()
}
