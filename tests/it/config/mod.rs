//! The config: everything that is wrong is told at once and at its place, and the example shows the defaults that hold.

mod example;
mod kinds;
mod mistakes;
mod notify;
mod silence;
mod single_sign_on;
mod transmitter;

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
    let second = (&config.retry, &config.ledger, &config.retention, &config.log, &config.goals);
    format!("{first:#?}\n{second:#?}")
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
