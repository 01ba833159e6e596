//! The console's certificate while the daemon runs: what is renewed on disk is shown without a restart, and what is wrong with it alerts.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::certificate::{Leaf, Renewal, Shown};
use crate::model::{Timestamp, error_chain};
use crate::store::{Result, Store};
use crate::telemetry::table;

/// How often the files are looked at.
const EVERY: Duration = Duration::from_mins(1);
/// The key of its alerts: there is one certificate.
const KEY: &str = "console";

/// The look after the certificate; nothing to do where none is shown. Cheap to clone, and the clones are one.
#[derive(Clone)]
pub(super) struct CertificateLook {
    store: Store,
    shown: Option<Arc<Shown>>,
    said: Arc<Mutex<Said>>,
}

/// What was said of it.
#[derive(Default)]
struct Said {
    /// What was wrong at the last look. Two files are not replaced in one moment, so it is told when the next look finds the same.
    seen: Option<String>,
    /// What the alert about new files says.
    refused: Option<String>,
    /// What the alert about the one that is shown says.
    fault: Option<String>,
}

impl CertificateLook {
    /// Looks after what a listener shows. Alerts of an earlier life about a certificate that is shown no more are over.
    pub(super) async fn begin(store: Store, shown: Option<Arc<Shown>>) -> Result<Self> {
        let look = Self {
            store,
            shown,
            said: Arc::default(),
        };
        if look.shown.is_none() {
            look.store.end_alerts("certificate_refused").await?;
            look.store.end_alerts("certificate_expires").await?;
        }
        Ok(look)
    }

    /// Whether a certificate is shown.
    pub(super) fn is_on(&self) -> bool {
        self.shown.is_some()
    }

    /// Looks until `stop`.
    pub(super) async fn run(self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(EVERY);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => self.look(false).await,
            }
        }
    }

    /// Looks once, `asked` by somebody who says that the files are whole.
    pub(super) async fn look(&self, asked: bool) {
        let Some(shown) = &self.shown else { return };
        let mut said = self.said.lock().await;
        let now = self.store.clock().now();
        let looked = async {
            self.renew(shown, &mut said, (now, asked)).await?;
            self.judge(shown, &mut said, now).await
        };
        if let Err(error) = looked.await {
            tracing::error!(error = %error_chain(&error), "could not record how the console's certificate is");
        }
    }

    async fn renew(&self, shown: &Arc<Shown>, said: &mut Said, (now, asked): (Timestamp, bool)) -> Result<()> {
        let reads = Arc::clone(shown);
        // The files may lie on a disk that does not answer.
        let renewed = tokio::task::spawn_blocking(move || reads.renew(now).map_err(|error| error.to_string())).await;
        match renewed.unwrap_or_else(|_| Err("it could not be read, by a defect that the log tells".to_owned())) {
            Ok(renewal) => {
                if renewal == Renewal::Renewed {
                    let until = shown.leaf().until();
                    tracing::info!(%until, "the console shows a renewed certificate from now on");
                }
                (said.seen, said.refused) = (None, None);
                self.store.end_alert("certificate_refused", KEY.to_owned()).await
            }
            Err(why) => {
                let is_sure = asked || said.seen.as_ref() == Some(&why);
                said.seen = Some(why.clone());
                if !is_sure || said.refused.as_ref() == Some(&why) {
                    return Ok(());
                }
                let summary =
                    format!("the files of the console's certificate cannot be used, the one before goes on being shown: {why}");
                self.store.raise_alert("certificate_refused", KEY.to_owned(), summary).await?;
                said.refused = Some(why);
                Ok(())
            }
        }
    }

    async fn judge(&self, shown: &Shown, said: &mut Said, now: Timestamp) -> Result<()> {
        let leaf = shown.leaf();
        table::CONSOLE_CERTIFICATE_LEFT_SECONDS.set([], left(&leaf, now));
        let fault = leaf.fault_of_time(now).or_else(|| {
            let is_late = now >= leaf.renewed_by();
            is_late.then(|| format!("it was not renewed yet, and expires on {}", leaf.until()))
        });
        match fault {
            None => {
                said.fault = None;
                self.store.end_alert("certificate_expires", KEY.to_owned()).await
            }
            same if same == said.fault => Ok(()),
            Some(fault) => {
                let summary = format!("the console's certificate is to be renewed: {fault}");
                self.store.raise_alert("certificate_expires", KEY.to_owned(), summary).await?;
                said.fault = Some(fault);
                Ok(())
            }
        }
    }
}

/// Seconds until it expires, below 0 once it has.
fn left(leaf: &Leaf, now: Timestamp) -> f64 {
    leaf.until().since(now).as_secs_f64() - now.since(leaf.until()).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::Files;
    use crate::certificate::tests::self_signed;
    use crate::clock::Clock;
    use crate::secret::SecretSource;
    use crate::store::Role;

    #[tokio::test]
    async fn files_are_told_of_when_the_next_look_finds_the_same_or_somebody_asks_and_once() {
        let folder = self_signed("console.example.test");
        let store = Store::open(&folder.path().join("revoked.db"), Role::Daemon, Clock::system())
            .await
            .unwrap();
        let files = Files {
            certificate: folder.path().join("console.pem"),
            key: SecretSource::File(folder.path().join("console.key")),
        };
        let shown = Shown::read(files.clone(), "console.example.test".to_owned()).unwrap();
        let look = CertificateLook::begin(store.clone(), Some(shown)).await.unwrap();
        let alerts = async || -> Vec<(String, i64)> {
            let open = store.alerts(false).await.unwrap().rows.into_iter();
            open.map(|alert| (alert.kind, alert.times)).collect()
        };
        let away = folder.path().join("away");
        look.look(false).await;
        std::fs::rename(&files.certificate, &away).unwrap();
        // It may be on its way.
        look.look(false).await;
        assert_eq!(alerts().await, []);
        for _ in 0..3 {
            look.look(false).await;
            assert_eq!(alerts().await, [("certificate_refused".to_owned(), 1)]);
        }
        std::fs::rename(&away, &files.certificate).unwrap();
        look.look(false).await;
        assert_eq!(alerts().await, []);
        std::fs::rename(&files.certificate, &away).unwrap();
        look.look(true).await;
        assert_eq!(alerts().await, [("certificate_refused".to_owned(), 1)]);
        // A listener that shows none has nothing to be told of.
        CertificateLook::begin(store.clone(), None).await.unwrap();
        assert_eq!(alerts().await, []);
        store.close().await;
    }
}
