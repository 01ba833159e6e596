//! What shells are told while somebody types, the help on a small screen, and the manual pages.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use crate::harness::pty::{NARROW, Terminal};
use crate::harness::{Installation, InstallationPlan, until};

/// The folder of the built program, first in the search path.
fn search_path() -> String {
    let folder = Path::new(env!("CARGO_BIN_EXE_revoked")).parent().unwrap();
    let rest = std::env::var_os("PATH").unwrap_or_default();
    format!("{}:{}", folder.display(), rest.to_string_lossy())
}

/// Runs a script by a shell that has read our completions; nothing where the shell is not here.
fn by_shell(shell: &[&str], script: &str, config: &Path) -> Option<String> {
    let mut command = Command::new(shell[0]);
    command
        .args(&shell[1..])
        .arg(script)
        .env("PATH", search_path())
        .env("REVOKED_CONFIG", config);
    let Ok(output) = command.output() else {
        drop(writeln!(std::io::stderr(), "NOT CHECKED: {} is not here", shell[0]));
        return None;
    };
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

/// What bash offers for the last of `words`.
fn bash(words: &[&str], config: &Path) -> Vec<String> {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let script = format!(
        "eval \"$(revoked completions bash)\"; COMP_WORDS=({}); COMP_CWORD={}; COMP_TYPE=9; \
         $(complete -p revoked | sed 's/.*-F \\([^ ]*\\).*/\\1/') revoked \"${{COMP_WORDS[COMP_CWORD]}}\" '' 2> /dev/null; \
         printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        quoted.join(" "),
        words.len() - 1
    );
    let offered = by_shell(&["bash", "--norc", "-c"], &script, config).unwrap();
    offered
        .lines()
        .map(str::to_owned)
        .filter(|word| !word.is_empty() && !word.starts_with("--"))
        .collect()
}

#[tokio::test]
async fn a_shell_offers_what_the_program_the_config_and_the_store_know() {
    let plan = InstallationPlan {
        more: "[[source]]\nname = \"siem\"\nkind = \"webhook\"\nverify = \"bearer\"\nsecrets = [{ credential = \"siem\" }]\n",
        ..InstallationPlan::default()
    };
    let site = Installation::new(plan).await;
    site.secret("siem", b"0123456789abcdef0123456789abcdef");
    let mut run = site.command(&["run"]);
    run.env("CREDENTIALS_DIRECTORY", site.config().parent().unwrap());
    let running = site.start_by(run).await;
    for subject in ["username:user01", "username:user02"] {
        site.revoke(subject, "compromised", &[]).await;
    }
    let mut conn = site.sql().await;
    let alert = "INSERT INTO alert (kind, key, summary, raised_at, last_at) VALUES ('door_closed', 'x', 'x', 0, 0)";
    sqlx::raw_sql(alert).execute(&mut conn).await.unwrap();
    let config = site.config();
    for (words, wanted) in [
        (&["revoked", "back"][..], &["backup"][..]),
        (&["revoked", "revoke", "x", "--reason", "com"], &["compromised"]),
        (&["revoked", "revoke", "x", "--target", ""], &["chat"]),
        (&["revoked", "revoke", "x", "--playbook", "dep"], &["departed"]),
        (&["revoked", "source", "test", ""], &["inbox", "siem"]),
        (&["revoked", "case", "show", ""], &["2", "1"]),
        (&["revoked", "alert", "clear", ""], &["1"]),
        (&["revoked", "trail", "show", "--kind", "hold.approved"], &["hold.approved"]),
        (&["revoked", "job", "list", "--state", "sch"], &["scheduled"]),
    ] {
        // What is not there at once is not waited for, so that nobody's typing is held up.
        until(&words.join(" "), async || (bash(words, &config) == wanted).then_some(())).await;
    }
    // The config that is typed goes before that of the environment, and one that is not there offers nothing and says nothing.
    let typed = config.to_str().unwrap();
    let nowhere = Path::new("/nowhere/revoked.toml");
    assert_eq!(
        bash(&["revoked", "--config", typed, "revoke", "x", "--target", ""], nowhere),
        ["chat"]
    );
    assert!(bash(&["revoked", "revoke", "x", "--target", ""], nowhere).is_empty());
    assert!(bash(&["revoked", "case", "show", ""], nowhere).is_empty());
    let fish = "revoked completions fish | source; complete -C 'revoked revoke x --target '; complete -C 'revoked case show '";
    until("what fish offers", async || {
        let Some(offered) = by_shell(&["fish", "--no-config", "-c"], fish, &config) else {
            return Some(());
        };
        let offered: Vec<&str> = offered.lines().collect();
        (offered.contains(&"chat") && offered.contains(&"2\tcompromised, contained")).then_some(())
    })
    .await;
    // As Debian starts it: nobody has run compinit.
    let zsh = "ZDOTDIR=$(mktemp -d); eval \"$(revoked completions zsh)\"; print ${_comps[revoked]}; \
               _CLAP_IFS=$'\\n' _CLAP_COMPLETE_INDEX=4 COMPLETE=zsh revoked -- revoked revoke x --target ''";
    if let Some(offered) = by_shell(&["zsh", "-f", "-c"], zsh, &config) {
        assert!(offered.contains("revoked") && offered.contains("chat"), "{offered}");
    }
    running.stop().await;
}

#[test]
fn the_help_fits_a_small_screen_and_breaks_no_word() {
    for args in [
        &["--help"][..],
        &["revoke", "--help"],
        &["backup", "--help"],
        &["case", "show", "--help"],
        &["completions", "--help"],
    ] {
        let ended = Terminal::start(args, &[], NARROW).end();
        assert_eq!(ended.code, 0, "{ended:?}");
        let plain = anstream::adapter::strip_str(&ended.printed).to_string();
        let words: Vec<&str> = plain.split_whitespace().collect();
        for line in plain.lines() {
            // A word of its own that is longer than the screen stays whole.
            assert!(
                line.chars().count() <= 80 || line.trim().split(' ').count() == 1,
                "{args:?}: {line}"
            );
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_revoked"));
        let wide = command.args(args).env("COLUMNS", "200").output().unwrap();
        let wide = String::from_utf8(wide.stdout).unwrap();
        let whole: Vec<&str> = wide.split_whitespace().collect();
        assert_eq!(words, whole, "{args:?}: a word is broken");
    }
}

/// A page as text, by `man` where it is here.
fn page(name: &str, folder: &Path) -> String {
    let file = folder.join(format!("{name}.1"));
    let rendered = Command::new("man")
        .env("MANWIDTH", "80")
        .env("LC_ALL", "C.UTF-8")
        .arg("-l")
        .arg(&file)
        .output();
    match rendered {
        Ok(output) if output.status.success() && !output.stdout.is_empty() => {
            assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
            // A name that is broken at the end of a line is one all the same.
            let text = String::from_utf8(output.stdout).unwrap();
            let mut parts = text.split("\u{2010}\n");
            let first = parts.next().unwrap_or_default().to_owned();
            parts.fold(first, |text, part| text + part.trim_start())
        }
        _ => {
            drop(writeln!(std::io::stderr(), "NOT RENDERED: man is not here"));
            let page = std::fs::read_to_string(file).unwrap();
            // As it is written, without the marks of the type.
            ["\\fB", "\\fI", "\\fR"]
                .iter()
                .fold(page.replace("\\-", "-"), |page, mark| page.replace(mark, ""))
        }
    }
}

#[test]
fn every_command_has_a_manual_page_with_what_one_looks_for() {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new(env!("CARGO_BIN_EXE_revoked"))
        .args(["man", "--out"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let pages: Vec<String> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| {
            entry
                .unwrap()
                .file_name()
                .into_string()
                .unwrap()
                .trim_end_matches(".1")
                .to_owned()
        })
        .collect();
    let mut command = revoked::cli::command();
    command.build();
    let mut commands = vec![command];
    let mut count = 0;
    while let Some(command) = commands.pop() {
        let below = command.get_subcommands().filter(|below| below.get_name() != "help");
        commands.extend(below.cloned());
        count += 1;
    }
    assert_eq!(pages.len(), count);
    for name in &pages {
        let text = std::fs::read_to_string(folder.path().join(format!("{name}.1"))).unwrap();
        assert!(text.is_ascii(), "{name} has characters that groff refuses");
        for heading in ["NAME", "SYNOPSIS", "\"EXIT STATUS\"", "ENVIRONMENT", "FILES", "\"SEE ALSO\""] {
            assert!(text.contains(&format!(".SH {heading}\n")), "{name} has no {heading}");
        }
    }
    let revoke = page("revoked-revoke", folder.path());
    for piece in [
        "EXAMPLES",
        "revoked revoke alice@example.org --reason compromised --wait",
        "11 residual",
        "REVOKED_CONFIG",
    ] {
        assert!(revoke.contains(piece), "{piece}: {revoke}");
    }
    let main = page("revoked", folder.path());
    for piece in [
        "/etc/revoked/revoked.toml",
        "revoked-case-show(1)",
        "another daemon has the store",
    ] {
        assert!(main.contains(piece), "{piece}: {main}");
    }
    assert!(page("revoked-case-show", folder.path()).contains("revoked-case-list(1)"));
}
