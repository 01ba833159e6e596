//! The trail for people: the newest entries last, in words, and those that come.

use crate::harness::pty::{NARROW, Size, Terminal, WIDE};
use crate::harness::{CommandOutput, Installation, InstallationPlan};

async fn with_two_cases() -> Installation {
    let site = Installation::new(InstallationPlan::default()).await;
    let running = site.start().await;
    site.revoke("username:user01", "compromised", &[]).await;
    site.revoke("user02@example.test", "departed", &[]).await;
    running.stop().await;
    site
}

#[tokio::test]
async fn the_newest_stand_last_a_line_each_and_what_is_cut_is_counted() {
    let site = with_two_cases().await;
    let config = site.config();
    let entries = site.count("SELECT size FROM trail_head").await;
    for size in [NARROW, Size(100, 30), WIDE] {
        let args = ["trail", "show", "--last", "5", "--config", config.to_str().unwrap()];
        let ended = Terminal::start(&args, &[], size).end();
        let shown: Vec<&str> = ended.screen.lines().collect();
        assert_eq!(shown.len(), 6, "{}", ended.screen);
        assert_eq!(shown[0], format!("{} earlier (--last 20)", entries - 5));
        assert!(shown[5].ends_with("daemon.stopped"), "{}", ended.screen);
        assert!(
            shown.iter().all(|line| line.chars().count() <= usize::from(size.0)),
            "{}",
            ended.screen
        );
    }
    let all = site.says(&["trail", "show", "--last", "1000"]).await;
    assert_eq!(all.out.lines().count(), usize::try_from(entries).unwrap());
    assert!(all.out.contains("case 1 user01 · contained after "), "{all:?}");
    let json = site.says(&["trail", "show", "--last", "2", "--json"]).await;
    let last: serde_json::Value = serde_json::from_str(json.out.lines().last().unwrap()).unwrap();
    assert_eq!((&last["kind"], json.out.lines().count()), (&"daemon.stopped".into(), 2));
}

#[tokio::test]
async fn filters_leave_what_is_asked_for() {
    let site = with_two_cases().await;
    let lines = async |args: &[&str]| {
        let said = site.says(&[&["trail", "show"][..], args].concat()).await;
        assert_eq!(said.code, 0, "{said:?}");
        said.out.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let of_person = lines(&["--subject", "user02@example.test", "--kind", "case."]).await;
    assert!(
        !of_person.is_empty() && of_person.iter().all(|line| line.contains("case 2 user02@example.test")),
        "{of_person:?}"
    );
    let of_job = lines(&["--job", "1", "--last", "1"]).await;
    assert!(
        of_job[0].starts_with("earlier ones are not shown") && of_job.len() == 2,
        "{of_job:?}"
    );
    assert_eq!(lines(&["--until", "2020-01-01"]).await, ["no entries"]);
    assert_eq!(
        lines(&["--operator", "nobody-of-that-name"]).await,
        ["no entries, and none at all by an operator called \"nobody-of-that-name\""]
    );
    for (typed, meant) in [("case.openned", "did you mean case.opened?"), ("moon.", "they begin with ")] {
        let refused = site.says(&["trail", "show", "--kind", typed]).await;
        assert!(refused.code == 2 && refused.err.contains(meant), "{refused:?}");
    }
    let id = std::process::Command::new("id").arg("-un").output().unwrap();
    let me = String::from_utf8(id.stdout).unwrap();
    site.says(&["subject", "link", "username:user05", "user05@example.test"])
        .await;
    let mine = lines(&["--operator", me.trim(), "--long"]).await;
    assert!(
        mine[0].contains("subject.linked") && mine[0].contains("by operator "),
        "{mine:?}"
    );
    assert!(mine[1].trim_start().contains('{'), "the whole of it stands below: {mine:?}");
}

#[tokio::test]
async fn what_people_write_beside_a_case_is_found_by_its_person() {
    let site = with_two_cases().await;
    site.says(&["case", "note", "2", "the laptop is with us"]).await;
    site.says(&["case", "assign", "2", "--to", "alice"]).await;
    let said = site
        .says(&["trail", "show", "--subject", "user02@example.test", "--kind", "case."])
        .await;
    for kind in ["case.noted", "case.assigned"] {
        let line = said.out.lines().find(|line| line.contains(kind)).unwrap_or_default();
        assert!(line.contains("case 2 user02@example.test"), "{kind}: {said:?}");
    }
}

#[tokio::test]
async fn the_answer_of_a_verification_stands_last_and_all_of_it_fits_the_screen() {
    let site = with_two_cases().await;
    let config = site.config();
    let ended = Terminal::start(&["trail", "verify", "--config", config.to_str().unwrap()], &[], NARROW).end();
    let printed = anstream::adapter::strip_str(&ended.printed).to_string();
    let lines: Vec<&str> = printed.lines().map(str::trim_end).collect();
    let entries = site.count("SELECT size FROM trail_head").await;
    assert!(
        lines.last().unwrap().starts_with(&format!("VERIFIED: {entries} entries; ")),
        "{printed}"
    );
    let outside = site.path("outside/checkpoints").display().to_string();
    let fits = |line: &&str| line.chars().count() <= 80 || line.contains(&outside);
    assert!(lines.iter().all(fits), "{printed}");
}

#[tokio::test]
async fn what_comes_is_followed_until_the_reader_goes() {
    use std::io::{BufRead as _, BufReader};
    let site = with_two_cases().await;
    let config = site.config();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_revoked"))
        .args([
            "trail",
            "show",
            "--follow",
            "--last",
            "1",
            "--config",
            config.to_str().unwrap(),
        ])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(out.any(|line| line.ends_with("daemon.stopped")));
    site.says(&["subject", "link", "username:user05", "user05@example.test"])
        .await;
    let next = out.next().unwrap();
    assert!(next.contains("subject.linked"), "{next}");
    drop(out);
    let ended = crate::harness::until("it ends with its reader", async || child.try_wait().unwrap()).await;
    assert!(ended.success(), "{ended:?}");
}

#[tokio::test]
async fn plain_ascii_is_enough() {
    let site = with_two_cases().await;
    let mut command = site.command(&["trail", "show"]);
    command.env("LC_ALL", "C");
    let said = CommandOutput::of(command.output().await.unwrap());
    assert!(
        said.out.is_ascii() && said.out.contains("case 1 user01 - contained after "),
        "{said:?}"
    );
}

#[tokio::test]
async fn the_verdict_stands_last_and_names_the_first_bad_entry_and_what_to_type() {
    let site = with_two_cases().await;
    let good = site.says(&["trail", "verify"]).await;
    let last = good.out.lines().last().unwrap();
    assert!(
        good.code == 0 && last.starts_with("VERIFIED: ") && last.ends_with(" 0 rest on this machine's word"),
        "{good:?}"
    );
    let mut conn = site.sql().await;
    let seq = site.count("SELECT seq FROM trail WHERE body LIKE '%case.opened%'").await;
    for sql in [
        "DROP TRIGGER IF EXISTS trail_is_not_changed",
        "UPDATE trail SET body = replace(body, 'compromised', 'departed___') WHERE body LIKE '%case.opened%'",
    ] {
        sqlx::raw_sql(sql).execute(&mut conn).await.unwrap();
    }
    drop(conn);
    let config = site.config();
    let args = ["trail", "verify", "--config", config.to_str().unwrap()];
    let ended = Terminal::start(&args, &[], NARROW).end();
    assert_eq!(ended.code, 5, "{ended:?}");
    let printed = anstream::adapter::strip_str(&ended.printed).to_string();
    let words = printed.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.ends_with(&format!(
            "NOT VERIFIED: first bad entry {seq} (case 1, case.opened) · revoked trail show --from {seq} --last 1"
        )),
        "{printed}"
    );
    // What is said of another store is to be looked at there.
    let store = site.store().display().to_string();
    let named = site.says(&["trail", "verify", "--store", &store]).await;
    let next = format!("revoked trail show --from {seq} --last 1 --store {store}");
    assert!(named.code == 5 && named.out.trim_end().ends_with(&next), "{named:?}");
}

#[tokio::test]
async fn a_backup_that_is_older_than_the_checkpoints_outside_is_said_to_be_whole_as_far_as_it_goes() {
    let site = with_two_cases().await;
    let copy = site.path("copy.db").display().to_string();
    assert_eq!(site.says(&["backup", &copy]).await.code, 0);
    std::fs::copy(site.path("outside/checkpoints"), site.path("checkpoints-of-then")).unwrap();
    let running = site.start().await;
    site.revoke("username:user03", "compromised", &[]).await;
    running.stop().await;
    let older = site.says(&["trail", "verify", "--store", &copy]).await;
    assert_eq!(older.code, 5, "{older:?}");
    let last = older.out.lines().last().unwrap();
    assert!(
        last.starts_with("NOT VERIFIED: all ")
            && last.contains(": an older copy, or its end was cut off · bring the checkpoints of its time"),
        "{older:?}"
    );
    assert!(
        older
            .out
            .contains("note: no verifier keys lie beside this store; taken were those beside "),
        "{older:?}"
    );
    let then = site.path("checkpoints-of-then").display().to_string();
    let verified = site.says(&["trail", "verify", "--store", &copy, "--anchor", &then]).await;
    assert_eq!(verified.code, 0, "{verified:?}");
}

#[tokio::test]
async fn who_became_the_account_stands_behind_it_and_is_found() {
    let site = with_two_cases().await;
    let mut command = site.command(&["case", "note", "1", "asked by phone"]);
    command.env("SUDO_USER", "anna");
    let said = CommandOutput::of(command.output().await.unwrap());
    assert_eq!(said.code, 0, "{said:?}");
    let mut command = site.command(&["case", "assign", "1"]);
    command.env("SUDO_USER", "anna");
    CommandOutput::of(command.output().await.unwrap());
    // Where the kernel keeps who had logged in, its word goes before that of sudo.
    let kept = std::fs::read_to_string("/proc/self/loginuid").unwrap_or_default();
    if kept.trim().parse::<u32>().is_ok_and(|kept| kept != u32::MAX) {
        println!("NOT CHECKED: somebody has logged in here");
        return;
    }
    let found = site.says(&["trail", "show", "--operator", "anna", "--json"]).await;
    let found: Vec<serde_json::Value> = found.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0]["actor"].as_str().unwrap().ends_with(") sudo:anna"), "{found:?}");
    let case = site.ask(&["case", "show", "1"]).await;
    assert_eq!(case["case"]["owner"], "anna", "{case:#}");
    // What is no login is nobody's.
    let mut command = site.command(&["case", "note", "1", "again"]);
    command.env("SUDO_USER", "anna smith) sudo:root");
    CommandOutput::of(command.output().await.unwrap());
    let last = site.says(&["trail", "show", "--last", "1", "--json"]).await;
    assert!(!last.out.contains("sudo:"), "{last:?}");
}

#[tokio::test]
async fn an_entry_that_is_not_there_is_said_to_be_missing_and_the_next_one_does_not_stand_for_it() {
    let site = with_two_cases().await;
    let entries = site.count("SELECT size FROM trail_head").await;
    let mut conn = site.sql().await;
    let cut = format!(
        "DROP TRIGGER trail_is_not_cut; DELETE FROM trail WHERE seq IN (5, 7, 8, {})",
        entries - 1
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(cut)).execute(&mut conn).await.unwrap();
    let show = async |args: &[&str]| site.says(&[&["trail", "show"][..], args].concat()).await;
    let gone = |which: &str| format!("{which} missing: somebody has deleted what stood there (revoked trail verify)");
    let one = show(&["--from", "5", "--last", "1"]).await;
    assert_eq!(one.out.lines().next(), Some(gone("entry 5 is").as_str()), "{one:?}");
    let all = show(&["--from", "4"]).await;
    let lines: Vec<&str> = all.out.lines().collect();
    assert_eq!(
        (lines[1], lines[3]),
        (&*gone("entry 5 is"), &*gone("entries 7 to 8 are")),
        "{all:?}"
    );
    assert_eq!(lines.last(), Some(&&*gone(&format!("entry {} is", entries - 1))), "{all:?}");
    let last = show(&["--from", &(entries - 1).to_string(), "--last", "1"]).await;
    assert_eq!(last.out.trim_end(), gone(&format!("entry {} is", entries - 1)), "{last:?}");
    let beyond = show(&["--from", "9999", "--last", "1"]).await;
    let end = format!(
        "entry 9999: there is none of that number; the trail ends with entry {}",
        entries - 1
    );
    assert_eq!(beyond.out.trim_end(), end, "{beyond:?}");
    let chosen = show(&["--from", "5", "--kind", "case.", "--json"]).await;
    assert!(chosen.err.contains(&gone("entry 5 is")), "{chosen:?}");
    let verified = site.says(&["trail", "verify"]).await;
    assert!(
        verified.code == 5 && verified.out.contains("entry 5: missing; the next one is 6"),
        "{verified:?}"
    );
}
