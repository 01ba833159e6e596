//! `kill -9` at random moments under load. The seed is printed; built with `REVOKED_TEST_SEED` set to it, the test asks for the same again.

use std::time::Duration;

use revoked_sandbox::{Effect, Fault};
use tokio::time::timeout;

use super::{DaemonProcess, Installation, InstallationPlan};
use crate::harness::identity_provider::{self, Idp};
use crate::harness::invariants::Acknowledged;

/// How often it is killed, unless `REVOKED_TEST_KILLS` said otherwise when this was compiled.
const KILLS: u32 = 36;
const PEOPLE: u64 = 40;

/// splitmix64: the same sequence for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    fn username(&mut self) -> String {
        format!("user{:02}", 1 + self.below(PEOPLE))
    }

    fn reason(&mut self) -> &'static str {
        ["compromised", "departed", "departed", "credential_changed"][usize::try_from(self.below(4)).unwrap()]
    }
}

/// Sends a few requests through every source, and notes the answers that were a yes.
async fn load(
    site: &Installation,
    running: Option<&DaemonProcess>,
    idp: &Idp,
    dice: &mut Dice,
    round: u32,
    told: &mut Acknowledged,
) {
    for n in 0..dice.below(3) {
        let (subject, reason) = (format!("username:{}", dice.username()), dice.reason());
        told.rows
            .push(site.write(&subject, reason, Some(&format!("{round}-{n}"))).await.unwrap());
    }
    if dice.below(4) == 0 {
        let (subject, reason) = (format!("{}@example.test", dice.username()), dice.reason());
        let said = site.says(&["revoke", &subject, "--reason", reason, "--json"]).await.done();
        told.rows.push(said["request"].as_i64().unwrap());
    }
    if let Some(running) = running
        && dice.below(2) == 0
    {
        let jti = format!("jti-{round}-{}", dice.below(1000));
        let email = format!("{}@example.test", dice.username());
        if running
            .push(&idp.token(&jti, &email))
            .await
            .is_ok_and(|answer| answer.status() == 202)
        {
            told.tokens.push(jti);
        }
    }
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_and_nothing_is_done_unrecorded_however_often_it_is_killed() {
    let seed = option_env!("REVOKED_TEST_SEED").map_or(std::process::id().into(), |seed| seed.parse().unwrap());
    println!("seed {seed}");
    let mut dice = Dice(seed);
    let site = Installation::new(InstallationPlan {
        people: usize::try_from(PEOPLE).unwrap(),
        attempts: 1000,
        rate: "300/s",
        policy: "compromises_per_minute = \"unlimited\"",
        more: identity_provider::SOURCE,
        ..InstallationPlan::default()
    })
    .await;
    let idp = Idp::new(&site);
    site.start().await.stop().await;
    let mut told = Acknowledged::default();
    // One kill that certainly hits work: in the middle of a call.
    let hang = Fault::on("POST", "/api/v4/users/*/sessions/revoke/all", Effect::Latency(600_000));
    site.chat().faults().add(hang);
    let running = site.start().await;
    told.rows
        .push(site.write("username:user01", "compromised", Some("hit")).await.unwrap());
    site.until_under_way("end_all_sessions").await;
    running.kill().await;
    site.chat().faults().clear();
    let kills = option_env!("REVOKED_TEST_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    for round in 0..kills {
        let moment = Duration::from_millis(dice.below(160));
        if dice.below(5) == 0 {
            // In the middle of its start.
            load(&site, None, &idp, &mut dice, round, &mut told).await;
            let mut child = site.spawn();
            let early = timeout(moment * 2, child.wait()).await;
            assert!(early.is_err(), "it ended by itself with {early:?}");
            child.kill().await.unwrap();
        } else {
            let running = site.start().await;
            load(&site, Some(&running), &idp, &mut dice, round, &mut told).await;
            // In the middle of its work: after so many more requests, or at that moment.
            let asked = site.chat().requests().len() + usize::try_from(dice.below(60)).unwrap();
            let _ = timeout(moment, site.chat().until(|_, requests| requests.len() > asked)).await;
            running.kill().await;
        }
        // Even now, with everything in flight, the tables and the trail tell the same.
        site.check_states(&site.entries_of_trail().await).await;
    }
    let running = site.start().await;
    site.until_count("SELECT count(*) FROM inbox WHERE state = 'new'", 0).await;
    site.until_count("SELECT count(*) FROM job WHERE state <> 'done'", 0).await;
    site.until_count("SELECT count(*) FROM cases WHERE verdict IS NOT 'contained'", 0)
        .await;
    running.stop().await;
    let unknown = site.entries("action.unknown").await;
    println!(
        "{} rows and {} tokens acknowledged, {unknown} actions unknown, {} leases taken back",
        told.rows.len(),
        told.tokens.len(),
        site.entries("job.lease_expired").await
    );
    assert!(told.rows.len() > 20 && told.tokens.len() > 3);
    assert!(site.entries("job.lease_expired").await > 0, "no kill hit any work");
    site.check(&told).await;
}
