//! The unit that is shipped: what it says agrees with the daemon, and systemd itself finds no fault with it.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use clap::Parser as _;
use revoked::cli::Exit;
use revoked::clock::Clock;
use revoked::config::{Config, DEFAULT_PATH};

const UNIT: &str = include_str!("../../deploy/revoked.service");
const LOCAL: &str = include_str!("../../deploy/local.conf");

/// Tenths of the exposure level, which is 1.1; a target's address makes it 1.2.
const THRESHOLD: &str = "12";

fn values<'u>(unit: &'u str, key: &'u str) -> impl Iterator<Item = &'u str> {
    unit.lines().filter_map(move |line| line.strip_prefix(key)?.strip_prefix('='))
}

#[test]
fn the_unit_agrees_with_the_defaults_of_the_config() {
    let config = Config::parse("empty", "", &Clock::system()).unwrap();
    let start = values(UNIT, "ExecStart").next().unwrap();
    assert_eq!(start, format!("/usr/bin/revoked run --config {DEFAULT_PATH}"));
    let reload = values(UNIT, "ExecReload").next().unwrap();
    assert_eq!(reload, format!("/usr/bin/revoked reload --config {DEFAULT_PATH}"));
    let state = values(UNIT, "StateDirectory").next().unwrap();
    assert_eq!(config.store.parent(), Some(Path::new("/var/lib").join(state).as_path()));
    let port = config.listen.address.port();
    let ports: Vec<_> = values(UNIT, "SocketBindAllow").collect();
    assert_eq!(ports, [format!("ipv4:tcp:{port}"), format!("ipv6:tcp:{port}")]);
}

#[test]
fn systemd_does_not_restart_what_a_restart_cannot_mend() {
    let codes = values(UNIT, "RestartPreventExitStatus").next().unwrap();
    let hopeless: Vec<String> = [Exit::Usage, Exit::Store, Exit::Locked]
        .iter()
        .map(|exit| exit.code().to_string())
        .collect();
    assert_eq!(codes, hopeless.join(" "));
}

#[test]
fn the_drop_in_changes_nothing_until_it_is_edited() {
    let live: Vec<_> = LOCAL
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    assert_eq!(live, ["[Service]"]);
}

#[test]
fn the_steps_of_the_installation_name_the_trail_before_its_first_start() {
    let readme = include_str!("../../deploy/README.md");
    let line = readme.lines().find(|line| line.starts_with("sed -i ")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("revoked.toml");
    std::fs::write(&file, include_str!("../../config/revoked.toml")).unwrap();
    let typed = line
        .replace(DEFAULT_PATH, &file.display().to_string())
        .replace("$(hostname -f)", "host.example.org");
    let status = Command::new("sh").args(["-c", &typed]).status().unwrap();
    assert!(status.success(), "{typed}");
    let config = Config::parse("installed", &std::fs::read_to_string(&file).unwrap(), &Clock::system()).unwrap();
    assert_eq!(config.trail.origin, "host.example.org/trail/1");
}

/// Runs `systemd-analyze` on the unit; `Err` where it is not there.
fn analyze(arguments: &[&str], unit: &Path) -> Result<Output, String> {
    let output = Command::new("systemd-analyze").args(arguments).arg(unit).output();
    output.map_err(|error| {
        format!(
            "NOT CHECKED: systemd-analyze {} cannot run here: {error}",
            arguments.join(" ")
        )
    })
}

#[test]
fn systemd_finds_no_fault_with_the_unit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("revoked.service");
    // The check wants the program to be there, and it is not installed on a machine that only tests.
    let here = UNIT.replace("=/usr/bin/revoked ", concat!("=", env!("CARGO_BIN_EXE_revoked"), " "));
    std::fs::write(&path, here).unwrap();
    match analyze(&["verify", "--man=no"], &path) {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success() && !said.contains("revoked.service:"), "{said}");
        }
        Err(skipped) => println!("{skipped}"),
    }
    match analyze(&["security", "--offline=true", "--threshold", THRESHOLD, "--no-pager"], &path) {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success(), "{said}");
        }
        Err(skipped) => println!("{skipped}"),
    }
}

/// What people in HR may type as the daemon's account.
const SUDOERS: &str = include_str!("../../deploy/hr.sudoers");

/// The page that says what they type.
const HR_PAGE: &str = include_str!("../../docs/sources/hr-csv.md");

/// The patterns of the file.
fn hr_patterns() -> Vec<&'static str> {
    let commands = SUDOERS.lines().filter(|line| !line.starts_with('#'));
    let commands = commands.filter_map(|line| line.trim().strip_prefix("/usr/bin/revoked "));
    let patterns: Vec<&str> = commands.map(|line| line.trim_end_matches(['\\', ',', ' '])).collect();
    for pattern in &patterns {
        assert!(
            pattern.starts_with('^') && pattern.ends_with('$'),
            "{pattern} lets other words in"
        );
        // They mean something else to sudo's own parser.
        assert!(!pattern.contains([',', ':', '=', '\\', '"', '#', '!']), "{pattern}");
    }
    patterns
}

/// What stands behind `revoked` in a line of a shell, without what the shell takes for itself.
fn words_for_revoked(line: &str) -> Option<&str> {
    let typed = line
        .strip_prefix("sudo -u revoked ")
        .unwrap_or(line)
        .strip_prefix("revoked ")?;
    Some(typed.split(['<', '>', '|']).next()?.trim())
}

/// The lines of the page's blocks that begin with such a fence.
fn hr_lines(fence: &str) -> Vec<&'static str> {
    let blocks = HR_PAGE.split(fence).skip(1).filter_map(|rest| rest.split("\n```").next());
    blocks.flat_map(str::lines).filter_map(words_for_revoked).collect()
}

#[test]
fn hr_may_type_every_command_that_its_page_names_for_it_and_each_of_them_is_named_there() {
    let patterns = hr_patterns();
    let named = hr_lines("```sh hr\n");
    assert!(named.len() > 10, "{named:?}");
    for typed in &named {
        assert!(patterns.iter().any(|pattern| fits(pattern, typed)), "refused: {typed}");
        let words = ["revoked"].into_iter().chain(typed.split(' '));
        let read = revoked::cli::Cli::try_parse_from(words);
        assert!(read.is_ok(), "{typed}: {read:?}");
    }
    for pattern in &patterns {
        assert!(
            named.iter().any(|typed| fits(pattern, typed)),
            "the page does not name {pattern}"
        );
    }
    // The other examples of the page: what only looks at a store, a quarantine or a file on standard input is theirs, too.
    for typed in hr_lines("```sh\n") {
        let looks = [
            "source hr preview - ",
            "source hr aside",
            "departures list",
            "departures show",
            "person report",
        ];
        let is_theirs = looks.iter().any(|begin| format!("{typed} ").starts_with(begin));
        assert_eq!(patterns.iter().any(|pattern| fits(pattern, typed)), is_theirs, "{typed}");
    }
}

#[test]
fn hr_may_type_nothing_that_names_a_config_or_changes_something() {
    let patterns = hr_patterns();
    for typed in [
        "source hr preview leavers.csv",
        "source hr preview /etc/shadow",
        "source hr preview - --config /tmp/x",
        "source hr preview - --config=/tmp/x",
        "source hr preview - --source --config",
        "source hr aside ../../x",
        "source hr aside --config /tmp/x",
        "departures list --week --config /tmp/x",
        "departures list --from --config /tmp/x",
        "departures list --store /tmp/x",
        "departures show 12 --config=/tmp/x",
        "departures show --config=/tmp/x",
        "departures cancel 12 --note x",
        "person report --config=/tmp/x user01",
        "person report user01 --out /var/lib/revoked/x",
        "person report user01 user02",
        "hold approve 1",
        "revoke alice@example.org",
        "run",
        "",
    ] {
        let fitting = patterns.iter().find(|pattern| fits(pattern, typed));
        assert_eq!(fitting, None, "{typed}");
    }
    // The program itself, where it is there.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("revoked-hr");
    std::fs::write(&path, SUDOERS).unwrap();
    match Command::new("visudo").args(["-c", "-f"]).arg(&path).output() {
        Ok(output) => assert!(output.status.success(), "{output:?}"),
        Err(error) => println!("NOT CHECKED: visudo cannot run here: {error}"),
    }
}

/// Whether a POSIX pattern, which sudo's are, fits what is typed.
fn fits(pattern: &str, typed: &str) -> bool {
    let mut grep = Command::new("grep");
    let mut grep = grep.args(["-E", "-q", "-e", pattern]).stdin(Stdio::piped()).spawn().unwrap();
    grep.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    grep.wait().unwrap().success()
}
