//! Linux hosts for real: what a person holds, ended at every host; and everything that must not be.

use std::fs;
use std::path::PathBuf;

use revoked::model::{Action, GrantKind, PasswordReset, PrincipalTrait, Resolution, Verdict};
use revoked::targets::linux_host::KIND;
use revoked::targets::{Level, Remedy};

use super::{Built, complaints, demand};
use crate::harness::{Installation, InstallationPlan};
use crate::ports::Port;
use crate::servers::{Sshd, System as _, that_work};

const NONE: &[String] = &[];
const KINDS: [GrantKind; 2] = [GrantKind::SshKey, GrantKind::Session];

/// Hosts with the same people, of whom one key of ours is root at all.
struct Fixture {
    hosts: Vec<Sshd>,
    folder: tempfile::TempDir,
}

impl Fixture {
    async fn start(count: usize) -> Option<Self> {
        let mut hosts = Vec::new();
        for _ in 0..count {
            hosts.push(Sshd::start().await?);
        }
        let folder = tempfile::tempdir().unwrap();
        let this = Self { hosts, folder };
        fs::copy(this.hosts[0].key("operator"), this.identity()).unwrap();
        let public = fs::read_to_string(this.hosts[0].key("operator.pub")).unwrap();
        let mut known = String::new();
        for host in &this.hosts {
            known.push_str(&fs::read_to_string(host.known_hosts()).unwrap());
            host.tells(&format!("echo '{}' >>/etc/ssh/operator_keys", public.trim()))
                .await;
        }
        fs::write(this.known(), known).unwrap();
        Some(this)
    }

    fn identity(&self) -> PathBuf {
        self.folder.path().join("identity")
    }

    fn known(&self) -> PathBuf {
        self.folder.path().join("known_hosts")
    }

    fn table(&self, more: &[String]) -> String {
        let hosts: Vec<String> = self.hosts.iter().map(Sshd::name).chain(more.iter().cloned()).collect();
        let (identity, known) = (self.identity(), self.known());
        let (identity, known) = (identity.to_str().unwrap(), known.to_str().unwrap());
        format!(
            "hosts = {hosts:?}\nuser = \"root\"\nidentity = {{ file = {identity:?} }}\nknown_hosts = {known:?}\nconnect_timeout = \"2s\"\n"
        )
    }

    fn built(&self) -> Built {
        Built::new(&KIND, &self.table(&[]))
    }
}

#[tokio::test]
async fn a_person_is_contained_at_every_host_and_the_neighbour_goes_on() {
    let Some(fixture) = Fixture::start(2).await else { return };
    let built = fixture.built();
    let mut held = Vec::new();
    for host in &fixture.hosts {
        held.push((host.person("alice").await, host.person("bob").await));
    }
    let principal = built.resolve("username:alice").await;
    let verdict = built
        .contain(&principal, &demand(KINDS, true, PasswordReset::Always))
        .await
        .unwrap();
    assert_eq!(verdict, Ok(Verdict::Contained));
    for (host, (alice, bob)) in fixture.hosts.iter().zip(&held) {
        assert_eq!(that_work(host, alice, true).await, NONE);
        assert_eq!(host.processes("alice").await, 0);
        assert_eq!(that_work(host, bob, false).await, NONE);
        let left = host.tells("ls ~alice/.ssh").await;
        assert!(left.starts_with("authorized_keys.revoked-20"), "aside, and not gone: {left}");
    }
    // What is so already counts as done.
    let again = built
        .contain(&principal, &demand(KINDS, true, PasswordReset::Always))
        .await
        .unwrap();
    assert_eq!(again, Ok(Verdict::Contained));
    // Released, the key is not back, and neither is the password.
    built
        .target
        .apply(&built.context, &Action::Release, &[principal])
        .await
        .unwrap();
    assert_eq!(that_work(&fixture.hosts[0], &held[0].0, true).await, NONE);
}

#[tokio::test]
async fn a_suspension_alone_that_is_lifted_revives_key_and_password() {
    let Some(fixture) = Fixture::start(1).await else { return };
    let (built, host) = (fixture.built(), &fixture.hosts[0]);
    let alice = host.person("alice").await;
    let principal = [built.resolve("username:alice").await];
    built
        .target
        .apply(&built.context, &Action::Suspend, &principal)
        .await
        .unwrap();
    let seen = built.observe(&principal[0]).await.unwrap();
    assert!(seen.suspended() && seen.account.suspended_at.is_some());
    assert_eq!(seen.account.doors_once_enabled.len(), 2, "password and key come back");
    // What is open stays open: that is why processes are ended.
    assert!(!host.works(&alice[0]).await && !host.works(&alice[1]).await);
    assert!(host.works(&alice[2]).await && host.works(&alice[3]).await);
    built
        .target
        .apply(&built.context, &Action::Release, &principal)
        .await
        .unwrap();
    assert_eq!(that_work(host, &alice, false).await, NONE);
}

#[tokio::test]
async fn a_new_password_does_not_lift_the_lock() {
    let Some(fixture) = Fixture::start(1).await else { return };
    let (built, host) = (fixture.built(), &fixture.hosts[0]);
    let principal = [built.resolve("username:bob").await];
    let hash = async || host.tells("getent shadow bob | cut -d: -f2").await;
    for action in [Action::ResetPassword, Action::Suspend, Action::ResetPassword] {
        built.target.apply(&built.context, &action, &principal).await.unwrap();
    }
    assert_eq!(hash().await, "!*");
    assert!(built.observe(&principal[0]).await.unwrap().suspended());
    built
        .target
        .apply(&built.context, &Action::Release, &principal)
        .await
        .unwrap();
    assert_eq!(hash().await, "*");
}

#[tokio::test]
async fn nobody_is_nobody_and_no_name_is_code() {
    let Some(fixture) = Fixture::start(1).await else { return };
    let (built, host) = (fixture.built(), &fixture.hosts[0]);
    for name in [
        "username:carol",
        "username:Alice",
        "username:alice@example.org",
        "opaque:npryem6qbfdcxji356uo9tc33o",
    ] {
        assert_eq!(built.resolution(name).await.unwrap(), Resolution::None, "{name}");
    }
    let long = format!("username:{}", "a".repeat(500));
    for name in [
        "username:$(touch /pwned)",
        "username:alice; touch /pwned",
        "username:`touch /pwned`",
        "username:al'ice",
        "username:al\"ice",
        "username:-alice",
        "username:al ice",
        "username:1001",
        "username:/etc/passwd",
        "username:alice:x",
        &long,
    ] {
        assert_eq!(built.resolution(name).await.unwrap_err().remedy, Remedy::GiveUp, "{name}");
    }
    // A subject never holds these; a caller might.
    let mut principal = built.resolve("username:alice").await;
    for id in ["alice\ntouch /pwned", "$(touch /pwned)", "'; touch /pwned; '", "-h", "a\0b"] {
        id.clone_into(&mut principal.id);
        let looked = built.observe(&principal).await.unwrap_err();
        assert!(!looked.to_string().is_empty());
    }
    assert_eq!(host.tells("ls -d /pwned || true").await, "");
}

#[tokio::test]
async fn root_system_accounts_and_our_own_are_not_touched() {
    let Some(fixture) = Fixture::start(1).await else { return };
    let (built, host) = (fixture.built(), &fixture.hosts[0]);
    for name in ["username:root", "username:backup2", "username:nobody", "username:daemon"] {
        let error = built.resolution(name).await.unwrap_err();
        assert!(
            error.remedy == Remedy::GiveUp && error.to_string().contains("system account"),
            "{error}"
        );
    }
    // Whatever was planned: the host itself refuses.
    let mut principal = [built.resolve("username:alice").await];
    "root".clone_into(&mut principal[0].id);
    for action in [
        Action::Suspend,
        Action::EndAll {
            kind: GrantKind::Session,
        },
    ] {
        assert!(built.target.apply(&built.context, &action, &principal).await.is_err());
    }
    // Without the rights of root.
    let key = host.key("mallory");
    let identity = fixture.identity().to_str().unwrap().to_owned();
    let by_mallorys_key = fixture.table(&[]).replace(&identity, key.to_str().unwrap());
    let powerless = Built::new(&KIND, &by_mallorys_key.replace("user = \"root\"", "user = \"mallory\""));
    let error = powerless.resolution("username:mallory").await.unwrap_err();
    assert!(
        error.remedy == Remedy::Pause && error.to_string().contains("not root there"),
        "{error}"
    );
    // As alice who has become root: the same key, by which sshd runs everything as sudo would.
    let public = fs::read_to_string(host.key("mallory.pub")).unwrap();
    host.tells(&format!(
        "echo 'command=\"SUDO_USER=alice exec $SSH_ORIGINAL_COMMAND\" {}' >>/etc/ssh/operator_keys",
        public.trim()
    ))
    .await;
    let ours = Built::new(&KIND, &by_mallorys_key);
    let (alice, bob) = (ours.resolve("username:alice").await, ours.resolve("username:bob").await);
    assert!(alice.traits.contains(&PrincipalTrait::Ourselves) && !bob.traits.contains(&PrincipalTrait::Ourselves));
    let shadow = host.tells("getent shadow alice").await;
    for action in [
        Action::Suspend,
        Action::ResetPassword,
        Action::Release,
        Action::EndAll { kind: GrantKind::SshKey },
        Action::EndAll {
            kind: GrantKind::Session,
        },
    ] {
        let applied = ours.target.apply(&ours.context, &action, std::slice::from_ref(&alice)).await;
        let error = applied.unwrap_err().to_string();
        assert!(error.contains("would lock us out"), "{action}: {error}");
    }
    assert_eq!(host.tells("getent shadow alice").await, shadow);
    assert_eq!(host.tells("ls ~alice/.ssh").await, "authorized_keys");
}

#[tokio::test]
async fn a_folder_that_leads_elsewhere_is_not_followed() {
    let Some(fixture) = Fixture::start(1).await else { return };
    let (built, host) = (fixture.built(), &fixture.hosts[0]);
    host.tells(
        "install -d -m 700 ~root/.ssh; echo key >~root/.ssh/authorized_keys; rm -r ~mallory/.ssh; ln -s ~root/.ssh ~mallory/.ssh",
    )
    .await;
    let principal = built.resolve("username:mallory").await;
    let demanded = demand(KINDS, true, PasswordReset::Never);
    let whole = format!("{}/%u/.ssh/authorized_keys", host.tells("dirname ~mallory").await);
    for (read_from, word) in [
        (".ssh/authorized_keys", "leads out of its home"),
        (&whole, "a symbolic link leads elsewhere"),
    ] {
        host.tells(&format!("sed -i '1i AuthorizedKeysFile {read_from}' /etc/ssh/sshd_config"))
            .await;
        let verdict = built.contain(&principal, &demanded).await;
        let failed = verdict.unwrap_err().to_string();
        assert!(failed.contains("could not be moved aside"), "{read_from}: {failed}");
        let seen = built.observe(&principal).await.unwrap();
        assert!(seen.unseen[&GrantKind::SshKey].contains(word), "{read_from}: {seen:?}");
        assert_eq!(host.tells("cat ~root/.ssh/authorized_keys").await, "key", "{read_from}");
    }
    // Where no link leads elsewhere, the keys are moved: within the home, and in a folder that only root can write.
    let alice = built.resolve("username:alice").await;
    assert_eq!(built.contain(&alice, &demanded).await.unwrap(), Ok(Verdict::Contained));
    assert!(host.tells("ls ~alice/.ssh").await.starts_with("authorized_keys.revoked-20"));
    host.tells(
        "sed -i '1i AuthorizedKeysFile /etc/ssh/keys/%u' /etc/ssh/sshd_config; mkdir /etc/ssh/keys; echo key >/etc/ssh/keys/bob",
    )
    .await;
    let bob = built.resolve("username:bob").await;
    assert_eq!(built.contain(&bob, &demanded).await.unwrap(), Ok(Verdict::Contained));
    assert!(host.tells("ls /etc/ssh/keys").await.starts_with("bob.revoked-20"));
}

#[tokio::test]
async fn keys_are_not_seen_where_sshd_does_not_tell_from_which_files_it_reads_them() {
    let Some(fixture) = Fixture::start(1).await else { return };
    let (built, host) = (fixture.built(), &fixture.hosts[0]);
    let principal = built.resolve("username:alice").await;
    assert!(built.observe(&principal).await.unwrap().listed.contains(&GrantKind::SshKey));
    host.tells("echo Nonsense yes >>/etc/ssh/sshd_config").await;
    let seen = built.observe(&principal).await.unwrap();
    assert!(seen.unseen[&GrantKind::SshKey].contains("sshd -T"), "{seen:?}");
    assert!(!seen.listed.contains(&GrantKind::SshKey) && seen.listed.contains(&GrantKind::Session));
    // What lies in the usual place is ended all the same, and proves nothing.
    let verdict = built
        .contain(&principal, &demand(KINDS, true, PasswordReset::Never))
        .await
        .unwrap();
    assert_ne!(verdict, Ok(Verdict::Contained));
    assert!(host.tells("ls ~alice/.ssh").await.starts_with("authorized_keys.revoked-20"));
}

#[tokio::test]
async fn what_would_come_back_is_told() {
    let Some(fixture) = Fixture::start(1).await else { return };
    let (built, host) = (fixture.built(), &fixture.hosts[0]);
    host.tells(
        "mkdir -p /etc/sudoers.d /etc/cron.d /var/spool/cron/crontabs; echo 'alice ALL=(ALL) ALL' >/etc/sudoers.d/x; \
         echo '* * * * * alice true' >/etc/cron.d/x; echo '* * * * * true' >/var/spool/cron/crontabs/alice",
    )
    .await;
    let principal = built.resolve("username:alice").await;
    let notes = built.observe(&principal).await.unwrap().notes.join("\n");
    for word in [
        "/etc/sudoers.d/x names it",
        "/etc/cron.d/x runs commands as it",
        "it has a crontab",
        "in the groups alice",
    ] {
        assert!(notes.contains(word), "{notes}");
    }
}

#[tokio::test]
async fn a_host_that_is_down_or_strange_is_named_and_the_others_are_done() {
    let Some(fixture) = Fixture::start(2).await else { return };
    let down = Port::default();
    let address = format!("127.0.0.1:{}", down.number());
    let mut known = fs::read_to_string(fixture.known()).unwrap();
    let swapped: Vec<String> = known.lines().map(ToOwned::to_owned).collect();
    let key = |line: &str| line.split_once(' ').unwrap().1.to_owned();
    known.extend([format!("[127.0.0.1]:{} {}\n", down.number(), key(&swapped[0]))]);
    fs::write(fixture.known(), &known).unwrap();
    let built = Built::new(&KIND, &fixture.table(std::slice::from_ref(&address)));
    let probe = built.target.probe(&built.context).await.unwrap();
    assert!(
        probe
            .findings
            .iter()
            .all(|finding| finding.level == Level::Warning && finding.what.contains(&address))
    );
    let principal = built.resolve("username:alice").await;
    // Nobody here is not nobody there.
    let unsure = built.resolution("username:carol").await.unwrap_err();
    assert!(
        unsure.remedy == Remedy::Retry && unsure.to_string().contains(&address),
        "{unsure}"
    );
    let seen = built.observe(&principal).await.unwrap();
    assert!(
        seen.unreached.len() == 1 && seen.listed.is_empty() && seen.unseen.len() == 2,
        "{seen:?}"
    );
    let error = built
        .target
        .apply(&built.context, &Action::Suspend, std::slice::from_ref(&principal))
        .await
        .unwrap_err();
    assert!(
        error.remedy == Remedy::Retry && error.to_string().contains("done at 2 of 3 hosts"),
        "{error}"
    );
    assert!(built.observe(&principal).await.unwrap().suspended(), "at those that answer");
    // The second host now shows a key that is not the one that is known.
    let strange = known.replace(&key(&swapped[1]), &key(&swapped[0]));
    fs::write(fixture.known(), strange).unwrap();
    let built = fixture.built();
    let seen = built.observe(&principal).await.unwrap();
    assert!(
        seen.unreached[0].contains("does not show the host key that we know"),
        "{seen:?}"
    );
    assert!(seen.unreached[0].starts_with(&fixture.hosts[1].name()));
}

#[tokio::test]
async fn a_key_of_ours_that_no_host_takes_pauses() {
    let Some(fixture) = Fixture::start(1).await else { return };
    fs::copy(fixture.hosts[0].key("mallory"), fixture.identity()).unwrap();
    let error = fixture.built().resolution("username:alice").await.unwrap_err();
    assert!(
        error.remedy == Remedy::Pause && error.to_string().contains("does not take our key"),
        "{error}"
    );
}

#[tokio::test]
async fn the_daemon_keeps_a_job_open_for_the_host_that_is_down() {
    let Some(fixture) = Fixture::start(1).await else { return };
    let host = &fixture.hosts[0];
    let (alice, bob) = (host.person("alice").await, host.person("bob").await);
    let down = Port::default();
    let plan = InstallationPlan {
        more: "[[target]]\nname = \"shells\"\nkind = \"linux-host\"\n# keys\n\n[playbook.departed.shells]\nend = \"everything\"\nblock = true\n\
               reset_password = true\nwatch = []\n",
        ..InstallationPlan::default()
    };
    let site = Installation::new(plan).await;
    let config = fs::read_to_string(site.config()).unwrap();
    let address = format!("127.0.0.1:{}", down.number());
    fs::write(
        site.config(),
        config.replace("# keys", &fixture.table(std::slice::from_ref(&address))),
    )
    .unwrap();
    let running = site.start().await;
    let said = site.revoke("username:alice", "departed", &["--target", "shells"]).await;
    let told = said.json().to_string();
    assert_ne!(said.json()["case"]["verdict"], "contained", "{told}");
    assert!(told.contains(&address) && !told.contains("came back"), "{told}");
    assert_eq!(that_work(host, &alice, true).await, NONE, "at the host that is up");
    assert_eq!(that_work(host, &bob, false).await, NONE);
    running.stop().await;
    // Without the host that is gone for good, the same person is contained.
    fs::write(site.config(), config.replace("# keys", &fixture.table(&[]))).unwrap();
    let running = site.start().await;
    let said = site.revoke("username:bob", "departed", &["--target", "shells"]).await;
    assert_eq!(said.json()["case"]["verdict"], "contained", "{said:?}");
    assert_eq!(that_work(host, &bob, true).await, NONE);
    running.stop().await;
}

#[test]
fn a_table_that_would_trust_any_host_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        path
    };
    let (identity, known, empty) = (
        file("id", "key"),
        file("known", "a ssh-ed25519 AAAA"),
        file("empty", "# none\n"),
    );
    let keys = |host: &str, user: &str, known: &PathBuf, more: &str| {
        format!("hosts = [{host:?}]\nuser = {user:?}\nidentity = {{ file = {identity:?} }}\nknown_hosts = {known:?}\n{more}\n")
    };
    for (toml, word) in [
        (keys("a", "ops", &empty, ""), "holds no key"),
        (keys("-oProxyCommand=x", "ops", &known, ""), "is no host"),
        (keys("a b", "ops", &known, ""), "is no host"),
        (keys("a:99999", "ops", &known, ""), "is no host"),
        (
            keys("a", "ops", &known, "").replace("[\"a\"]", "[\"a\", \"a\"]"),
            "stands here twice",
        ),
        (keys("a", "-l", &known, ""), "is no name of an account"),
        (keys("a", "root", &known, "sudo = true"), "root needs no sudo"),
        (keys("a", "ops", &known, "ssh = \"/nonexistent\""), "is no program"),
        (keys("a", "ops", &known, "timeout = \"1ms\""), "between 1s and 10m"),
        (keys("a", "ops", &known, "known_host = 1"), "did you mean `known_hosts`?"),
        (
            "hosts = [\"a\", \"a\"]\nuser = \"ops\"\n".to_owned(),
            "the key `known_hosts` is missing",
        ),
    ] {
        let said = complaints(&KIND, &toml);
        assert!(said.contains(word), "{toml} gave {said}");
    }
}
