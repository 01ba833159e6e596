//! `revoked leaked` as it is typed: asked for and shown nowhere, and whose it was.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use crate::harness::pty::{NARROW, Terminal};
use crate::harness::{CommandOutput, Installation, InstallationPlan};

impl Installation {
    /// The secret of an access token of a person.
    fn token_of(&self, username: &str) -> String {
        let world = self.chat().world();
        let person = world.person(username).unwrap().id;
        world.tokens_of(person).next().unwrap().secret.to_string()
    }
}

fn last(text: &str) -> &str {
    text.trim_end().lines().last().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_a_terminal_it_is_asked_for_and_what_is_pasted_stands_nowhere() {
    let site = Installation::new(InstallationPlan::default()).await;
    let _running = site.start().await;
    let config = site.config();
    let args = ["leaked", "--target", "chat", "--wait", "--config", config.to_str().unwrap()];
    let secret = site.token_of("user01");
    let mut asked = Terminal::start(&args, &[], NARROW);
    asked.until_shows("paste the credential, then Enter (it is not shown):");
    // What stands behind the end of the line would be typed into the shell.
    asked.type_in(&format!("{secret}\r\nrm -r x\r"));
    let ended = asked.end();
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(
        !ended.printed.contains(&secret) && !ended.printed.contains("rm -r"),
        "{}",
        ended.printed
    );
    assert!(
        last(&ended.screen).starts_with("CONTAINED an access token of user01@example.test at chat in "),
        "{}",
        ended.screen
    );

    let mut doubtful = Terminal::start(&args, &[], NARROW);
    doubtful.until_shows("it is not shown");
    doubtful.type_in("s3cret\x03");
    let ended = doubtful.end();
    assert!(
        ended.code == 2 && last(&ended.screen).contains("nothing was handed in, and nothing was done"),
        "{ended:?}"
    );
    assert!(!ended.printed.contains("s3cret"), "{}", ended.printed);
    assert_eq!(site.count("SELECT count(*) FROM inbox").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handed_in_again_it_is_refused_and_the_case_that_ended_it_is_named() {
    let site = Installation::new(InstallationPlan::default()).await;
    let _running = site.start().await;
    site.secret("found", site.token_of("user01").as_bytes());
    let file = site.path("found").display().to_string();
    let args = ["leaked", "--target", "chat", "--file", &file, "--wait"];
    let first = site.says(&args).await;
    assert_eq!(first.code, 0, "{first:?}");
    let again = site.says(&args).await;
    assert_eq!(again.code, 12, "{again:?}");
    let answer = last(&again.out);
    assert!(
        answer.starts_with("REFUSED: case 1 ended it ") && answer.ends_with(": an access token of user01@example.test"),
        "{answer}"
    );

    // In a list its digest takes no room from where the case stands.
    let config = site.config();
    let listed = Terminal::start(&["case", "list", "--config", config.to_str().unwrap()], &[], NARROW).end();
    let lines: Vec<&str> = listed.screen.lines().collect();
    assert!(
        lines[0].contains("STATE") && lines[0].contains("VERDICT"),
        "{}",
        listed.screen
    );
    assert_eq!(lines.len(), 3, "{}", listed.screen);
    assert!(
        lines[2].contains("credential sha256:") && lines[2].contains("closed") && lines[2].contains("contained"),
        "{}",
        listed.screen
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipe_that_says_nothing_is_said_to_be_waited_for() {
    let site = Installation::new(InstallationPlan::default()).await;
    let _running = site.start().await;
    let config = site.config();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_revoked"))
        .args(["leaked", "--target", "chat", "--wait", "--config", config.to_str().unwrap()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut err = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    err.read_line(&mut said).unwrap();
    assert!(
        said.contains("read to the end of standard input, and that has not come yet"),
        "{said}"
    );
    child
        .stdin
        .take()
        .unwrap()
        .write_all(site.token_of("user01").as_bytes())
        .unwrap();
    let ended = CommandOutput::of(child.wait_with_output().unwrap());
    assert_eq!(ended.code, 0, "{ended:?}");
}
