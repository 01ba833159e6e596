//! A source that only rehearses: everything is stored and decided, and nothing is sent to a target.

use super::{drop_file, entries, hr, leavers, plan, site, taken};
use crate::harness::chat_holdings::{Holdings, changes};

#[tokio::test]
async fn a_source_that_rehearses_leads_to_nothing_until_its_config_says_otherwise() {
    let site = site(&hr("mode = \"rehearse\"")).await;
    let running = site.start().await;
    let before = Holdings::of(site.chat(), "user01");
    let text = leavers(1, 3);
    drop_file(&site, "monday.csv", &text);
    site.until_count("SELECT count(*) FROM signal WHERE rehearsed = 'act'", 3)
        .await;
    drop_file(&site, "history.csv", &leavers(1, 40));
    site.until_count(
        "SELECT count(*) FROM signal WHERE rehearsed = 'hold' AND rehearsed_class = 'delivery_limit'",
        40,
    )
    .await;
    assert_eq!(site.count("SELECT count(*) FROM cases").await, 0);
    assert_eq!(site.count("SELECT count(*) FROM job").await, 0);
    assert_eq!(site.count("SELECT count(*) FROM hold").await, 0);
    assert!(changes(site.chat()).is_empty());
    assert_eq!(Holdings::of(site.chat(), "user01"), before);
    assert!(site.alerts().await.is_empty());

    // What would have been, for people and in the trail.
    let report = site.ask(&["source", "rehearsed", "hr", "--since", "1h"]).await;
    assert_eq!(report["mode"], "rehearse");
    let counts: Vec<_> = report["counts"].as_array().unwrap().iter().collect();
    assert_eq!(
        (&counts[0]["would"], &counts[0]["signals"]),
        (&"act".into(), &3.into()),
        "{report:#}"
    );
    assert_eq!(
        (&counts[1]["class"], &counts[1]["people"]),
        (&"delivery_limit".into(), &40.into()),
        "{report:#}"
    );
    let said = site.says(&["source", "rehearsed", "hr"]).await;
    assert!(
        said.out.contains("held: delivery_limit") && said.out.contains("and 23 more"),
        "{}",
        said.out
    );
    assert!(said.out.contains("user03@example.test"), "{}", said.out);
    let kept = entries(&site, "signal.rehearsed").await;
    assert_eq!(kept.len(), 43);
    assert_eq!(
        (&kept[0]["would"], &kept[0]["playbook"]),
        (&"act".into(), &"departed".into()),
        "{:#}",
        kept[0]
    );
    assert!(!kept[0].to_string().contains("user01"), "the trail names nobody");
    let status = site.says(&["status"]).await;
    assert!(status.out.contains("hr rehearses"), "{}", status.out);
    let checked = site.says(&["check"]).await;
    assert!(checked.out.contains("it rehearses"), "{}", checked.out);
    let listed = site.ask(&["source", "list"]).await;
    assert_eq!(
        (&listed[1]["mode"], &listed[1]["health"]["mode"]),
        (&"rehearse".into(), &"rehearse".into()),
        "{listed:#}"
    );
    running.stop().await;

    // Promotion is the config's line, and stands in the trail. What was only rehearsed is news when it is said again, and not before.
    site.configure(&plan(&hr("")));
    let running = site.start().await;
    let modes = entries(&site, "source.mode_changed").await;
    let turns: Vec<_> = modes.iter().map(|detail| (&detail["from"], &detail["to"])).collect();
    assert_eq!(
        turns,
        [(&"act".into(), &"rehearse".into()), (&"rehearse".into(), &"act".into())]
    );
    assert!(changes(site.chat()).is_empty());
    drop_file(&site, "monday-again.csv", &text);
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 3)
        .await;
    assert!(Holdings::of(site.chat(), "user01").is_out());
    // The same once more says nothing.
    drop_file(&site, "monday-once-more.csv", &text);
    taken(&site, "monday-once-more.csv").await;
    assert_eq!(site.count("SELECT count(*) FROM cases").await, 3);
    running.stop().await;
    assert_eq!(site.says(&["trail", "verify", "--json"]).await.done()["verified"], true);
}

#[tokio::test]
async fn the_inbox_cannot_be_made_to_rehearse() {
    let site = site("[[source]]\nkind = \"inbox\"\nmode = \"rehearse\"\n").await;
    let said = site.says(&["check", "--offline"]).await;
    assert!(
        said.code == 2 && said.err.contains("operators are always taken at their word"),
        "{said:?}"
    );
}
