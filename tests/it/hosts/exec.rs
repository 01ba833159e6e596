//! Programs that answer as they should: the two worked examples of the docs.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use revoked::model::{Action, GrantKind, GrantRef, PasswordReset, Resolution, Verdict};
use revoked::targets::Remedy;
use revoked::targets::exec::KIND;
use serde_json::{Value, json};

use super::{Built, complaints, demand};
use crate::harness::{Installation, InstallationPlan};

const KEY: &str = "crm-of-the-tests";

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/targets").join(name)
}

fn private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// The CRM of the example, whose two people hold the same.
struct Crm {
    folder: tempfile::TempDir,
}

impl Crm {
    fn new() -> Self {
        let this = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        private(&this.folder.path().join("key"), KEY);
        private(
            &this.accounts(),
            &json!({ "alice": person("alice"), "bob": person("bob") }).to_string(),
        );
        this
    }

    fn accounts(&self) -> PathBuf {
        self.folder.path().join("accounts.json")
    }

    fn table(&self) -> String {
        table(&self.accounts(), &self.folder.path().join("key"))
    }

    fn people(&self) -> Value {
        serde_json::from_slice(&fs::read(self.accounts()).unwrap()).unwrap()
    }

    /// What somebody can still use, as the CRM itself would let them.
    fn usable(&self, name: &str) -> Vec<String> {
        usable(&self.people(), name)
    }
}

fn table(accounts: &Path, key: &Path) -> String {
    let (program, accounts, key) = (example("exec-crm.py"), accounts.to_str().unwrap(), key.to_str().unwrap());
    let program = program.to_str().unwrap();
    format!("command = [{program:?}, {accounts:?}]\nenvironment = {{ CRM_KEY = {{ file = {key:?} }} }}\n")
}

fn person(name: &str) -> Value {
    json!({
        "mail": format!("{name}@example.org"),
        "active": true,
        "sessions": { format!("{name}-s1"): "2026-11-01T08:00:00Z", format!("{name}-s2"): "2026-11-02T08:00:00Z" },
        "tokens": [format!("{name}-t1"), format!("{name}-t2")],
    })
}

fn usable(people: &Value, name: &str) -> Vec<String> {
    let person = &people[name];
    if person["active"] != true {
        return Vec::new();
    }
    let sessions = person["sessions"].as_object().unwrap().keys().cloned();
    let tokens = person["tokens"].as_array().unwrap().iter();
    let tokens = tokens.map(|token| token.as_str().unwrap().to_owned());
    sessions.chain(tokens).chain(["sign-in".to_owned()]).collect()
}

#[tokio::test]
async fn the_example_in_python_contains_one_person_and_leaves_the_neighbour_alone() {
    let crm = Crm::new();
    let built = Built::new(&KIND, &crm.table());
    let (alice, bob) = (crm.usable("alice"), crm.usable("bob"));
    assert_eq!((alice.len(), bob.len()), (5, 5));
    let principal = built.resolve("email:Alice@example.org").await;
    assert_eq!(principal.id, "alice");
    let demanded = demand([GrantKind::Session, GrantKind::AccessToken], true, PasswordReset::Never);
    let verdict = built.contain(&principal, &demanded).await.unwrap();
    assert_eq!(verdict, Ok(Verdict::Contained));
    assert_eq!(crm.usable("alice"), Vec::<String>::new());
    assert_eq!(crm.usable("bob"), bob);
    assert_eq!(crm.people()["alice"]["sessions"], json!({}), "ended, and not only shut out");
}

#[tokio::test]
async fn what_is_ended_twice_is_ended() {
    let crm = Crm::new();
    let built = Built::new(&KIND, &crm.table());
    let principal = [built.resolve("username:alice").await];
    for action in [
        Action::Suspend,
        Action::EndAll {
            kind: GrantKind::Session,
        },
        Action::End {
            grant: GrantRef::new(GrantKind::AccessToken, "alice-t1"),
        },
    ] {
        for already in [false, true] {
            let applied = built.target.apply(&built.context, &action, &principal).await.unwrap();
            assert_eq!(applied.already, already, "{action}");
        }
    }
}

#[tokio::test]
async fn nobody_is_nobody_and_a_key_that_is_not_taken_pauses() {
    let crm = Crm::new();
    let built = Built::new(&KIND, &crm.table());
    for name in [
        "username:carol",
        "username:$(touch pwned)",
        "username:\"; rm -rf / #",
        "username:-rf",
        "opaque:alice'",
    ] {
        assert_eq!(built.resolution(name).await.unwrap(), Resolution::None, "{name}");
    }
    private(&crm.folder.path().join("key"), "another");
    let built = Built::new(&KIND, &crm.table());
    for subject in ["username:alice", "username:carol"] {
        let error = built.resolution(subject).await.unwrap_err();
        assert_eq!(error.remedy, Remedy::Pause);
        assert!(error.to_string().contains("does not take our key"), "{error}");
    }
    assert_eq!(built.target.probe(&built.context).await.unwrap_err().remedy, Remedy::Pause);
}

#[tokio::test]
async fn a_probe_shows_what_the_program_can_do() {
    let crm = Crm::new();
    let built = Built::new(&KIND, &crm.table());
    let probe = built.target.probe(&built.context).await.unwrap();
    assert_eq!(
        (probe.version.as_deref(), probe.acting_as.as_deref()),
        (Some("CRM 3.1"), Some("batch"))
    );
    let able = built.target.capabilities();
    assert!(able.suspends && able.ends_all.contains(&GrantKind::Session) && !able.not_covered.is_empty());
}

#[tokio::test]
async fn the_example_in_sh_ends_sessions_and_says_that_it_cannot_suspend() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["alice", "bob"] {
        fs::create_dir(folder.path().join(name)).unwrap();
        for session in ["s1", "s2"] {
            fs::write(folder.path().join(name).join(session), "").unwrap();
        }
    }
    let (program, sessions) = (example("exec-sessions.sh"), folder.path());
    let built = Built::new(&KIND, &format!("command = [{program:?}, {sessions:?}]"));
    for name in [
        "username:../alice",
        "username:alice/../bob",
        "username:$(id)",
        "username:carol",
        "username:-n",
    ] {
        assert_eq!(built.resolution(name).await.unwrap(), Resolution::None, "{name}");
    }
    let principal = built.resolve("username:alice").await;
    let ended = built
        .contain(&principal, &demand([GrantKind::Session], false, PasswordReset::Never))
        .await;
    assert_eq!(ended.unwrap(), Ok(Verdict::Contained));
    let blocked = built
        .contain(&principal, &demand([GrantKind::Session], true, PasswordReset::Never))
        .await;
    assert!(
        matches!(blocked.unwrap(), Ok(Verdict::Unverified { open: Some(_), .. })),
        "it cannot suspend"
    );
    assert_eq!(fs::read_dir(sessions.join("alice")).unwrap().count(), 0);
    assert_eq!(fs::read_dir(sessions.join("bob")).unwrap().count(), 2);
    // A folder that is gone is not a person that is gone.
    drop(folder);
    let error = built.resolution("username:alice").await.unwrap_err();
    assert_eq!(error.remedy, Remedy::Pause, "{error}");
}

#[tokio::test]
async fn the_daemon_contains_somebody_through_a_program() {
    let plan = InstallationPlan {
        more: r#"
[[target]]
name = "crm"
kind = "exec"
command = ["{example}", "{folder}/accounts.json"]
environment = { CRM_KEY = { file = "{folder}/crm-key" } }

[playbook.compromised.crm]
end = "everything"
block = true
watch = []
"#,
        ..InstallationPlan::default()
    };
    let site = Installation::new(plan).await;
    let config = fs::read_to_string(site.config()).unwrap();
    fs::write(
        site.config(),
        config.replace("{example}", example("exec-crm.py").to_str().unwrap()),
    )
    .unwrap();
    site.secret("crm-key", KEY.as_bytes());
    site.secret(
        "accounts.json",
        json!({ "alice": person("alice"), "bob": person("bob") })
            .to_string()
            .as_bytes(),
    );
    let checked = site.says(&["check"]).await;
    assert!(checked.out.contains("crm"), "{checked:?}");
    let running = site.start().await;
    let said = site.revoke("username:alice", "compromised", &["--target", "crm"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(said.json()["case"]["verdict"], "contained", "{said:?}");
    let people: Value = serde_json::from_slice(&fs::read(site.path("accounts.json")).unwrap()).unwrap();
    assert_eq!(usable(&people, "alice"), Vec::<String>::new());
    assert_eq!(usable(&people, "bob").len(), 5);
    assert!(!site.log().contains(KEY));
    running.stop().await;
}

#[test]
fn a_table_that_could_run_somebody_elses_code_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let open = folder.path().join("open");
    fs::write(&open, "").unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
    let key = folder.path().join("key");
    private(&key, KEY);
    let open = format!("command = [{open:?}]");
    let with = |line: &str| format!("command = [\"/bin/sh\"]\n{line}\n");
    let variable = |name: &str| with(&format!("environment = {{ {name} = {{ file = {key:?} }} }}"));
    let (preload, path, lower) = (variable("LD_PRELOAD"), variable("PATH"), variable("crm"));
    for (toml, word) in [
        ("command = []", "names no program"),
        ("command = \"/bin/sh\"", "list"),
        ("command = [\"sh\"]", "no whole path"),
        ("command = [\"/nonexistent\"]", "is no file"),
        (&open, "may be written by others"),
        (&preload, "not yours to set"),
        (&path, "not yours to set"),
        (&lower, "no name of a variable"),
        (&with("folder = \"tmp\""), "whole path"),
        (&with("timeout = \"1h\""), "between 100ms and 10m"),
        (&with("output = 3"), "1024"),
        (&with("comand = 1"), "did you mean `command`?"),
        (&with("environment = { KEY = \"s3cret\" }"), "never stands in the config"),
    ] {
        let said = complaints(&KIND, toml);
        assert!(said.contains(word) && !said.contains("s3cret"), "{toml} gave {said}");
    }
}
