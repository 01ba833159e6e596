//! The walk-throughs of the sources, and the drills of an installation: what a page tells a newcomer to type is typed, against the built program, and what it shows is what comes.
//!
//! The blocks of a page that are marked `sh tour` are one shell's input, from the first to the last. A block marked `text tour` is what the
//! block before it prints; `…` stands for anything, and how many spaces there are does not matter. Each `127.0.0.1:port` and `--port port` of
//! the page becomes a free one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use revoked::jose::{Algorithm, Compact, KeySet};
use revoked::sources::KINDS;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::time::Instant;

use super::{Block, blocks_of, page, pages, rows_under};
use crate::ports::Port;

/// How long a walk may take; a test machine may be busy.
const PATIENCE: Duration = Duration::from_mins(5);

/// What the shell prints after each block.
const MARK: char = '\u{1e}';

/// One block of commands, and what the page says that it prints.
struct Step {
    commands: String,
    shown: Option<String>,
}

/// A page with something to try on it.
struct Walk {
    page: String,
    steps: Vec<Step>,
}

/// The pages with their walks.
fn walks() -> Vec<Walk> {
    let walked = |path: &str| path.starts_with("docs/sources/") || path == "docs/lifecycle.md";
    let walked = pages().into_iter().filter(|page| walked(&page.path));
    walked
        .map(|page| Walk {
            steps: steps(blocks_of(&page)),
            page: page.path,
        })
        .filter(|walk| !walk.steps.is_empty())
        .collect()
}

fn steps(blocks: Vec<Block>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for block in blocks.into_iter().filter(|block| block.marks == "tour") {
        match (block.language.as_str(), steps.last_mut()) {
            ("sh", _) => steps.push(Step {
                commands: block.text,
                shown: None,
            }),
            ("text", Some(step)) if step.shown.is_none() => step.shown = Some(block.text),
            (language, _) => panic!("{}: a block {language} tour follows no commands", block.page),
        }
    }
    steps
}

#[test]
fn every_door_has_a_walk_through_that_shows_what_comes() {
    let walks = walks();
    let lacking: Vec<&str> = KINDS
        .iter()
        .map(|kind| kind.name)
        .filter(|kind| {
            let page = format!("docs/sources/{kind}.md");
            let walk = walks.iter().find(|walk| walk.page == page);
            !walk.is_some_and(|walk| walk.steps.iter().any(|step| step.shown.is_some()))
        })
        .collect();
    assert!(lacking.is_empty(), "no page with a walk-through for {lacking:?}");
}

#[test]
fn the_index_of_the_doors_names_every_kind() {
    let rows = rows_under(&page("docs/sources/README.md"), "The sources");
    let named: BTreeSet<String> = rows
        .iter()
        .filter_map(|row| row[0].split(['[', ']']).nth(1).map(str::to_owned))
        .collect();
    let kinds: BTreeSet<String> = KINDS.iter().map(|kind| kind.name.to_owned()).collect();
    assert_eq!(named, kinds);
}

#[test]
fn every_walk_through_does_what_its_page_says() {
    let walks = walks();
    // Two at a time: each has a server, a daemon and a shell.
    let failed: Vec<String> = walks
        .chunks(2)
        .flat_map(|walks| {
            std::thread::scope(|scope| {
                let running: Vec<_> = walks.iter().map(|walk| scope.spawn(|| walk.go())).collect();
                running
                    .into_iter()
                    .filter_map(|walk| walk.join().unwrap().err())
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    assert!(failed.is_empty(), "\n{}\n", failed.join("\n"));
}

impl Walk {
    /// Types the commands and compares what they print.
    fn go(&self) -> Result<(), String> {
        let folder = tempfile::tempdir().unwrap();
        let mut ports = BTreeMap::new();
        let mut script = String::from("set -euo pipefail\n");
        for step in &self.steps {
            script += &on_free_ports(&step.commands, &mut ports);
            script += "printf '\\036\\n'\n";
        }
        let path = folder.path().join("walk.sh");
        std::fs::write(&path, script).unwrap();
        let (code, out, err) = type_in(&path, folder.path());
        let fail = |why: &str| Err(format!("{}: {why}\n--- printed\n{out}\n--- errors\n{err}", self.page));
        let printed: Vec<&str> = out.split(MARK).collect();
        for (at, step) in self.steps.iter().enumerate() {
            let Some(printed) = printed.get(at).filter(|_| at + 1 < printed.len()) else {
                return fail(&format!("the shell ended with {code:?} in\n{}", step.commands));
            };
            let shown = step.shown.as_ref().map(|shown| on_free_ports(shown, &mut ports));
            if let Some(shown) = shown.filter(|shown| !agrees(shown, printed)) {
                return fail(&format!("the page shows\n{shown}--- but this came\n{}", printed.trim_start()));
            }
        }
        if code == Some(0) {
            Ok(())
        } else {
            fail(&format!("the shell ended with {code:?}"))
        }
    }
}

/// Runs a script to its end, and ends whatever it has left running.
fn type_in(script: &Path, folder: &Path) -> (Option<i32>, String, String) {
    let (mut out, mut err) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
    let program = Path::new(env!("CARGO_BIN_EXE_revoked")).parent().unwrap().to_owned();
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/sources");
    let mut paths = vec![program, scripts];
    paths.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let shell = Command::new("bash")
        .arg(script)
        .current_dir(folder)
        .env("PATH", std::env::join_paths(paths).unwrap())
        .env("HOME", folder)
        .env("TMPDIR", folder)
        .env_remove("REVOKED_LOG")
        .env_remove("REVOKED_CONFIG")
        .stdin(Stdio::null())
        .stdout(out.try_clone().unwrap())
        .stderr(err.try_clone().unwrap())
        .process_group(0)
        .spawn()
        .unwrap();
    let code = Group(shell).wait();
    (code, all(&mut out), all(&mut err))
}

fn all(file: &mut File) -> String {
    let mut text = String::new();
    file.rewind().unwrap();
    file.read_to_string(&mut text).unwrap();
    text
}

/// A shell with all that it started.
struct Group(Child);

impl Group {
    /// The exit code, within the time.
    fn wait(&mut self) -> Option<i32> {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.code();
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        None
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Nobody is left in it where the page has tidied up behind itself.
        let _ = kill_process_group(Pid::from_child(&self.0), Signal::KILL);
        let _ = self.0.wait();
    }
}

/// A text with each port of the loopback exchanged for a free one, always the same for the same.
fn on_free_ports(text: &str, ports: &mut BTreeMap<String, Port>) -> String {
    let text = behind("127.0.0.1:", text, ports);
    behind("--port ", &text, ports)
}

fn behind(before: &str, text: &str, ports: &mut BTreeMap<String, Port>) -> String {
    let mut pieces = text.split(before);
    let mut free = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let end = piece.find(|c: char| !c.is_ascii_digit()).unwrap_or(piece.len());
        let (port, rest) = piece.split_at(end);
        free += before;
        if port.is_empty() {
            free += port;
        } else {
            let port = ports.entry(port.to_owned()).or_default();
            free += &port.number().to_string();
        }
        free += rest;
    }
    free
}

/// Whether `printed` is what `shown` says, where `…` stands for anything.
fn agrees(shown: &str, printed: &str) -> bool {
    let words = |text: &str| {
        let lines = text
            .trim()
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        lines.collect::<Vec<_>>().join("\n")
    };
    let (shown, printed) = (words(shown), words(printed));
    let pieces: Vec<&str> = shown.split('…').collect();
    let (Some(first), [.., last]) = (pieces.first(), &pieces[1..]) else {
        return shown == printed;
    };
    let Some(rest) = printed.strip_prefix(first) else {
        return false;
    };
    let mut middle = pieces[1..pieces.len() - 1].iter();
    let rest = middle.try_fold(rest, |rest, piece| rest.find(piece).map(|at| &rest[at + piece.len()..]));
    rest.is_some_and(|rest| rest.ends_with(last))
}

#[test]
fn what_is_shown_agrees_with_what_is_printed_where_it_does_not_say_anything() {
    for (shown, printed) in [
        ("204\n", "\n204\n"),
        ("a  …  z\n", "a b c    z"),
        ("a…\n…\nz", "abc\nd\ne\nz"),
        ("…", "x"),
    ] {
        assert!(agrees(shown, printed), "{shown} {printed}");
    }
    for (shown, printed) in [("204", "2040"), ("a … z", "a b"), ("a…b…c", "abd"), ("a…a", "a"), ("", "x")] {
        assert!(!agrees(shown, printed), "{shown} {printed}");
    }
}

#[test]
fn the_script_that_signs_makes_tokens_that_its_key_set_verifies() {
    for (name, algorithm, tokens) in [("RS256", Algorithm::Rs256, 2), ("ES256", Algorithm::Es256, 12)] {
        let folder = tempfile::tempdir().unwrap();
        let run = |arguments: &[&str]| {
            let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/sources/sign-jwt.sh");
            let output = Command::new(script)
                .args(arguments)
                .current_dir(folder.path())
                .output()
                .unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        };
        run(&["keys", name]);
        let keys = KeySet::read(&std::fs::read(folder.path().join("jwks.json")).unwrap()).unwrap();
        assert_eq!(keys.usable(), 1);
        let mut seen = BTreeSet::new();
        for _ in 0..tokens {
            let token = run(&["sign", "logout+jwt", r#"{"iss": "me", "aud": ["you"]}"#, "60"]);
            let compact = Compact::read(token.trim().as_bytes()).unwrap();
            let claims = serde_json::Value::Object(compact.claims.clone());
            assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 60);
            assert!(seen.insert(claims["jti"].as_str().unwrap().to_owned()), "a jti twice");
            let key = keys.find(compact.header["kid"].as_str(), algorithm).unwrap().unwrap();
            assert!(key.verify(&compact, algorithm).is_ok(), "{token}");
        }
    }
}
