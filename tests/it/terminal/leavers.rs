//! Leavers as HR knows them: by a login that only the account has, by a name that nobody has, by one that was a slip.

use std::time::Duration;

use revoked::clock::Clock;

use crate::harness::{DaemonProcess, Installation, InstallationPlan};

const HR: &str = "
[[source]]
name = \"hr\"
kind = \"hr-csv\"
folder = \"{folder}/drop\"
time_zone = \"Europe/Berlin\"
interval = \"100ms\"
settle = \"100ms\"
";

/// The day so many days from now, as HR writes it.
fn day(from_now: i64) -> String {
    let days = Duration::from_hours(24) * u32::try_from(from_now.abs()).unwrap();
    let now = Clock::system().now();
    let at = if from_now < 0 { now.minus(days) } else { now.plus(days) };
    at.to_string()[..10].to_owned()
}

async fn with_hr(policy: &'static str) -> (Installation, DaemonProcess) {
    let site = Installation::new(InstallationPlan {
        people: 24,
        policy,
        more: HR,
        ..InstallationPlan::default()
    })
    .await;
    std::fs::create_dir(site.path("drop")).unwrap();
    let running = site.start().await;
    (site, running)
}

impl Installation {
    /// Has HR say of each of these that they leave on a day.
    fn leave(&self, name: &str, people: &[(u32, &str, String)]) {
        let rows = people
            .iter()
            .map(|(number, address, day)| format!("{number},{address},{day},terminate\n"));
        let rows: String = rows.collect();
        let text = format!(
            "employee_id,email,last_working_day,action\n{rows}#EOF,rows={}\n",
            people.len()
        );
        std::fs::write(self.path("leavers.tmp"), text).unwrap();
        std::fs::rename(self.path("leavers.tmp"), self.path("drop").join(name)).unwrap();
    }

    async fn said(&self, args: &[&str]) -> String {
        let said = self.says(args).await;
        assert_eq!(said.code, 0, "{said:?}");
        format!("{}{}", said.out, said.err)
    }
}

#[tokio::test]
async fn a_login_that_only_the_account_of_a_case_has_means_whom_the_case_is_about() {
    let (site, running) = with_hr("").await;
    site.leave("one.csv", &[(9, "user09@example.test", day(-2))]);
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    let taken = "taken for email:user09@example.test, whose account was called username:user09 in case 1";
    for whom in ["user09", "username:user09"] {
        let listed = site.said(&["departures", "list", "--person", whom]).await;
        assert!(listed.contains("user09@example.test") && listed.contains(taken), "{listed}");
        let shown = site.said(&["subject", "show", whom]).await;
        assert!(shown.contains("1 case, the newest (1) contained"), "{shown}");
        let report = site.said(&["person", "report", whom]).await;
        assert!(report.contains("Case 1 is about this person"), "{report}");
        let departure = site.said(&["departures", "show", whom]).await;
        assert!(departure.contains("departure 1: user09@example.test"), "{departure}");
    }
    let trail = site.said(&["trail", "show", "--subject", "user09"]).await;
    assert!(trail.contains("case.contained") || trail.contains("contained"), "{trail}");

    // What is refused tells its times as people read them.
    let refused = site.says(&["departures", "cancel", "user09", "--note", "a mistake"]).await;
    assert!(
        refused.code == 1 && refused.err.contains("was carried out at") && !refused.err.contains(".000Z"),
        "{refused:?}"
    );

    // The same login at an account of somebody else: nobody is guessed.
    site.leave("two.csv", &[(10, "user10@example.test", day(-2))]);
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 2)
        .await;
    let same = "UPDATE job SET evidence = json_set(evidence, '$.names', json_array('username:user09')) WHERE case_id = 2";
    sqlx::Executor::execute(&mut site.sql().await, same).await.unwrap();
    let refused = site.says(&["departures", "list", "--person", "user09"]).await;
    assert!(
        refused.code == 2 && refused.err.contains("email:user09@example.test (case 1)") && refused.err.contains("(case 2)"),
        "{refused:?}"
    );
    running.stop().await;
}

#[tokio::test]
async fn whoever_waits_for_a_day_and_is_known_nowhere_is_found_before_it() {
    let (site, running) = with_hr("").await;
    let all_known = site.said(&["subject", "unresolved"]).await;
    assert_eq!(all_known, "everybody is known at a target at least\n");
    site.leave(
        "one.csv",
        &[(1, "user01@example.test", day(30)), (2, "kim.nowhere@example.test", day(20))],
    );
    site.until_count("SELECT count(*) FROM departure WHERE state = 'planned'", 2)
        .await;
    let told = site.said(&["subject", "unresolved"]).await;
    assert_eq!(
        told,
        "nobody is unresolved; 2 planned or held people were not looked up yet: revoked subject unresolved --ask\n"
    );
    let asked = site.said(&["subject", "unresolved", "--ask"]).await;
    assert!(
        asked.contains("revoked subject link kim.nowhere@example.test NAME")
            && asked.ends_with("1 of 2 planned or held people are known nowhere\n")
            && !asked.contains("user01"),
        "{asked}"
    );
    let json = site.ask(&["subject", "unresolved", "--ask"]).await;
    assert_eq!(json["not_looked_up"], 2, "{json:#}");
    assert_eq!(
        json["known_nowhere"][0]["subject"], "email:kim.nowhere@example.test",
        "{json:#}"
    );

    for ghost in ["username:ghost1", "username:ghost2"] {
        let nobody = site.says(&["revoke", ghost, "--reason", "departed", "--wait"]).await;
        assert!(
            nobody.code == 12 && nobody.out.contains("revoked subject unresolved"),
            "{nobody:?}"
        );
    }
    let ghosts = [
        site.count("SELECT min(case_id) FROM unresolved").await.to_string(),
        site.count("SELECT max(case_id) FROM unresolved").await.to_string(),
    ];
    for screen in [site.said(&["status"]).await, site.said(&["alert", "list"]).await] {
        assert!(screen.contains("username:ghost1, username:ghost2"), "{screen}");
    }
    let listed = site.said(&["subject", "unresolved"]).await;
    assert!(
        listed.contains("revoked subject link username:ghost1 NAME")
            && listed.contains("2 cases are about somebody whom no target knows; 2 planned or held people were not looked up yet"),
        "{listed}"
    );
    let refused = site.says(&["subject", "dismiss", &ghosts[0], "4711"]).await;
    assert!(
        refused.code == 1 && refused.err.contains("case 4711 is not unresolved, and nothing was dismissed"),
        "{refused:?}"
    );
    let dismissed = site
        .said(&["subject", "dismiss", &ghosts[0], &ghosts[1], "--note", "never had an account"])
        .await;
    assert_eq!(dismissed, format!("cases {}, {} are off the list\n", ghosts[0], ghosts[1]));
    assert!(site.alerts().await.is_empty());
    running.stop().await;
}

#[tokio::test]
async fn a_slip_that_is_linked_to_the_right_name_is_not_the_one_that_is_shown() {
    let (site, running) = with_hr("").await;
    site.leave("one.csv", &[(20, "user20@exmaple.test", day(-2))]);
    site.until_count("SELECT count(*) FROM unresolved WHERE state = 'open'", 1)
        .await;
    let listed = site.said(&["departures", "list"]).await;
    assert!(listed.contains("user20@exmaple.test"), "nothing is known of it yet: {listed}");
    let departure = site.said(&["departures", "show", "1"]).await;
    assert!(departure.contains("no target knew the person"), "{departure}");
    site.said(&["subject", "link", "user20@exmaple.test", "user20@example.test"])
        .await;
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    // HR names the person once more, of a day so long ago that a human is asked.
    site.leave("two.csv", &[(21, "user20@exmaple.test", day(-400))]);
    site.until_count("SELECT count(*) FROM cases WHERE state = 'held'", 1).await;
    for args in [
        &["departures", "list"][..],
        &["hold", "list"],
        &["hold", "show", "1"],
        &["departures", "show", "1"],
        &["status"],
        &["case", "list"],
        &["case", "show", "1"],
    ] {
        let shown = site.said(args).await;
        assert!(
            shown.contains("user20@example.test") && !shown.contains("user20@exmaple.test"),
            "{args:?}: {shown}"
        );
        assert!(!shown.contains(".000Z"), "a time as programs write it: {shown}");
    }
    for args in [&["case", "report", "1"][..], &["person", "report", "user20@exmaple.test"]] {
        let title = site.said(args).await;
        let title = title.lines().find(|line| line.starts_with("# ")).unwrap();
        assert!(title.contains("user20@example.test"), "{args:?}: {title}");
    }
    running.stop().await;
}

#[tokio::test]
async fn a_hold_names_the_plan_under_another_number_and_why_it_is_due_only_then() {
    let (site, running) = with_hr("").await;
    site.leave("one.csv", &[(1, "user07@example.test", day(30))]);
    site.until_count("SELECT count(*) FROM departure WHERE state = 'planned'", 1)
        .await;
    site.leave("two.csv", &[(2, "user07@example.test", day(-400))]);
    site.until_count("SELECT count(*) FROM cases WHERE state = 'held'", 1).await;
    let shown = site.said(&["hold", "show", "1"]).await;
    let named = "user07@example.test leaves as employee 1 of hr too, ";
    assert!(shown.contains(named), "{shown}");
    assert!(
        shown.contains("(departure 1); access ends with the later of them, which is why it is due then"),
        "{shown}"
    );
    let beside = site.ask(&["hold", "show", "1"]).await["cases"][0]["plans_beside"][0].clone();
    assert_eq!(
        (&beside["departure"], &beside["later"]),
        (&1.into(), &true.into()),
        "{beside:#}"
    );
    running.stop().await;
}
