//! `revoked-verify` as an auditor runs it: on an export as it was written, and on what somebody has made of one.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use revoked_trail::tree_proof::inclusions;
use revoked_trail::{
    Actor, CitedCheckpoint, CitedEntries, CitedEntry, Entry, EntryKind, Frontier, Signer, Timestamp, checkpoint, leaf_hash,
};

const ORIGIN: &str = "revoked.example.org/trail/1";

/// A folder with an export of 30 entries, its key, and a checkpoint file that signs the first 10, 20 and 30.
struct Exported {
    folder: tempfile::TempDir,
    lines: Vec<String>,
}

impl Exported {
    fn new() -> Self {
        let signer = signer(1);
        let (mut tree, mut lines, mut anchor) = (Frontier::default(), Vec::new(), String::new());
        for seq in 0..30 {
            let at = Timestamp::from_ms(1_764_000_000_000 + i64::try_from(seq).unwrap());
            let entry = Entry::new(EntryKind::ActionFinished, Actor::Daemon).case(1);
            let line = entry.line(seq, at);
            tree.append(leaf_hash(line.as_bytes()));
            lines.push(line);
            if tree.size().is_multiple_of(10) {
                anchor.push_str(&checkpoint::sign(&tree, &signer).unwrap());
                anchor.push('\n');
            }
        }
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("trail.vkey"), format!("{}\n", signer.verifier())).unwrap();
        fs::write(folder.path().join("checkpoints"), anchor).unwrap();
        Self { folder, lines }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the program on these lines, with these keys.
    fn verify(&self, lines: &[String], key: &str) -> Output {
        let export = self.path("trail.jsonl");
        fs::write(&export, lines.iter().flat_map(|line| [line, "\n"]).collect::<String>()).unwrap();
        program()
            .args(["--key", key, "--anchor"])
            .args([self.path("checkpoints"), export])
            .output()
            .unwrap()
    }

    fn key(&self) -> String {
        self.path("trail.vkey").display().to_string()
    }
}

impl Exported {
    /// Writes a report that cites these entries, by the checkpoint of all 30. Gives what it is.
    fn report(&self, cited: &[u64]) -> serde_json::Value {
        let line = |index: u64| &self.lines[usize::try_from(index).unwrap()];
        let (mut tree, nodes) = (
            Frontier::default(),
            (|index| Some(leaf_hash(line(index).as_bytes())), |_| None),
        );
        self.lines.iter().for_each(|line| {
            tree.append(leaf_hash(line.as_bytes()));
        });
        let paths = inclusions(&nodes, cited, 30).unwrap();
        let entries = cited
            .iter()
            .zip(paths)
            .map(|(index, path)| CitedEntry::new(*index, line(*index).clone(), Some(path)));
        let carried = CitedEntries {
            checkpoint: Some(CitedCheckpoint {
                origin: ORIGIN.to_owned(),
                size: 30,
                root: tree.root().to_string(),
                note: checkpoint::sign(&tree, &signer(1)).unwrap(),
                anchors: Vec::new(),
            }),
            key_changes: Vec::new(),
            entries: entries.collect(),
        };
        let report = serde_json::json!({
            "report": "case",
            "title": "Case 1",
            "summary": [{ "text": "It was contained.", "entries": cited }],
            "inclusion": carried,
        });
        self.write(&report);
        report
    }

    fn write(&self, report: &serde_json::Value) {
        fs::write(self.path("case-17.json"), report.to_string()).unwrap();
    }

    /// Runs the command of the README on the report that was written.
    fn verify_report(&self) -> Output {
        let readme = include_str!("../README.md");
        let line = readme
            .lines()
            .find_map(|line| line.strip_prefix("revoked-verify report "))
            .unwrap();
        let mut command = program();
        command.current_dir(self.folder.path()).arg("report").args(line.split(' '));
        command.output().unwrap()
    }
}

fn signer(seed: u8) -> Signer {
    Signer::from_seed(ORIGIN, &[seed; 32]).unwrap()
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_revoked-verify"));
    command.stdin(Stdio::null());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn an_export_as_it_was_written_is_verified_from_a_file_and_from_a_pipe() {
    let exported = Exported::new();
    let output = exported.verify(&exported.lines, &exported.key());
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    for line in [
        "trail revoked.example.org/trail/1: 30 entries, root ",
        "\nVERIFIED: 30 entries; the outside confirms 30, 0 rest on this machine's word\n",
    ] {
        assert!(said.contains(line), "{line} in {said}");
    }
    let piped = program()
        .args(["--json", "--key", &signer(1).verifier().to_string(), "--anchor"])
        .arg(exported.path("checkpoints"))
        .stdin(fs::File::open(exported.path("trail.jsonl")).unwrap())
        .output()
        .unwrap();
    assert_eq!(piped.status.code(), Some(0));
    let summary: serde_json::Value = serde_json::from_slice(&piped.stdout).unwrap();
    assert_eq!(
        summary,
        serde_json::json!({"verified": true, "entries": 30, "confirmed": 30, "first_bad": null, "findings": [], "remarks": []})
    );
}

#[test]
fn what_was_changed_is_refused_with_the_place() {
    let exported = Exported::new();
    let changed = |change: fn(&mut Vec<String>)| {
        let mut lines = exported.lines.clone();
        change(&mut lines);
        let output = exported.verify(&lines, &exported.key());
        assert_eq!(output.status.code(), Some(5));
        text(&output.stdout)
    };
    for (change, place) in [
        (
            (|lines| lines[14] = lines[14].replace("daemon", "source:idp")) as fn(&mut Vec<String>),
            "entries 10 to 19 were changed since",
        ),
        (|lines| drop(lines.remove(14)), "entry 14: missing; the next one is 15"),
        (|lines| lines.swap(14, 15), "entry 14: stands behind entry 15"),
        (
            |lines| lines.insert(15, lines[14].clone()),
            "entry 14: there is more than one of that number",
        ),
        (|lines| lines.truncate(25), "trail shorter than its anchor: 25 entries, but"),
        (|lines| drop(lines.drain(..10)), "entry 0: missing; the next one is 10"),
        (|lines| lines[29].truncate(20), "entry 29: not one line of JSON"),
        (|lines| lines[14].push('\r'), "entry 14: not one line of JSON"),
        (|lines| lines.clear(), "trail shorter than its anchor: 0 entries, but"),
    ] {
        let said = changed(change);
        assert!(said.contains("NOT VERIFIED") && said.contains(place), "{place} in {said}");
    }
}

#[test]
fn the_key_of_another_is_refused_also_under_the_same_name() {
    let exported = Exported::new();
    let output = exported.verify(&exported.lines, &signer(2).verifier().to_string());
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(said.contains("which is not among the verifier keys"), "{said}");
    let other = Signer::from_seed("elsewhere.example.org/trail/1", &[1; 32]).unwrap();
    let output = exported.verify(&exported.lines, &other.verifier().to_string());
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(said.contains("no checkpoint of this trail holds"), "{said}");
}

#[test]
fn after_a_new_key_the_file_with_both_is_what_it_takes() {
    let exported = Exported::new();
    let keys = format!("{}\n{}\n", signer(1).verifier(), signer(2).verifier());
    fs::write(exported.path("trail.vkey"), keys).unwrap();
    assert_eq!(exported.verify(&exported.lines, &exported.key()).status.code(), Some(0));
}

#[test]
fn without_a_checkpoint_nothing_is_verified() {
    let exported = Exported::new();
    fs::write(exported.path("checkpoints"), "").unwrap();
    let output = exported.verify(&exported.lines, &exported.key());
    assert_eq!(output.status.code(), Some(5));
    assert!(text(&output.stdout).contains("could have written all of its 30 entries"));
}

#[test]
fn what_cannot_be_read_and_what_cannot_be_meant_have_codes_of_their_own() {
    let exported = Exported::new();
    let failed = program().args(["--key", &exported.key(), "nowhere.jsonl"]).output().unwrap();
    assert_eq!(failed.status.code(), Some(1));
    assert!(text(&failed.stderr).starts_with("revoked-verify: opening nowhere.jsonl: "));
    let failed = program().args(["--key", "nonsense"]).output().unwrap();
    assert_eq!(failed.status.code(), Some(1));
    assert!(text(&failed.stderr).contains("NAME+KEYID+BASE64"));
    assert_eq!(program().output().unwrap().status.code(), Some(2));
}

#[test]
fn a_report_is_verified_by_the_command_of_the_readme_and_what_was_changed_in_it_is_named() {
    let exported = Exported::new();
    let mut report = exported.report(&[3, 14]);
    let output = exported.verify_report();
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said} {output:?}");
    for line in [
        "trail revoked.example.org/trail/1: a checkpoint of 30 entries, root ",
        "\nentry 14 included: action.finished, case 1\n",
        "\nVERIFIED: all 2 entries that the report cites are in the signed trail; the outside confirms its checkpoint\n",
    ] {
        assert!(said.contains(line), "{line} in {said}");
    }
    let honest = report["inclusion"]["entries"][1]["line"].as_str().unwrap().to_owned();
    report["inclusion"]["entries"][1]["line"] = honest.replace("daemon", "source:idp").into();
    exported.write(&report);
    let output = exported.verify_report();
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(
        said.contains("entry 14 NOT included: ") && said.contains("\nNOT VERIFIED: 1 of 2 entries"),
        "{said}"
    );
    let piped = program()
        .args(["report", "--json", "--key", &signer(1).verifier().to_string()])
        .stdin(fs::File::open(exported.path("case-17.json")).unwrap())
        .output()
        .unwrap();
    let summary: serde_json::Value = serde_json::from_slice(&piped.stdout).unwrap();
    assert_eq!((&summary["verified"], &summary["size"]), (&false.into(), &30.into()));
    assert_eq!(
        summary["entries"][0],
        serde_json::json!({"index": 3, "kind": "action.finished", "case": 1, "included": true})
    );
    fs::write(exported.path("case-17.json"), "{}").unwrap();
    let failed = exported.verify_report();
    assert_eq!(failed.status.code(), Some(1));
    assert!(text(&failed.stderr).contains("no member `inclusion`"), "{failed:?}");
}

#[test]
fn the_readme_has_the_help_and_the_exit_codes() {
    let readme = include_str!("../README.md");
    let help = text(&program().arg("--help").output().unwrap().stdout);
    for option in help
        .split_whitespace()
        .filter(|word| word.starts_with("--") && word.len() > 2)
    {
        let option = option.trim_end_matches([',', '.']);
        assert!(
            ["--help", "--version"].contains(&option) || readme.contains(option),
            "{option}"
        );
    }
    for code in ["| 0 |", "| 1 |", "| 2 |", "| 5 |"] {
        assert!(readme.contains(code), "{code}");
    }
}

#[test]
fn no_database_no_network_and_no_runtime_is_built_in() {
    let manifest = include_str!("../Cargo.toml");
    for name in ["sqlx", "sqlite", "tokio", "hyper", "reqwest", "rustls", "sandbox"] {
        assert!(!manifest.contains(name), "{name}");
    }
}
