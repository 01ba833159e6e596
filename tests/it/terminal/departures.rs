//! Who leaves when, as people read it: in the leaver's own zone and the viewer's, with everything else that waits for a day.

use sqlx::Executor as _;

use crate::harness::pty::{NARROW, Size, Terminal, WIDE};
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
            last.starts_with("4 wait, the next in ") && last.ends_with("(Mon 28 Dec 2099 10:00Z): user04@example.test"),
            "{last}"
        );
        for own in ["end of Wed 30 Dec 2099, Sydney", "end of Thu 31 Dec 2099, New York"] {
            assert!(screen.contains(own), "the leaver's own day is not on\n{screen}");
        }
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

#[tokio::test]
async fn a_day_is_meant_whole_and_a_range_that_holds_nothing_is_refused() {
    let site = with_plans().await;
    let people = async |args: &[&str]| {
        let said = site
            .says(&[&["departures", "list", "--utc", "--json"][..], args].concat())
            .await;
        assert_eq!(said.code, 0, "{said:?}");
        let numbers = ["user01", "user02", "user03", "user04"]
            .into_iter()
            .filter(|who| said.out.contains(who));
        numbers.collect::<Vec<_>>().join(" ")
    };
    // The last days: user04 none (due on the 28th at ten), user03 the 29th, user01 the 30th in Sydney, user02 the 31st in New York.
    for (from, to, who) in [
        ("2099-12-01", "2099-12-31", "user01 user02 user03 user04"),
        ("2099-12-31", "2099-12-31", "user02"),
        ("2099-12-29", "2099-12-29", "user03"),
        ("2099-12-30", "2099-12-30", "user01 user03"),
        ("2099-12-28", "2099-12-28", "user04"),
        ("2099-12-31 00:00", "2099-12-31 23:00", ""),
        ("2100-01-01", "2100-01-01", "user02"),
    ] {
        assert_eq!(people(&["--from", from, "--to", to]).await, who, "{from} to {to}");
    }
    for (from, to) in [
        ("2099-12-31", "2099-12-30"),
        ("14d", "7d"),
        ("2099-12-31 10:00", "2099-12-31 10:00"),
    ] {
        let refused = site.says(&["departures", "list", "--from", from, "--to", to]).await;
        assert!(
            refused.code == 2 && refused.err.contains("nothing lies between --from"),
            "{refused:?}"
        );
    }
    let refused = site.says(&["departures", "list", "--from", "monday"]).await;
    assert!(refused.code == 2 && refused.err.contains("tomorrow"), "{refused:?}");
}

#[tokio::test]
async fn a_departure_is_meant_by_whose_it_is_and_ends_with_what_may_be_typed() {
    let site = with_plans().await;
    let config = site.config();
    let args = [
        "departures",
        "show",
        "user01@example.test",
        "--config",
        config.to_str().unwrap(),
    ];
    let screen = Terminal::start(&args, &[], NARROW).end();
    assert_eq!(screen.code, 0, "{screen:?}");
    let printed = anstream::adapter::strip_str(&screen.printed).to_string();
    assert!(printed.lines().all(|line| line.chars().count() <= 80), "{printed}");
    assert!(!printed.contains(".000Z") && !printed.contains("changed it"), "{printed}");
    let text = printed.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        text.contains("HR wrote 2099-12-30 in Australia/Sydney") && text.contains("(end of Wed 30 Dec 2099, Sydney)"),
        "{text}"
    );
    assert!(
        text.ends_with("to call it off: revoked departures cancel 1 --note WHY"),
        "{text}"
    );

    let cancelled = site
        .says(&["departures", "cancel", "user01@example.test", "--note", "stays until June"])
        .await;
    assert_eq!(
        cancelled.out, "departure 1 cancelled: nothing of it is done\n",
        "{cancelled:?}"
    );
    let shown = site.says(&["departures", "show", "1"]).await.out;
    assert!(
        shown.contains("access was to end ") && shown.ends_with("cancelled: nothing of it is done\n"),
        "{shown}"
    );
    let listed = site.says(&["departures", "list", "--state", "cancelled"]).await.out;
    assert!(!listed.contains(" in "), "what does not take place is not away: {listed}");

    for (whose, why) in [
        ("user09@example.test", "no departure of email:user09@example.test is known"),
        ("odd:name", "by its number, which revoked departures list shows"),
    ] {
        let refused = site.says(&["departures", "show", whose]).await;
        assert!(refused.code == 2 && refused.err.contains(why), "{refused:?}");
    }
    let refused = site.says(&["case", "show", "user01@example.test"]).await;
    assert!(
        refused.code == 2
            && refused.err.contains("a case is meant by its number")
            && refused.err.contains("revoked find user01@example.test"),
        "{refused:?}"
    );
}

/// Lines of a preview, or of the departures, on a screen of this size.
fn screen_of(site: &Installation, args: &[&str], screen: Size) -> String {
    let config = site.config();
    let args = [args, &["--utc", "--config", config.to_str().unwrap()]].concat();
    let printed = Terminal::start(&args, &[], screen).end().printed;
    let printed = anstream::adapter::strip_str(&printed).to_string();
    assert!(
        printed.lines().all(|line| line.chars().count() <= usize::from(screen.0)),
        "{printed}"
    );
    printed
}

#[tokio::test]
async fn the_leavers_own_day_is_shown_at_any_width_and_a_long_name_is_shortened_for_it() {
    let site = Installation::new(InstallationPlan {
        more: HR,
        ..InstallationPlan::default()
    })
    .await;
    std::fs::create_dir(site.path("drop")).unwrap();
    let now = jiff::Timestamp::from_millisecond(revoked::clock::Clock::system().now().ms()).unwrap();
    let soon = now + jiff::SignedDuration::from_mins(2);
    let name = "maximiliane.von-und-zu-hohenstein@subsidiary.example.org";
    let file = format!(
        "employee_id,email,action,last_working_day,effective_at,timezone\n\
         1,{name},terminate,2099-12-30,,America/New_York\n\
         2,user02@example.test,terminate,,{soon},UTC\n#EOF,rows=2\n"
    );
    std::fs::write(site.path("leavers.csv"), &file).unwrap();
    let path = site.path("leavers.csv").display().to_string();
    let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    for size in [NARROW, WIDE] {
        let preview = screen_of(&site, &["source", "hr", "preview", &path], size);
        assert!(
            preview.contains("end of Wed 30 Dec 2099, New York") && preview.contains("maximiliane."),
            "{preview}"
        );
        let today = jiff::tz::TimeZone::UTC.to_datetime(soon).strftime("%a %d %b").to_string();
        assert!(one_line(&preview).contains(&today), "the day of {today} is not on\n{preview}");
    }
    let preview = screen_of(&site, &["source", "hr", "preview", &path], NARROW);
    assert!(!preview.contains(name), "{preview}");

    let running = site.start().await;
    std::fs::write(site.path("drop/leavers.csv"), &file).unwrap();
    site.until_count("SELECT count(*) FROM departure", 2).await;
    running.stop().await;
    for size in [NARROW, WIDE] {
        let listed = screen_of(&site, &["departures", "list"], size);
        assert!(
            listed.contains("end of Wed 30 Dec 2099, New York") && listed.contains("maximiliane."),
            "{listed}"
        );
    }
}
