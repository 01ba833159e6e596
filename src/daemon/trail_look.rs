//! Looks whether the trail is still what was signed, beside the work: the newest entries at once, then all of them at a pace, and again each day.
//!
//! What it finds is told (an alert, a log line, a metric, and so `status`) and stops nothing: on the worst day access must still be ended, and
//! whoever breaks the trail must not end that by it.

use std::time::Duration;

use revoked_trail::{Signer, VerifierKey};
use tokio_util::sync::CancellationToken;

use crate::store::Store;
use crate::telemetry::table;
use crate::trail::{AnchorFile, Broken, Looked, WholeLook, look_at_newest};

/// Between two portions of 512 entries: 2048 entries a second at the most.
const PACE: Duration = Duration::from_millis(250);
/// Between the end of a look at all of it and the next one.
const AGAIN_AFTER: Duration = Duration::from_hours(24);
/// After a look that could not be taken to its end.
const AFTER_AN_ERROR: Duration = Duration::from_mins(10);

/// What the alert is about.
const KEY: &str = "trail";

/// Which trail is looked at.
pub(super) struct TrailPlace {
    store: Store,
    /// The key that signs it.
    key: VerifierKey,
    anchor: AnchorFile,
}

impl TrailPlace {
    /// That of `store`, which `signer` signs, with its checkpoints outside.
    pub(super) fn new(store: &Store, signer: &Signer, anchor: &AnchorFile) -> Self {
        Self {
            store: store.clone(),
            key: signer.verifier().clone(),
            anchor: anchor.clone(),
        }
    }
}

/// Looks until `stop`.
pub(super) async fn run(place: TrailPlace, stop: CancellationToken) {
    stop.run_until_cancelled(async {
        let is_known = place.store.alert_is_open("trail_broken", KEY).await.unwrap_or(false);
        table::TRAIL_BROKEN.set([], if is_known { 1.0 } else { 0.0 });
        let mut told = Told(None);
        if let Err(error) = look_at_the_newest(&place, &mut told).await {
            tracing::error!(
                error = format!("{error:#}"),
                "could not look at the newest entries of the trail"
            );
        }
        loop {
            let rest = match look_at_all(&place, &mut told).await {
                Ok(()) => AGAIN_AFTER,
                Err(error) => {
                    tracing::error!(
                        error = format!("{error:#}"),
                        "could not look whether the trail is what was signed"
                    );
                    AFTER_AN_ERROR
                }
            };
            tokio::time::sleep(rest).await;
            // A day later it is worth saying again, also to whoever has cleared it.
            told = Told(None);
        }
    })
    .await;
}

/// What was told in this round: the same is not told twice.
struct Told(Option<Broken>);

async fn look_at_the_newest(place: &TrailPlace, told: &mut Told) -> anyhow::Result<()> {
    match look_at_newest(&place.store).await? {
        Looked::Broken(broken) => tell(&place.store, broken, told).await,
        // They say nothing about those before them.
        Looked::Sound | Looked::More => Ok(()),
    }
}

async fn look_at_all(place: &TrailPlace, told: &mut Told) -> anyhow::Result<()> {
    let mut look = WholeLook::begin(&place.store, &place.key, &place.anchor).await?;
    loop {
        match look.step().await? {
            Looked::More => tokio::time::sleep(PACE).await,
            Looked::Broken(broken) => return tell(&place.store, broken, told).await,
            Looked::Sound => {
                table::TRAIL_BROKEN.set([], 0.0);
                return Ok(place.store.end_alert("trail_broken", KEY.to_owned()).await?);
            }
        }
    }
}

async fn tell(store: &Store, broken: Broken, told: &mut Told) -> anyhow::Result<()> {
    table::TRAIL_BROKEN.set([], 1.0);
    if told.0.as_ref() == Some(&broken) {
        return Ok(());
    }
    let what = &broken.what;
    let next = match broken.entry {
        Some(entry) => format!(": see revoked trail show --from {entry} --last 1"),
        None => String::new(),
    };
    tracing::error!(trail.entry = broken.entry, "the trail is broken: {what}");
    let summary = format!("the trail is broken: {what}{next}. Access is ended as before; keep a copy of the file");
    store.raise_alert("trail_broken", KEY.to_owned(), summary).await?;
    told.0 = Some(broken);
    Ok(())
}
