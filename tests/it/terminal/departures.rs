//! Who leaves when, as people read it: in the leaver's own zone and the viewer's, with everything else that waits for a day.

use sqlx::Executor as _;

use crate::harness::pty::{NARROW, Terminal, WIDE};
use crate::harness::{Installation, InstallationPlan, until};

const HR: &str = "
[[source]]
name = \"hr\"
kind = \"hr-csv\"
folder = \"{folder}/drop\"
interval = \"100ms\"
";

/// Two who leave at the end of a day far away, in two zones, one who is to be suspended then, and a request for another day.
async fn with_plans() -> Installation {
    let site = Installation::new(InstallationPlan {
        more: HR,
        ..InstallationPlan::default()
    })
    .await;
    std::fs::create_dir(site.path("drop")).unwrap();
    let running = site.start().await;
    let file = "employee_id,email,action,last_working_day,timezone\n\
        1,user01@example.test,terminate,2099-12-30,Australia/Sydney\n\
        2,user02@example.test,terminate,2099-12-31,America/New_York\n\
        3,user03@example.test,suspend,2099-12-29,UTC\n#EOF,rows=3\n";
    std::fs::write(site.path("drop/leavers.csv"), file).unwrap();
    let at = [
        "revoke",
        "user04@example.test",
        "--reason",
        "departed",
        "--at",
        "2099-12-28T10:00:00Z",
    ];
    let said = site.says(&at).await;
    assert_eq!(said.code, 0, "{said:?}");
    until("the plans", async || {
        (site.count("SELECT count(*) FROM cases").await == 4).then_some(())
    })
    .await;
    running.stop().await;
    site
}

#[tokio::test]
async fn all_that_waits_for_a_day_is_listed_with_its_own_day_and_the_next_is_named_last() {
    let site = with_plans().await;
    let config = site.config();
    let args = ["departures", "list", "--utc", "--config", config.to_str().unwrap()];
    for size in [NARROW, WIDE] {
        let ended = Terminal::start(&args, &[], size).end();
        let screen = &ended.screen;
        assert!(
            screen.lines().all(|line| line.chars().count() <= usize::from(size.0)),
            "{screen}"
        );
        let places: Vec<usize> = ["user04", "user03", "user01", "user02"]
            .map(|who| screen.find(who).unwrap())
            .to_vec();
        assert!(places.is_sorted(), "the next first:\n{screen}");
        let last = screen.lines().last().unwrap();
        assert!(
            last.starts_with("4 wait, the next in ") && last.ends_with("(28 Dec 2099 10:00Z): user04@example.test"),
            "{last}"
        );
    }
    let piped = site.says(&["departures", "list"]).await;
    for word in [
        "end of Wed 30 Dec 2099, Sydney",
        "end of Thu 31 Dec 2099, New York",
        "departed, asked for by ",
    ] {
        assert!(piped.out.contains(word), "{word}: {piped:?}");
    }
    let rows = site.says(&["departures", "list", "--json"]).await.rows();
    let planned = rows
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row.get("planned_case").is_some());
    assert_eq!(planned.count(), 2, "{rows:#}");
}

#[tokio::test]
async fn a_range_leaves_what_is_due_in_it_and_status_names_the_next() {
    let site = with_plans().await;
    let people = async |args: &[&str]| {
        let said = site.says(&[&["departures", "list"][..], args].concat()).await;
        assert_eq!(said.code, 0, "{said:?}");
        said.out.matches("@example.test").count()
    };
    // The last line names the next once more.
    assert_eq!(
        people(&["--from", "2099-12-30T00:00:00Z", "--to", "2099-12-31T00:00:00Z"]).await,
        3
    );
    assert_eq!(people(&["--week"]).await, 0);
    assert_eq!(people(&["--state", "planned", "--source", "hr"]).await, 4);
    assert_eq!(people(&["--limit", "1"]).await, 2);
    let cut = site.says(&["departures", "list", "--limit", "1"]).await;
    assert!(cut.out.contains("there are more: --limit 4"), "{cut:?}");
    let status = site.says(&["status", "--utc"]).await;
    assert!(
        status.out.contains("plans     4 wait for their day, next 28 Dec 2099 10:00Z"),
        "{status:?}"
    );
    site.sql()
        .await
        .execute("UPDATE departure SET acts_at = 1000, fire_at = 1000 WHERE id = 1")
        .await
        .unwrap();
    let late = site.says(&["departures", "list"]).await;
    assert!(late.out.contains("4 wait, 1 past its time, the next in "), "{late:?}");
}
