//! `--keep-out`: sweeps for longer than the playbook demands.

use std::time::Duration;

use super::{Installation, InstallationPlan};

#[tokio::test]
async fn whoever_is_kept_out_is_looked_at_after_the_times_of_the_playbook_until_that_day() {
    let site = Installation::new(InstallationPlan {
        watch: "[\"1s\"]",
        ..InstallationPlan::default()
    })
    .await;
    let _running = site.start().await;
    let refused = site.revoke("username:user02", "departed", &["--keep-out", "10m"]).await;
    assert!(refused.code == 2 && refused.err.contains("at least 1h"), "{refused:?}");
    let said = site.revoke("username:user02", "departed", &["--keep-out", "30d"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    site.until_count("SELECT count(*) FROM job WHERE kind = 'watch' AND state = 'done'", 1)
        .await;
    let ahead = site
        .count("SELECT due - (SELECT contained_at FROM cases) FROM job WHERE kind = 'watch' AND state = 'scheduled'")
        .await;
    let hours = |n| i64::try_from(Duration::from_hours(n).as_millis()).unwrap();
    assert!((hours(6)..hours(7)).contains(&ahead), "{ahead} ms");

    let plain = site.revoke("username:user04", "departed", &[]).await;
    assert_eq!(plain.code, 0, "{plain:?}");
    site.until_count("SELECT count(*) FROM job WHERE kind = 'watch' AND state = 'done'", 2)
        .await;
    assert_eq!(
        site.count("SELECT count(*) FROM job WHERE kind = 'watch' AND state = 'scheduled'")
            .await,
        1
    );
}
