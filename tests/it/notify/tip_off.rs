//! Nobody who is being contained is warned by a notification.

use std::time::Duration;

use revoked::model::Reason;
use revoked::store::{Suspended, What};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::mail_server::{MailServer, Manner};
use crate::harness::{Installation, InstallationPlan, until};
use crate::store::channel_rules as rules;
use crate::store::{place, signal};

#[tokio::test]
async fn what_a_channel_was_not_told_goes_to_the_others_that_would_not_have_been_asked() {
    let place = place().await;
    let mut pager = rules("pager");
    pager.kinds = vec!["disk_full".to_owned()];
    let mut next = rules("next");
    next.after = Duration::from_mins(15);
    place.store.set_channels(vec![rules("ops"), pager, next]).await.unwrap();
    place
        .accept_from("idp", vec![signal("k", "ann@example.org", Reason::Compromised)])
        .await;
    let ann = ["email:ann@example.org".parse().unwrap()];
    let reached = place.store.unfinished_case_of(&ann).await.unwrap();
    assert!(matches!(reached, Some(Suspended { case: 1, .. })), "{reached:?}");
    let other = ["email:ben@example.org".parse().unwrap()];
    assert_eq!(place.store.unfinished_case_of(&other).await.unwrap(), None);
    place.raises("came_back", "job:1").await;
    let due = place.due_on("ops").await;
    place.store.withhold(due[0].id, reached.unwrap()).await.unwrap();
    let told = (What::Raised, "came_back/job:1".to_owned());
    assert_eq!(place.told_on("pager").await, std::slice::from_ref(&told));
    assert_eq!(place.told_on("next").await, [told], "at once, and not after fifteen minutes");
    assert!(place.due_on("ops").await.is_empty());
    assert_eq!(place.store.alerts(false).await.unwrap()[0].withheld_from, ["ops"]);
    assert!(place.trail().await.contains(&"alert.withheld".to_owned()));
}

const CHANNELS: &str = r#"
[[notify]]
name = "floor"
kind = "mattermost"
url = { file = "{folder}/floor-url" }
reaches = ["username:user01", "username:user07"]

[[notify]]
name = "security"
kind = "slack"
url = { file = "{folder}/security-url" }
kinds = ["target_paused"]

[[notify]]
name = "mail"
kind = "smtp"
host = "127.0.0.1"
port = {port}
tls = "none"
from = "revoked@example.org"
to = ["ops@example.org", "The first <user01@example.org>"]
urgency = "urgent"
"#;

#[tokio::test]
async fn a_channel_that_reaches_somebody_of_an_unfinished_case_is_passed_over_until_it_is_done() {
    let mails = MailServer::start(Manner::Takes).await;
    let server = MockServer::start().await;
    for hook in ["/floor", "/security"] {
        let answer = ResponseTemplate::new(200).set_body_string("ok");
        Mock::given(method("POST"))
            .and(path(hook))
            .respond_with(answer)
            .mount(&server)
            .await;
    }
    let more = Box::leak(CHANNELS.replace("{port}", &mails.port.to_string()).into_boxed_str());
    let site = Installation::new(InstallationPlan {
        policy: "compromises_per_minute = 0",
        more,
        ..InstallationPlan::default()
    })
    .await;
    for hook in ["floor", "security"] {
        site.secret(&format!("{hook}-url"), format!("{}/{hook}", server.uri()).as_bytes());
    }
    let told = async |hook: &str| {
        let sent = server.received_requests().await.unwrap();
        sent.iter().filter(|request| request.url.path() == format!("/{hook}")).count()
    };
    let running = site.start().await;
    let linked = site
        .says(&["subject", "link", "username:user01", "email:user01@example.org"])
        .await;
    assert_eq!(linked.code, 0, "{linked:?}");
    site.ask_for(1..=1, "compromised").await;
    // The hold: not to the floor, nor to the mailbox of whom it is about; to security, which would not have been told.
    until("security is told", async || (told("security").await == 1).then_some(())).await;
    site.until_count("SELECT count(*) FROM notify_delivery WHERE state = 'withheld'", 2)
        .await;
    site.until_count("SELECT count(*) FROM notify_delivery WHERE state = 'delivered'", 2)
        .await;
    assert_eq!(told("floor").await, 0);
    let to: Vec<String> = mails
        .mails()
        .iter()
        .flat_map(|mail| mail.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    assert!(
        to.iter().any(|line| line == "To: ops@example.org") && !to.iter().any(|line| line.contains("user01")),
        "{to:?}"
    );
    let tested = site.says(&["notify", "test", "floor"]).await;
    assert!(tested.code == 1 && tested.out.contains("unfinished case 1"), "{tested:?}");
    let listed = site.says(&["alert", "list"]).await.out;
    assert!(listed.contains("not told on"), "{listed}");
    let withheld = site.entries("alert.withheld").await;
    assert!(withheld >= 2, "{withheld}");

    let rejected = site.says(&["hold", "reject", "1", "--yes", "--note", "a false alarm"]).await;
    assert_eq!(rejected.code, 0, "{rejected:?}");
    let tested = site.says(&["notify", "test"]).await;
    assert!(tested.code == 0, "{tested:?}");
    assert_eq!(told("floor").await, 1);
    running.stop().await;
}

#[tokio::test]
async fn what_is_told_again_to_a_receiver_that_forgets_is_not_told_while_its_channel_reaches_somebody() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    let channel = format!(
        "[[notify]]\nname = \"board\"\nkind = \"alertmanager\"\nurl = \"{}\"\nreaches = [\"username:user01\"]\n",
        server.uri()
    );
    let site = Installation::new(InstallationPlan {
        policy: "compromises_per_minute = 0",
        more: channel.leak(),
        ..InstallationPlan::default()
    })
    .await;
    let told = async || server.received_requests().await.unwrap().len();
    let running = site.start().await;
    site.ask_for(2..=2, "compromised").await;
    site.until_count("SELECT count(*) FROM notify_delivery WHERE state = 'delivered'", 1)
        .await;
    running.stop().await;
    assert_eq!(told().await, 1);
    // What is open is told again at each start.
    let running = site.start().await;
    until("what is open", async || (told().await == 2).then_some(())).await;
    site.ask_for(1..=1, "compromised").await;
    site.until_count("SELECT count(*) FROM cases WHERE state = 'held'", 2).await;
    running.stop().await;
    let running = site.start().await;
    // Whoever has tried the channel twice has seen the end of its first round.
    for _ in 0..2 {
        let tested = site.says(&["notify", "test", "board"]).await;
        assert!(tested.code == 1 && tested.out.contains("unfinished case"), "{tested:?}");
    }
    assert_eq!(told().await, 2);
    running.stop().await;
}
