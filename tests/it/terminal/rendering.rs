//! Colours, character sets and widths, whatever the command.

use crate::harness::pty::{NARROW, Size, Terminal};
use crate::harness::{CommandOutput, Installation, InstallationPlan};

fn kinds(variables: &[(&str, &str)], size: Size) -> String {
    let ended = Terminal::start(&["kinds"], variables, size).end();
    assert_eq!(ended.code, 0, "{ended:?}");
    ended.printed
}

#[test]
fn a_table_fits_the_screen_and_breaks_no_word() {
    for size in [NARROW, Size(140, 60), Size(60, 24)] {
        let printed = kinds(&[], size);
        let plain = anstream::adapter::strip_str(&printed).to_string();
        for line in plain.lines() {
            assert!(line.chars().count() <= size.0.into(), "{size:?}: {line}");
        }
        for word in ["active-directory", "global-token-revocation", "back-channel"] {
            assert!(plain.contains(word), "{size:?}: {word} is broken in {plain}");
        }
    }
}

#[tokio::test]
async fn colours_are_for_terminals_only_and_no_color_is_kept() {
    let site = Installation::new(InstallationPlan::default()).await;
    let running = site.start().await;
    site.revoke("username:user01", "compromised", &[]).await;
    running.stop().await;
    let config = site.config();
    let args = ["case", "list", "--config", config.to_str().unwrap()];
    let coloured = |variables: &[(&str, &str)]| Terminal::start(&args, variables, NARROW).end().printed.contains("\x1b[");
    assert!(coloured(&[]));
    assert!(!coloured(&[("NO_COLOR", "1")]));
    assert!(!coloured(&[("TERM", "dumb")]));
    let piped = site.says(&["case", "list"]).await;
    assert!(!piped.out.contains('\x1b'), "{piped:?}");
}

#[tokio::test]
async fn a_locale_without_utf_8_gets_ascii_and_json_is_the_same_everywhere() {
    let site = Installation::new(InstallationPlan::default()).await;
    let running = site.start().await;
    let asked = [
        "revoke",
        "username:jürgen…",
        "--reason",
        "compromised",
        "--wait",
        "--timeout",
        "110",
    ];
    site.says(&asked).await;
    running.stop().await;
    let under = async |locale: &str, args: &[&str]| {
        let mut command = site.command(args);
        command.env("LC_ALL", locale);
        CommandOutput::of(command.output().await.unwrap())
    };
    let plain = under("C", &["case", "list"]).await;
    assert!(plain.out.is_ascii() && plain.out.contains("j\\u{fc}rgen..."), "{plain:?}");
    let noted = ["case", "cancel", "1", "--note", "Größe geprüft"];
    assert_eq!(site.says(&noted).await.code, 0);
    // What was hashed, too: an export that a locale changed would not verify.
    for args in [
        &["case", "list", "--json"][..],
        &["trail", "show", "--json"],
        &["trail", "export"],
        &["case", "report", "1", "--format", "html"],
    ] {
        let (plain, whole) = (under("C", args).await.out, under("C.UTF-8", args).await.out);
        assert_eq!(plain.lines().count(), whole.lines().count(), "{args:?}");
        let differs = plain
            .lines()
            .zip(whole.lines())
            .find(|(plain, whole)| plain != whole && plain.contains("\\u{"));
        assert_eq!(differs, None, "{args:?}");
        assert!(!whole.is_ascii(), "{args:?} has nothing to show");
    }
}

#[tokio::test]
async fn a_list_for_programs_is_one_object_a_line() {
    let site = Installation::new(InstallationPlan::default()).await;
    let running = site.start().await;
    for subject in ["username:user01", "username:user02"] {
        site.revoke(subject, "compromised", &[]).await;
    }
    running.stop().await;
    let listed = site.says(&["case", "list", "--json"]).await;
    assert_eq!(listed.out.lines().count(), 2, "{listed:?}");
    let rows = listed.rows();
    assert_eq!(rows[0]["subject"], "username:user02");
    let at = rows[0]["received_at"].as_str().unwrap();
    assert!(at.ends_with('Z') && at.contains('T'), "{at}");
}

#[tokio::test]
async fn the_config_may_stand_in_the_environment() {
    let site = Installation::new(InstallationPlan::default()).await;
    site.start().await.stop().await;
    let config = site.config();
    let ended = Terminal::start(&[], &[("REVOKED_CONFIG", config.to_str().unwrap())], NARROW).end();
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(
        ended.screen.contains("not running") && ended.screen.contains("revoked find WORD"),
        "{}",
        ended.screen
    );
}
