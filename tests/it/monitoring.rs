//! What is shipped for Prometheus and Grafana: it asks for what there is, says what to do, and Prometheus itself finds no fault with it.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use revoked::telemetry::table::METRICS;
use revoked::telemetry::{Row, Shape};
use serde_json::Value;

use crate::harness::{Installation, InstallationPlan};

const RULES: &str = include_str!("../../deploy/prometheus/revoked.rules.yml");
const RULE_TESTS: &str = include_str!("../../deploy/prometheus/revoked.rules.test.yml");
const DASHBOARDS: &[(&str, &str)] = &[
    (
        "revoked-containment",
        include_str!("../../deploy/grafana/revoked-containment.json"),
    ),
    ("revoked-daemon", include_str!("../../deploy/grafana/revoked-daemon.json")),
];

/// Labels that Prometheus gives by itself.
const OF_PROMETHEUS: &[&str] = &["instance", "job", "le"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// `promtool`, as it is installed or as `tests/run` unpacks it; `None`, with a word, where it is not here.
fn promtool() -> Option<Command> {
    let unpacked = root().join("target/prometheus/usr/bin/promtool");
    let program = if unpacked.exists() {
        unpacked
    } else {
        PathBuf::from("promtool")
    };
    let there = Command::new(&program).arg("--version").output();
    if there.is_ok_and(|said| said.status.success()) {
        return Some(Command::new(program));
    }
    // Past the test harness, which shows nothing of a test that passes.
    drop(writeln!(
        std::io::stderr(),
        "SKIPPED: promtool is not here; tests/run gets it"
    ));
    None
}

fn passes(command: &mut Command) {
    let said = command.output().unwrap();
    let text = [said.stdout, said.stderr].concat();
    assert!(said.status.success(), "{command:?}: {}", String::from_utf8_lossy(&text));
}

/// The rules of one file as a program reads them: `alert`, then `key: value`.
fn alerts() -> Vec<(String, String)> {
    let parts = RULES.split("      - alert: ").skip(1);
    parts
        .map(|part| {
            let (name, rest) = part.split_once('\n').unwrap();
            (name.to_owned(), rest.to_owned())
        })
        .collect()
}

/// The value of a key in a rule, without its quotes.
fn value<'r>(rule: &'r str, key: &str) -> &'r str {
    let line = rule
        .lines()
        .find_map(|line| line.trim().strip_prefix(key)?.strip_prefix(": "));
    line.unwrap_or_else(|| panic!("{key} is missing in {rule}")).trim_matches('"')
}

/// Every panel's question, with where it stands.
fn asked_by_dashboards() -> Vec<(String, String)> {
    let mut asked = Vec::new();
    for (name, text) in DASHBOARDS {
        let board: Value = serde_json::from_str(text).unwrap();
        for panel in board["panels"].as_array().unwrap() {
            for target in panel["targets"].as_array().into_iter().flatten() {
                let place = format!("{name}: {}", panel["title"]);
                asked.push((place, target["expr"].as_str().unwrap().to_owned()));
            }
        }
    }
    asked
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    &text[..end.unwrap_or(text.len())]
}

/// The metrics that an expression asks for, each with the labels that it is chosen by and what they are to be.
fn questions(expression: &str) -> Vec<(&str, Vec<(&str, &str)>)> {
    let mut found = Vec::new();
    for (at, _) in expression.match_indices("revoked_") {
        let before = expression[..at].chars().next_back();
        if before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
            continue;
        }
        let name = word(&expression[at..]);
        let chosen = expression[at + name.len()..]
            .strip_prefix('{')
            .and_then(|rest| rest.split_once('}'));
        let chosen = chosen.map_or("", |(chosen, _)| chosen);
        let labels = chosen.split("\", ").filter(|label| !label.is_empty());
        let labels = labels.map(|label| {
            let label = label.trim_start_matches([',', ' ']);
            let key = word(label);
            (key, label[key.len()..].trim_matches(['=', '~', '!', '"']))
        });
        found.push((name, labels.collect()));
    }
    found
}

fn row(name: &str) -> Option<&'static Row> {
    METRICS.iter().find(|row| {
        let of_histogram = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        match row.shape {
            Shape::Histogram(_) => of_histogram == Some(row.name),
            _ => row.name == name,
        }
    })
}

/// What is wrong with an expression.
fn faults(expression: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut known: BTreeSet<&str> = OF_PROMETHEUS.iter().copied().collect();
    for (name, labels) in questions(expression) {
        let Some(row) = row(name) else {
            faults.push(format!("{name} is no metric, or not of that shape: {expression}"));
            continue;
        };
        known.extend(row.labels);
        for (label, _) in labels {
            if !row.labels.contains(&label) && !OF_PROMETHEUS.contains(&label) {
                faults.push(format!("{name} has no label {label}: {expression}"));
            }
        }
    }
    for group in expression.split(" by (").skip(1) {
        let (labels, _) = group.split_once(')').unwrap();
        for label in labels.split(", ").filter(|label| !known.contains(label)) {
            faults.push(format!("nothing has the label {label}: {expression}"));
        }
    }
    faults
}

#[test]
fn rules_and_dashboards_ask_for_metrics_and_labels_that_there_are() {
    let rules = alerts();
    let expressions = rules
        .iter()
        .map(|(name, rule)| (name.clone(), value(rule, "expr").to_owned()));
    let expressions: Vec<(String, String)> = expressions.chain(asked_by_dashboards()).collect();
    assert!(expressions.len() > 50, "{}", expressions.len());
    let wrong: Vec<String> = expressions
        .iter()
        .flat_map(|(place, expression)| faults(expression).into_iter().map(move |fault| format!("{place}: {fault}")))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    // The check itself finds what is wrong.
    assert_eq!(faults("sum by (kinds) (revoked_alert_open)").len(), 2);
    assert_eq!(faults("revoked_contained_seconds > 1").len(), 1);
    assert_eq!(faults("revoked_alerts_open{kinds=\"hold\"} > 1").len(), 1);
}

#[test]
fn every_metric_is_on_a_dashboard() {
    let all: Vec<(String, String)> = asked_by_dashboards();
    let asked: BTreeSet<&str> = all
        .iter()
        .flat_map(|(_, expression)| questions(expression))
        .filter_map(|(name, _)| Some(row(name)?.name))
        .collect();
    let missing: Vec<&str> = METRICS
        .iter()
        .map(|row| row.name)
        .filter(|name| !asked.contains(name))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_alert_is_about_a_kind_that_there_is_and_says_what_to_do() {
    let operating = include_str!("../../docs/operating.md");
    for (name, rule) in alerts() {
        let kinds = questions(value(&rule, "expr")).into_iter().flat_map(|(_, labels)| labels);
        let kinds: Vec<&str> = kinds
            .filter(|(label, _)| *label == "kind")
            .flat_map(|(_, kinds)| kinds.split('|'))
            .collect();
        for kind in kinds {
            assert!(operating.contains(&format!("\n| `{kind}` |")), "{name}: {kind}");
        }
        for key in ["summary", "description", "severity"] {
            let severity = rule.contains("severity: page}") || rule.contains("severity: ticket}");
            assert!(
                if key == "severity" {
                    severity
                } else {
                    value(&rule, key).len() > 10
                },
                "{name}: {key}"
            );
        }
        let (page, heading) = value(&rule, "runbook").split_once('#').unwrap();
        let text = std::fs::read_to_string(root().join(page)).unwrap();
        let headings = text.lines().filter(|line| line.starts_with('#'));
        let mut anchors = headings.map(|line| line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-"));
        assert!(
            anchors.any(|anchor| anchor == heading),
            "{name}: {page} has no heading {heading}"
        );
    }
    for label in RULES.split("$labels.").skip(1).map(word) {
        assert!(METRICS.iter().any(|row| row.labels.contains(&label)), "{label} is no label");
    }
}

#[test]
fn every_alert_is_tested_to_fire() {
    let tested: BTreeSet<&str> = RULE_TESTS
        .lines()
        .filter_map(|line| line.strip_prefix("      - alertname: "))
        .collect();
    let alerts = alerts();
    let names: BTreeSet<&str> = alerts.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(tested, names);
}

#[test]
fn prometheus_finds_no_fault_with_the_rules_and_each_alert_fires_on_what_it_is_for() {
    let Some(mut check) = promtool() else { return };
    passes(
        check
            .args(["check", "rules"])
            .arg(root().join("deploy/prometheus/revoked.rules.yml")),
    );
    let Some(mut test) = promtool() else { return };
    passes(
        test.args(["test", "rules", "revoked.rules.test.yml"])
            .current_dir(root().join("deploy/prometheus")),
    );
}

#[test]
fn prometheus_understands_what_each_panel_asks() {
    let Some(mut check) = promtool() else { return };
    let asked = asked_by_dashboards();
    let mut rules = "groups:\n  - name: dashboards\n    rules:\n".to_owned();
    for (n, (_, expression)) in asked.iter().enumerate() {
        let expression = expression.replace("$__rate_interval", "5m");
        // JSON is YAML.
        let expression = serde_json::to_string(&expression).unwrap();
        rules.extend([format!("      - record: panel:{n}\n        expr: {expression}\n")]);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dashboards.yml");
    std::fs::write(&path, rules).unwrap();
    passes(check.args(["check", "rules"]).arg(&path));
}

#[test]
fn a_dashboard_can_be_imported_as_it_is() {
    for (name, text) in DASHBOARDS {
        let board: Value = serde_json::from_str(text).unwrap();
        assert_eq!(board["uid"], *name);
        assert!(board["title"].is_string() && board["schemaVersion"].as_u64() > Some(30) && board["id"].is_null());
        let variables = board["templating"]["list"].as_array().unwrap();
        let datasource = variables.iter().find(|variable| variable["type"] == "datasource").unwrap();
        assert_eq!(
            (&datasource["name"], &datasource["query"]),
            (&"datasource".into(), &"prometheus".into())
        );
        let panels = board["panels"].as_array().unwrap();
        let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
        assert_eq!(ids.len(), panels.len(), "{name}: panels share an id");
        let mut taken = BTreeSet::new();
        for panel in panels {
            let place = |key: &str| panel["gridPos"][key].as_u64().unwrap();
            let (x, y, w, h) = (place("x"), place("y"), place("w"), place("h"));
            assert!(w > 0 && h > 0 && x + w <= 24, "{name}: {}", panel["title"]);
            for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
                assert!(taken.insert(cell), "{name}: {} lies over another", panel["title"]);
            }
            if panel["type"] == "row" {
                continue;
            }
            assert!(
                panel["description"].as_str().is_some_and(|text| text.len() > 10),
                "{}",
                panel["title"]
            );
            assert_eq!(panel["datasource"]["uid"], "${datasource}");
            let letters: BTreeSet<&str> = panel["targets"]
                .as_array()
                .unwrap()
                .iter()
                .map(|target| target["refId"].as_str().unwrap())
                .collect();
            assert_eq!(letters.len(), panel["targets"].as_array().unwrap().len());
        }
        // What one board leads to is the other.
        for link in board["links"].as_array().unwrap() {
            let to = link["url"].as_str().unwrap().strip_prefix("/d/").unwrap();
            assert!(DASHBOARDS.iter().any(|(uid, _)| *uid == to), "{to}");
        }
    }
}

#[tokio::test]
async fn prometheus_finds_no_fault_with_what_the_daemon_exposes() {
    let Some(mut check) = promtool() else { return };
    let site = Installation::new(InstallationPlan::default()).await;
    let running = site.start().await;
    site.revoke("username:user01", "compromised", &[]).await;
    let metrics = running.metrics().await;
    assert!(metrics.contains("revoked_contained_seconds_bucket"), "{metrics}");
    let check = check.args(["check", "metrics"]).stdin(Stdio::piped());
    let mut child = check.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
    let said = child.wait_with_output().unwrap();
    let text = [said.stdout, said.stderr].concat();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&text));
    running.stop().await;
}
