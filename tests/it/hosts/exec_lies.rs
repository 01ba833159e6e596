//! Programs that hang, flood, fork, die and lie: each becomes an error that says so, and nothing of theirs is left behind.

use std::fs;
use std::path::{Path, PathBuf};

use revoked::model::{GrantKind, PasswordReset};
use revoked::targets::exec::KIND;
use revoked::targets::{Remedy, TargetError};

use super::{Built, demand};
use crate::wait::until;

const DESCRIBED: &str = r#"{"revoked":1,"asks_by":["username"],"ends":["session"],"lists":["session"],"suspends":true}"#;
const RESOLVED: &str = r#"{"revoked":1,"principal":{"id":"a","names":["username:alice"]}}"#;
const OBSERVED: &str =
    r#"{"revoked":1,"principal":"a","suspended":true,"listed":["session"],"grants":[{"kind":"session","id":"s"}]}"#;
const DONE: &str = r#"{"revoked":1}"#;

/// A program in sh that answers by these lines.
struct Script {
    folder: tempfile::TempDir,
}

impl Script {
    /// What it does for each question, as commands of the shell.
    fn new(describe: &str, resolve: &str, observe: &str, apply: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "read -r asked\ncase $asked in\n*'\"do\":\"describe\"'*)\n{describe}\n;;\n*'\"do\":\"resolve\"'*)\n{resolve}\n;;\n\
             *'\"do\":\"observe\"'*)\n{observe}\n;;\n*)\n{apply}\n;;\nesac\n"
        );
        fs::write(folder.path().join("script"), text).unwrap();
        Self { folder }
    }

    /// One that answers everything well but this.
    fn resolving(commands: &str) -> Self {
        Self::new(&says(DESCRIBED), commands, &says(OBSERVED), &says(DONE))
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("script")
    }

    fn build(&self, more: &str) -> Built {
        let path = self.path();
        let (script, folder) = (path.to_str().unwrap(), self.folder.path().to_str().unwrap());
        Built::new(
            &KIND,
            &format!("command = [\"/bin/sh\", {script:?}]\nfolder = {folder:?}\n{more}\n"),
        )
    }
}

fn says(answer: &str) -> String {
    format!("cat <<'END'\n{answer}\nEND")
}

async fn failure(script: &Script, more: &str) -> TargetError {
    script.build(more).resolution("username:alice").await.unwrap_err()
}

/// Whether the process of that file is gone.
async fn gone(file: &Path) {
    let pid = until("the process id", async || {
        fs::read_to_string(file).ok().filter(|text| text.ends_with('\n'))
    })
    .await;
    let status = format!("/proc/{}/stat", pid.trim());
    until("its end", async || {
        let state = fs::read_to_string(&status).ok();
        state.is_none_or(|state| state.contains(") Z ")).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_program_that_hangs_is_killed_with_its_children() {
    let script = Script::resolving("sleep 1000 &\necho $! >child\necho $$ >self\nwait");
    let error = failure(&script, "timeout = \"500ms\"").await;
    assert_eq!(error.remedy, Remedy::Retry);
    assert!(
        error.to_string().contains("had not ended after 500ms and was killed"),
        "{error}"
    );
    gone(&script.folder.path().join("child")).await;
    gone(&script.folder.path().join("self")).await;
}

#[tokio::test]
async fn what_a_program_leaves_in_the_background_is_killed_and_its_answer_taken() {
    let script = Script::resolving(&format!("sleep 1000 &\necho $! >child\n{}", says(RESOLVED)));
    let built = script.build("");
    assert_eq!(built.resolve("username:alice").await.id, "a");
    gone(&script.folder.path().join("child")).await;
}

#[tokio::test]
async fn a_child_that_leaves_the_group_does_not_hold_the_answer_up() {
    let script = Script::resolving(&format!("setsid sleep 30 &\necho $! >child\n{}", says(RESOLVED)));
    assert_eq!(script.build("").resolve("username:alice").await.id, "a");
    let pid: i32 = fs::read_to_string(script.folder.path().join("child"))
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    // It is out of reach of the target, as its page says, and the test's to end.
    _ = rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), rustix::process::Signal::KILL);
}

#[tokio::test]
async fn a_call_that_is_cut_off_kills_the_program() {
    let script = Script::resolving("echo $$ >self\nexec sleep 1000");
    let built = script.build("timeout = \"10m\"");
    let started = until("the program", async || {
        script.folder.path().join("self").exists().then_some(())
    });
    tokio::select! {
        _ = built.resolution("username:alice") => panic!("it cannot have answered"),
        () = started => {}
    }
    gone(&script.folder.path().join("self")).await;
}

#[tokio::test]
async fn a_program_that_floods_is_killed() {
    for flood in ["cat /dev/zero", "cat /dev/zero >&2"] {
        let script = Script::resolving(flood);
        let error = failure(&script, "output = 4096").await;
        assert!(error.to_string().contains("more than 4096 bytes"), "{error}");
    }
}

#[tokio::test]
async fn a_program_that_reads_nothing_or_dies_is_told_so() {
    let script = Script::resolving("exec <&-\nprintf '\\033[31mno \\nroute s3cret-of-ours' >&2\nexit 7");
    let secret = script.folder.path().join("secret");
    fs::write(&secret, "s3cret-of-ours").unwrap();
    fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let error = failure(&script, &format!("environment = {{ KEY = {{ file = {secret:?} }} }}"))
        .await
        .to_string();
    assert!(error.contains("code 7") && error.contains("no \\nroute [secret]"), "{error}");
    assert!(!error.contains('\u{1b}') && !error.contains("s3cret"), "{error}");
    let killed = failure(&Script::resolving("kill -9 $$"), "").await;
    assert!(killed.to_string().contains("killed by a signal"), "{killed}");
}

#[tokio::test]
async fn a_secret_that_begins_with_another_is_hidden_whole() {
    let script = Script::resolving("printf 'no abcdef, no abc' >&2\nexit 7");
    let mut environment = Vec::new();
    for (name, secret) in [("LONG", "abcdef"), ("A", "abc"), ("Z", "abc")] {
        let path = script.folder.path().join(name);
        fs::write(&path, secret).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        environment.push(format!("{name} = {{ file = {path:?} }}"));
    }
    let error = failure(&script, &format!("environment = {{ {} }}", environment.join(", "))).await;
    assert!(error.to_string().contains("no [secret], no [secret]"), "{error}");
}

#[tokio::test]
async fn a_program_that_is_gone_pauses_the_target() {
    let script = Script::resolving(&says(RESOLVED));
    let program = script.folder.path().join("program");
    fs::write(&program, "no program at all").unwrap();
    let built = Built::new(&KIND, &format!("command = [{program:?}]"));
    let error = built.resolution("username:alice").await.unwrap_err();
    assert_eq!(error.remedy, Remedy::Pause, "{error}");
    fs::remove_file(&program).unwrap();
    let error = built.resolution("username:alice").await.unwrap_err();
    assert_eq!(error.remedy, Remedy::Pause, "{error}");
}

#[tokio::test]
async fn nothing_of_ours_is_handed_to_the_program() {
    let script = Script::resolving("ls -l /proc/self/fd >fds\nenv >env\npwd >where\nexit 3");
    let held = script.folder.path().join("held-by-us");
    let _held = fs::File::create(&held).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listening = fs::read_link(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&listener))).unwrap();
    failure(&script, "").await;
    let read = |name: &str| fs::read_to_string(script.folder.path().join(name)).unwrap();
    let open = read("fds");
    assert!(open.contains("pipe:") && !open.contains("held-by-us"), "{open}");
    assert!(!open.contains(listening.to_str().unwrap()), "{open}");
    let names: Vec<String> = read("env")
        .lines()
        .map(|line| line.split('=').next().unwrap().to_owned())
        .collect();
    assert!(
        names
            .iter()
            .all(|name| ["PATH", "LC_ALL", "PWD", "OLDPWD", "_", "SHLVL"].contains(&name.as_str())),
        "{names:?}"
    );
    assert_eq!(
        read("where").trim(),
        script.folder.path().canonicalize().unwrap().to_str().unwrap()
    );
}

#[tokio::test]
async fn an_answer_that_is_none_is_told_by_its_fault_and_without_its_values() {
    for (answer, word) in [
        ("", "empty, or ends too early"),
        ("{\"revoked\":1", "ends too early"),
        ("Traceback: s3cret", "not one JSON object"),
        (&format!("{RESOLVED}{RESOLVED}"), "not one JSON object"),
        ("{\"revoked\":1,\"nobody\":\"s3cret\"}", "a value has the wrong form"),
        ("{\"revoked\":1,\"contained\":true}", "unknown field `contained`"),
        ("{\"nobody\":true}", "missing field `revoked`"),
        ("{\"revoked\":1,\"nobody\":true,\"nobody\":true}", "duplicate field"),
        ("{\"revoked\":1}", "exactly one of nobody, principal and ambiguous"),
        ("{\"revoked\":1,\"ambiguous\":[\"a\"]}", "one account; that is a principal"),
        (
            "{\"revoked\":1,\"nobody\":true,\"principal\":{\"id\":\"a\",\"names\":[\"username:alice\"]}}",
            "exactly one",
        ),
        (
            "{\"revoked\":1,\"principal\":{\"id\":\"a\",\"names\":[\"username:alicia\"]}}",
            "may be somebody else",
        ),
        (
            "{\"revoked\":1,\"principal\":{\"id\":\"a\",\"names\":[\"alice\"]}}",
            "no name such as",
        ),
        (
            "{\"revoked\":1,\"principal\":{\"id\":\"\",\"names\":[\"username:alice\"]}}",
            "visible characters",
        ),
        (
            "{\"revoked\":1,\"principal\":{\"id\":\"a\\u001b[2J\",\"names\":[\"username:alice\"]}}",
            "visible characters",
        ),
        (
            "{\"revoked\":1,\"principal\":{\"id\":\"a b\",\"names\":[\"username:alice\"]}}",
            "visible characters",
        ),
    ] {
        let error = failure(&Script::resolving(&says(answer)), "").await;
        let said = error.to_string();
        assert!(
            said.contains(word) && !said.contains("s3cret") && !said.contains('\u{1b}'),
            "{answer}: {said}"
        );
        assert_eq!(error.remedy, Remedy::Retry, "{answer}");
    }
    for answer in [
        r#"{"revoked":2,"nobody":true}"#,
        r#"{"revoked":2,"error":{"what":"no route","then":"give_up"}}"#,
    ] {
        let other = failure(&Script::resolving(&says(answer)), "").await;
        assert!(
            other.remedy == Remedy::Pause && other.to_string().contains("version 2"),
            "{answer}: {other}"
        );
    }
}

#[tokio::test]
async fn upper_and_lower_case_are_one_but_in_ids_and_in_what_an_issuer_calls_somebody() {
    let described = r#"{"revoked":1,"asks_by":["username","iss_sub"]}"#;
    let names = r#"["username:alice","iss_sub:https://idp.example.com#Alice"]"#;
    let resolved = format!(r#"{{"revoked":1,"principal":{{"id":"Ab1","names":{names}}}}}"#);
    let script = Script::new(&says(described), &says(&resolved), &says(OBSERVED), &says(DONE));
    let built = script.build("");
    for name in ["username:ALICE", "opaque:Ab1", "iss_sub:https://idp.example.com#Alice"] {
        assert_eq!(built.resolve(name).await.id, "Ab1", "{name}");
    }
    for name in ["opaque:ab1", "iss_sub:https://idp.example.com#alice"] {
        let error = built.resolution(name).await.unwrap_err();
        assert!(error.to_string().contains("may be somebody else"), "{name}: {error}");
    }
}

#[tokio::test]
async fn an_observation_that_cannot_be_so_is_not_believed() {
    for (answer, word) in [
        (
            r#"{"revoked":1,"principal":"b","suspended":true,"listed":["session"],"grants":[]}"#,
            "another account",
        ),
        (
            r#"{"revoked":1,"principal":"a","suspended":true,"listed":["bot"],"grants":[]}"#,
            "its description cannot list",
        ),
        (
            r#"{"revoked":1,"principal":"a","suspended":true,"listed":[],"grants":[{"kind":"session","id":"s"}]}"#,
            "does not say was listed",
        ),
        (
            r#"{"revoked":1,"principal":"a","suspended":true,"listed":["session"],"grants":[{"kind":"spell","id":"s"}]}"#,
            "unknown variant `spell`",
        ),
        (
            r#"{"revoked":1,"principal":"a","suspended":true,"listed":["session"],"grants":[{"kind":"session","id":"a b"}]}"#,
            "visible characters",
        ),
        (
            r#"{"revoked":1,"principal":"a","suspended":true,"listed":["session"],"grants":[{"kind":"session","id":"s"},{"kind":"session","id":"s"}]}"#,
            "twice",
        ),
        (
            r#"{"revoked":1,"principal":"a","suspended":true,"listed":["session"],"unseen":{"session":"x"},"grants":[]}"#,
            "both listed and unseen",
        ),
        (
            r#"{"revoked":1,"principal":"a","suspended":true,"listed":["session"],"grants":[],"verdict":"contained"}"#,
            "unknown field `verdict`",
        ),
        (
            r#"{"revoked":1,"principal":"a","suspended":true,"listed":["session"],"grants":[],"residuals":[{"what":"x"}]}"#,
            "a residual ends",
        ),
    ] {
        let script = Script::new(&says(DESCRIBED), &says(RESOLVED), &says(answer), &says(DONE));
        let built = script.build("");
        let principal = built.resolve("username:alice").await;
        let error = built.observe(&principal).await.unwrap_err();
        assert!(error.to_string().contains(word), "{answer}: {error}");
    }
}

#[tokio::test]
async fn a_description_that_contradicts_itself_is_refused() {
    for (answer, word) in [
        (r#"{"revoked":1,"asks_by":[]}"#, "nobody can be looked up"),
        (r#"{"revoked":1,"asks_by":["name"]}"#, "there are email"),
        (r#"{"revoked":1,"asks_by":["email"],"ends":["session"]}"#, "cannot be listed"),
        (
            r#"{"revoked":1,"asks_by":["email"],"disables":["session"]}"#,
            "which ends does not",
        ),
        (
            r#"{"revoked":1,"asks_by":["email"],"ends_all":["session"],"disables":["session"]}"#,
            "disables holds session, which ends does not",
        ),
        (
            r#"{"revoked":1,"asks_by":["email"],"ends_all":["session"],"end_sets":{"session":5}}"#,
            "end_sets holds session, which ends does not",
        ),
        (
            r#"{"revoked":1,"asks_by":["email"],"lists":["session"],"unlisted":{"session":"x"}}"#,
            "both in lists and in unlisted",
        ),
        (
            r#"{"revoked":1,"asks_by":["email"],"ends":["session"],"lists":["session"],"end_sets":{"session":0}}"#,
            "from 1 to 10000",
        ),
    ] {
        let script = Script::new(&says(answer), &says(RESOLVED), &says(OBSERVED), &says(DONE));
        let error = failure(&script, "").await;
        assert!(error.to_string().contains(word), "{answer}: {error}");
    }
}

#[tokio::test]
async fn a_program_that_says_done_and_goes_on_listing_contains_nobody() {
    let script = Script::new(&says(DESCRIBED), &says(RESOLVED), &says(OBSERVED), &says(DONE));
    let built = script.build("");
    let principal = built.resolve("username:alice").await;
    let verdict = built
        .contain(&principal, &demand([GrantKind::Session], true, PasswordReset::Never))
        .await
        .unwrap();
    assert_eq!(verdict.unwrap_err().to_string(), "still there: 1 session");
}

#[tokio::test]
async fn an_error_of_the_programs_own_is_what_it_says() {
    let wait = |seconds| Remedy::RetryAfter(std::time::Duration::from_secs(seconds));
    for (then, remedy) in [
        ("", Remedy::Retry),
        (r#","then":"retry""#, Remedy::Retry),
        (r#","then":"retry_after","seconds":7"#, wait(7)),
        (r#","then":"retry_after""#, wait(60)),
        (r#","then":"retry_after","seconds":0"#, wait(1)),
        (r#","then":"retry_after","seconds":18446744073709551615"#, wait(3600)),
        (r#","then":"pause""#, Remedy::Pause),
        (r#","then":"give_up""#, Remedy::GiveUp),
    ] {
        let answer = format!(r#"{{"revoked":1,"error":{{"what":"no \u001b[31mroute"{then}}}}}"#);
        let error = failure(&Script::resolving(&says(&answer)), "").await;
        assert_eq!(error.remedy, remedy);
        assert!(error.to_string().contains("the program says: no \\u{1b}[31mroute"), "{error}");
    }
}
