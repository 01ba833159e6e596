//! The config: everything that is wrong is told at once and at its place, and the example shows the defaults that hold.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use revoked::clock::Clock;
use revoked::config::{self, Config, EXAMPLE};
use revoked::model::Timestamp;

fn clock() -> Clock {
    Clock::fixed(Timestamp::from_ms(1_764_000_000_000))
}

fn parse(text: &str) -> Result<Config, String> {
    Config::parse("revoked.toml", text, &clock()).map_err(|report| report.to_string())
}

fn complaints(text: &str) -> String {
    parse(text).err().expect("the config was taken")
}

/// Everything that a config says besides its targets and sources.
fn plain(config: &Config) -> String {
    let first = (&config.store, &config.listen, &config.policy, &config.trail);
    let second = (&config.retry, &config.ledger, &config.retention, &config.log);
    format!("{first:#?}\n{second:#?}")
}

#[test]
fn the_example_as_it_stands_means_the_defaults() {
    let (empty, example) = (parse("").unwrap(), parse(EXAMPLE).unwrap());
    assert_eq!(plain(&empty), plain(&example));
    assert_eq!(example.sources.len(), 1);
    assert!(example.targets.is_empty());
}

/// A line `#key = value` of the example, without its `#`.
fn shown(line: &str) -> Option<&str> {
    line.strip_prefix('#')
        .filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()))
}

#[test]
fn the_defaults_that_the_example_shows_are_those_that_hold() {
    let text: Vec<&str> = EXAMPLE.lines().map(|line| shown(line).unwrap_or(line)).collect();
    let example = parse(&text.join("\n")).unwrap();
    assert_eq!(plain(&parse("").unwrap()), plain(&example));
}

#[test]
fn the_example_shows_every_key() {
    let mut table = "";
    let mut tables = Vec::new();
    for line in EXAMPLE.lines() {
        if let Some(name) = line.strip_prefix('[') {
            table = name.trim_end_matches(']');
            tables.push((table, Vec::new()));
        } else if let Some(line) = shown(line) {
            tables.last_mut().unwrap().1.push(line.split_once(" = ").unwrap().0);
        } else if table == "trail" && line.starts_with("# As in: key = ") {
            // The one key without a default.
            tables.last_mut().unwrap().1.push("key");
        }
    }
    let known = |text: &str| -> Vec<String> {
        let said = complaints(text);
        let mut words: Vec<_> = said.split('`').skip(3).step_by(2).map(str::to_owned).collect();
        words.sort_unstable();
        words
    };
    for (table, keys) in &mut tables {
        keys.sort_unstable();
        assert_eq!(known(&format!("[{table}]\nzzzzzzzzzzzz = 1")), *keys, "in [{table}]");
    }
    let mut names: Vec<_> = tables.iter().map(|(table, _)| *table).chain(["playbook"]).collect();
    names.sort_unstable();
    assert_eq!(known("zzzzzzzzzzzz = 1"), names);
}

#[test]
fn every_mistake_is_told_at_once_with_place_and_suggestion() {
    let said = complaints(
        r#"
storre = 3
[store]
path = "revoked.db"
[listen]
adress = "127.0.0.1:1"
connections = 0
header = "10"
[playbook.departd.chat]
block = true
[playbook.departed.caht]
end = ["session", "tokns", "cookies"]
[[target]]
name = "chat"
kind = "mattermots"
rate = "0/s"
[[target]]
name = "chat"
concurency = 4
[[source]]
name = "idp"
kind = "inbox"
compromises_per_minute = "lots"
[policy]
protected = ["alice", "a@example.org"]
ambiguous = "al"
[retry]
first = "1h"
longest = "1m"
[log]
level = "inof"
[trail]
key = "0123456789abcdef0123456789abcdef"
origin = "my trail"
"#,
    );
    insta::assert_snapshot!(said, @r#"
    revoked.toml:2:1: unknown key `storre`; did you mean `store`?
    revoked.toml:4:8: the database revoked.db needs its whole path, from / on
    revoked.toml:6:1: unknown key `adress`; did you mean `address`?
    revoked.toml:7:15: connections: it must be from 1 to 100000
    revoked.toml:8:10: header: "10" is not a length of time; write one such as "90s", "11m", "1h30m" or "7d"
    revoked.toml:9:11: no reason is called `departd`; did you mean `departed`? (a playbook of your own needs another name)
    revoked.toml:11:20: no target is called `caht`; did you mean `chat`?
    revoked.toml:12:19: end: no kind of grant is called "tokns"; did you mean "tokens"?
    revoked.toml:12:28: end: no kind of grant is called "cookies"; there are sessions, tokens, oauth, bots, webhooks, session, access_token, oauth_grant, oauth_authorization, oauth_app, bot, bot_token, incoming_webhook, outgoing_webhook, slash_command
    revoked.toml:15:8: kind: no kind of target is called "mattermots"; did you mean "mattermost"?
    revoked.toml:16:8: rate: "0/s" is not a rate; write whole calls per second, minute or hour such as "10/s" or "300/m", at least one and at most 10000 a second
    revoked.toml:17:1: the key `kind` is missing
    revoked.toml:18:8: name: another target is called `chat` already
    revoked.toml:19:1: unknown key `concurency`; did you mean `concurrency`?
    revoked.toml:21:8: name: the source of the kind `inbox` is called `inbox`, and no other is
    revoked.toml:23:26: compromises_per_minute: it must be a whole number from 0 up, or "unlimited", not a text
    revoked.toml:25:14: protected: cannot tell what "alice" names; write email:, username:, opaque:, iss_sub:<issuer>#<sub> or employee_id: before it
    revoked.toml:26:13: ambiguous: it cannot be "al"; did you mean "all"?
    revoked.toml:29:11: first (1h) is longer than longest (1m)
    revoked.toml:31:9: level: "inof" is not a level; did you mean "info"?
    revoked.toml:33:7: key: a secret never stands in the config itself; write { credential = "NAME" } or { file = "PATH" }
    revoked.toml:34:10: origin: it must have neither spaces nor `+`; write one such as "revoked.example.org/trail/1"
    "#);
}

#[test]
fn broken_toml_is_told_as_such_and_nothing_is_guessed_from_it() {
    insta::assert_snapshot!(complaints("[store\npath = revoked.db\n[log]\nlevel = 'info'\nlevel = 'warn'\n"), @r#"
    revoked.toml:1:7: not TOML: unclosed table, expected `]`
    revoked.toml:5:1: not TOML: duplicate key
    "#);
}

#[test]
fn a_single_bracket_for_a_target_is_explained() {
    insta::assert_snapshot!(complaints("[target]\nname = 'chat'\n[sources]\n"), @r#"
    revoked.toml:1:2: write [[target]], with two brackets: there may be several
    revoked.toml:3:2: unknown key `sources`; did you mean `[[source]]`?
    "#);
}

#[test]
fn entries_without_name_or_kind_are_told() {
    insta::assert_snapshot!(complaints("[[target]]\n[[source]]\nname = 3\n[[source]]\nkind = 'inbox'\n[[source]]\nkind = 'inbox'\nfolder = 'x'\n"), @r#"
    revoked.toml:1:1: the key `kind` is missing
    revoked.toml:1:1: the key `name` is missing
    revoked.toml:2:1: the key `kind` is missing
    revoked.toml:3:8: name: it must be a text in quotes, not 3
    revoked.toml:6:1: name: another source is called `inbox` already
    revoked.toml:8:1: unknown key `folder`; no keys are taken here
    "#);
}

#[test]
fn rates_that_mean_nothing_are_refused() {
    for rate in ["0/s", "10", "-1/s", "1e9/s", ""] {
        let said = complaints(&format!("[[target]]\nname = 'chat'\nkind = 'mattermost'\nrate = '{rate}'\n"));
        assert!(
            said.contains("revoked.toml:4:8: rate: ") && said.contains("10/s"),
            "{rate:?} gave {said}"
        );
    }
    assert!(
        complaints("[[target]]\nname = 'chat'\nkind = 'mattermost'\nrate = 10\n")
            .contains("revoked.toml:4:8: rate: it must be a text")
    );
}

#[test]
fn watch_times_must_rise() {
    for watch in ["['11m', '1m']", "['1m', '1m']", "['0s']", "['-1m']"] {
        let said = complaints(&format!(
            "[[target]]\nname='chat'\nkind='x'\n[playbook.departed.chat]\nwatch = {watch}\n"
        ));
        assert!(said.contains("revoked.toml:5:9: watch: "), "{watch} gave {said}");
    }
}

#[test]
fn two_sources_for_one_stream_are_refused() {
    let source = |name: &str, audience: &str| {
        format!("[[source]]\nname = '{name}'\nkind = 'x'\nissuer = 'https://idp.example.org'\naudience = '{audience}'\n")
    };
    let said = complaints(&(source("a", "one") + &source("b", "one") + &source("c", "two")));
    assert!(
        said.contains("revoked.toml:10:12: audience: another source has the same issuer and audience"),
        "{said}"
    );
    assert_eq!(said.matches("same issuer").count(), 1);
}

/// A file with the seed of a trail key.
fn seed(folder: &Path, mode: u32, bytes: &[u8]) -> PathBuf {
    let path = folder.join("trail-key");
    std::fs::write(&path, bytes).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path
}

#[test]
fn a_secret_that_is_missing_empty_or_open_is_told_at_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let config = |path: &Path| format!("[trail]\nkey = {{ file = '{}' }}\n", path.display());
    let path = seed(folder.path(), 0o600, &[7; 32]);
    assert!(parse(&config(&path)).unwrap().trail.key.is_some());
    for (mode, bytes, word) in [
        (0o644, &[7; 32][..], "chmod 600"),
        (0o600, &[], "is empty"),
        (0o600, &[7; 31], "31 bytes"),
    ] {
        let said = complaints(&config(&seed(folder.path(), mode, bytes)));
        assert!(said.starts_with("revoked.toml:2:7: key: ") && said.contains(word), "{said}");
    }
    let said = complaints(&config(&folder.path().join("nothing")));
    assert!(
        said.starts_with("revoked.toml:2:7: key: ") && said.contains("No such file"),
        "{said}"
    );
}

#[test]
fn a_secret_in_the_config_is_refused_and_never_shown() {
    for text in [
        "[trail]\nkey = 'canary-1'",
        "[trail]\nkey = { inline = 'canary-1' }",
        "[trail]\nkey = { file = ['canary-1'] }",
        "[[target]]\nname = 'chat'\nkind = 'mattermost'\nurl = 'https://chat.example.org'\ntoken = 'canary-1'",
        "[listen]\nconnections = 'canary-1'",
        "canary = 'canary-1'",
    ] {
        let said = complaints(text);
        assert!(!said.contains("canary-1"), "{said}");
    }
}

#[test]
fn what_works_but_is_weak_is_a_warning() {
    let config = parse("[[source]]\nkind = 'inbox'\n[listen]\naddress = '0.0.0.0:8480'\n").unwrap();
    insta::assert_snapshot!(config.warnings, @r#"
    revoked.toml: [listen] address 0.0.0.0:8480 can be reached from elsewhere without TLS; listen on 127.0.0.1 behind a proxy that ends TLS
    revoked.toml: [trail] anchor /var/lib/revoked/revoked.db.checkpoints lies beside the store: put it on another disk, or forward the journal to another machine
    revoked.toml: [trail] key is not set: a key is made beside the store, so whoever owns that folder can rewrite the trail and sign it again
    revoked.toml: [trail] origin is the default: name it after this installation, so that its checkpoints cannot be taken for another's
    revoked.toml: no [[source]] is configured: only operators can ask for anything, through the inbox
    revoked.toml: no [[target]] is configured: nothing can be revoked
    "#);
}

#[test]
fn limits_come_from_the_source_then_the_policy_then_the_defaults() {
    let config = parse(
        "[policy]\ndepartures_per_hour = 30\ncompromises_per_minute = 'unlimited'\n[[source]]\nkind = 'inbox'\ndepartures_per_delivery = 7\n",
    )
    .unwrap();
    let inbox = config.policy.limits_of("inbox");
    assert_eq!(config.sources[0].limits, inbox);
    assert_eq!(
        (
            inbox.departures_per_delivery,
            inbox.departures_per_hour,
            inbox.compromises_per_minute
        ),
        (Some(7), None, None)
    );
}

#[test]
fn a_config_that_cannot_be_read_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let load = |path: &Path| Config::load(path, &clock()).err().unwrap().to_string();
    assert!(load(&folder.path().join("no.toml")).contains("cannot read the config: No such file"));
    assert!(load(folder.path()).contains("cannot read the config"));
    let path = folder.path().join("revoked.toml");
    std::fs::write(&path, b"# \xff\n").unwrap();
    assert!(load(&path).contains("not UTF-8"));
    std::fs::write(&path, vec![b'#'; 2 << 20]).unwrap();
    assert!(load(&path).contains("more than any config needs"));
}

#[test]
fn a_command_finds_the_database_without_the_daemons_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("revoked.toml");
    std::fs::write(
        &path,
        "[store]\npath = '/srv/r.db'\n[trail]\nkey = { file = '/nowhere' }\nanchor = '/srv/anchor'\n[[target]]\nname = 'chat'\nkind = 'mattermost'\n",
    )
    .unwrap();
    assert_eq!(config::store_path(&path).unwrap(), Path::new("/srv/r.db"));
    assert_eq!(config::anchors(&path, Path::new("/srv/r.db")), [Path::new("/srv/anchor")]);
    std::fs::write(&path, "").unwrap();
    assert_eq!(config::store_path(&path).unwrap(), Path::new("/var/lib/revoked/revoked.db"));
    assert_eq!(
        config::anchors(&path, Path::new("/srv/r.db")),
        [Path::new("/srv/r.db.checkpoints")]
    );
    std::fs::write(&path, "[store\n").unwrap();
    let error = config::store_path(&path).unwrap_err();
    assert!(format!("{error:#}").contains("revoked.toml:1:"), "{error:#}");
}
