//! A site at which everything that a page shows has happened.

use std::time::Duration;

use http::{Method, StatusCode};
use revoked::clock::Clock;
use revoked::model::Role;
use serde_json::json;

use super::Site;
use crate::harness::until;

/// Leavers from HR, with the day of each told apart by `{}`.
const HR: &str = "[[source]]\nname = \"hr\"\nkind = \"hr-csv\"\nfolder = \"{folder}/drop\"\ntime_zone = \"Europe/Berlin\"\n\
                  interval = \"100ms\"\nsettle = \"100ms\"\n";

/// Markup, and what would turn the direction of writing.
pub(super) const MARKUP: &str = "<b>bold</b><script>document.title='taken'</script> \u{202e}evil";

/// What happened there.
pub(super) struct Furnished {
    pub(super) site: Site,
    /// The case of user01, which is contained.
    pub(super) contained: i64,
    /// The case with markup in its name and its note.
    pub(super) markup: i64,
    /// The hold that waits, over two people.
    pub(super) open: i64,
    /// One that was rejected.
    pub(super) rejected: i64,
}

fn day(from_now: i64) -> String {
    let length = Duration::from_hours(24 * from_now.unsigned_abs());
    let now = Clock::system().now();
    let at = if from_now < 0 { now.minus(length) } else { now.plus(length) };
    at.to_string()[..10].to_owned()
}

impl Site {
    async fn ask_for(&self, person: &str, note: &str) -> i64 {
        let request = json!({ "subject": person, "reason": "compromised", "note": note });
        let asked = self
            .by_socket(Role::Requester, Method::POST, "/api/v1/requests", Some(request))
            .await;
        assert_eq!(asked.status, StatusCode::ACCEPTED, "{asked:?}");
        let id = asked.json()["request"].as_i64().unwrap();
        until("the case of a request", async || {
            let asked = self
                .by_socket(Role::Viewer, Method::GET, &format!("/api/v1/requests/{id}"), None)
                .await;
            asked.json()["case"].as_i64()
        })
        .await
    }

    /// Drops a file of HR's, and waits until so many departures are known.
    pub(super) async fn drop_file(&self, name: &str, rows: &str, known: i64) {
        let text = format!("employee_id,email,action,last_working_day,timezone\n{rows}");
        std::fs::write(self.installation.path("drop").join(name), text).unwrap();
        self.installation.until_count("SELECT count(*) FROM departure", known).await;
    }

    async fn holds(&self) -> Vec<(i64, i64)> {
        let holds = self.by_socket(Role::Viewer, Method::GET, "/api/v1/holds", None).await.json();
        let holds = holds["items"].as_array().unwrap().iter();
        holds
            .map(|hold| (hold["id"].as_i64().unwrap(), hold["people"].as_i64().unwrap()))
            .collect()
    }
}

pub(super) async fn furnished() -> Furnished {
    let site = Site::that_sweeps("[\"1h\", \"24h\"]", HR).await;
    std::fs::create_dir(site.installation.path("drop")).unwrap();
    let contained = site
        .ask_for("username:user01", "signed in from two countries within an hour")
        .await;
    site.installation
        .until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    let markup = site.ask_for("username:<i>nobody</i>", MARKUP).await;
    site.ask_for("username:user05", "a mistake").await;
    let (rejected, _) = until("the first hold", async || site.holds().await.first().copied()).await;
    let path = format!("/api/v1/holds/{rejected}");
    let set = site.by_socket(Role::Viewer, Method::GET, &path, None).await.json();
    let decision = json!({ "set": set["set"], "note": "asked back: it was a mistake" });
    let path = format!("{path}/rejection");
    let done = site.by_socket(Role::Approver, Method::POST, &path, Some(decision)).await;
    assert_eq!(done.status, StatusCode::OK, "{done:?}");
    for person in ["username:user06", "username:user07"] {
        site.ask_for(person, "seen at two places at once").await;
    }
    let open = until("two people under one hold", async || {
        let holds = site.holds().await;
        holds.iter().find(|(_, people)| *people == 2).map(|(hold, _)| *hold)
    })
    .await;
    let row = |n: i64, action: &str, day: String, zone: &str| format!("{n},user{n:02}@example.test,{action},{day},{zone}\n");
    let first = [
        row(2, "terminate", day(-2), "Europe/Berlin"),
        row(3, "terminate", day(4), "Australia/Sydney"),
        row(4, "terminate", day(4), "America/New_York"),
        row(8, "terminate", day(11), "Europe/Berlin"),
    ];
    site.drop_file("first.csv", &first.concat(), 4).await;
    let second = [
        row(3, "terminate", day(6), "Australia/Sydney"),
        row(8, "rescind", day(11), "Europe/Berlin"),
    ];
    site.drop_file("second.csv", &second.concat(), 4).await;
    site.installation
        .until_count("SELECT count(*) FROM departure WHERE state = 'rescinded'", 1)
        .await;
    site.installation
        .until_count("SELECT count(*) FROM departure WHERE state = 'executed'", 1)
        .await;
    let paused = ["target", "pause", "chat", "--note", "an upgrade until 05:00, ticket 812"];
    let paused = site.installation.says(&paused).await;
    assert_eq!(paused.code, 0, "{paused:?}");
    site.running.until_paused().await;
    Furnished {
        site,
        contained,
        markup,
        open,
        rejected,
    }
}
