//! Signs the trail's head after commits that moved it, and carries the signed notes out of the database.

use std::time::Duration;

use anyhow::Context as _;
use revoked_trail::{Checkpoint, Signer, checkpoint};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::AnchorFile;
use crate::store::Store;

/// At most one checkpoint in this time.
const PACE: Duration = Duration::from_secs(1);

/// At most one of them in this time goes to the journal at `info`, and the last one before a stop: each covers all before it.
const TOLD_EVERY: Duration = Duration::from_mins(1);

/// What the alert about a lost anchor is called.
const LOST: (&str, &str) = ("anchor_lost", "trail");

/// What signs a store's trail, and where the notes go.
pub struct CheckpointSigner {
    store: Store,
    signer: Signer,
    anchor: AnchorFile,
    outside: Outside,
    journal: bool,
    /// When the journal was told last.
    told_at: Option<Instant>,
    /// The newest checkpoint that the journal was not told.
    untold: Option<String>,
    /// How much of the trail is signed, and how much of it by a note that has reached the anchor.
    signed: u64,
    anchored: u64,
    /// Whether the alert about it stands.
    failing: bool,
}

/// What is known of the file outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outside {
    /// Nothing was looked at yet.
    Unknown,
    /// It had so many bytes when it was last written or read.
    Sound(u64),
    /// It holds less than was written to it, and had so many bytes when that was seen. An operator must say that it may be begun anew.
    Lost(Option<u64>),
}

impl CheckpointSigner {
    /// Signs the trail of `store` by `signer`; the notes are appended to `anchor` and, with `journal`, written to the log (the journal,
    /// under systemd).
    #[must_use]
    pub fn new(store: Store, signer: Signer, anchor: AnchorFile, journal: bool) -> Self {
        Self {
            store,
            signer,
            anchor,
            outside: Outside::Unknown,
            journal,
            told_at: None,
            untold: None,
            signed: 0,
            anchored: 0,
            failing: false,
        }
    }

    /// Signs the head as it is committed now, if it moved since the last time. Never before the commit: a power cut could take it back,
    /// and the signature would bear witness to a trail that does not exist.
    ///
    /// The store keeps the note also where the anchor does not take it. An anchor that holds less than was written to it alerts, and is
    /// written again when it is back, or an operator has cleared the alert.
    ///
    /// # Errors
    /// Where the head cannot be read or the note cannot be kept. The trail itself is not touched by that.
    pub async fn sign(&mut self) -> anyhow::Result<()> {
        self.store.files_are_in_place()?;
        let head = self.store.trail_head().await?;
        if head.size() == 0 || head.size() == self.signed && self.anchored == self.signed {
            self.tell_journal_if_due();
            return Ok(());
        }
        let note = checkpoint::sign(&head, &self.signer)?;
        let is_new = head.size() != self.signed;
        let written = self.carry_out(&note).await;
        let anchored = matches!(written, Ok(true));
        if self.journal && is_new {
            tracing::debug!(trail.size = head.size(), "signed a checkpoint of the trail");
            self.untold = Some(note.clone());
        }
        self.tell_journal_if_due();
        if is_new || anchored {
            self.store.keep_checkpoint(head.size(), note, anchored).await?;
        }
        self.signed = head.size();
        if anchored {
            self.anchored = head.size();
        }
        written.map(|_| ())
    }

    /// When the journal is to have a newer checkpoint than it has.
    fn journal_is_due(&self) -> Option<Instant> {
        let now = Instant::now();
        self.untold.as_ref().map(|_| self.told_at.map_or(now, |at| at + TOLD_EVERY))
    }

    fn tell_journal_if_due(&mut self) {
        if self.journal_is_due().is_some_and(|due| due <= Instant::now()) {
            self.tell_journal();
        }
    }

    /// Writes the newest checkpoint to the journal, where that has only an older one.
    fn tell_journal(&mut self) {
        if let Some(note) = self.untold.take() {
            tracing::info!(%note, "signed a checkpoint of the trail");
            self.told_at = Some(Instant::now());
        }
    }

    /// [`Self::sign`], and alerts where it fails: a dead anchor does not stop work, since containment is more urgent. It alerts once, until it works
    /// again.
    pub async fn sign_or_alert(&mut self) {
        let said = match self.sign().await {
            Ok(()) if self.failing => {
                self.failing = false;
                self.store.end_alert("checkpoint_failed", "trail".to_owned()).await
            }
            Ok(()) => Ok(()),
            Err(error) if self.failing => {
                tracing::debug!(error = format!("{error:#}"), "a checkpoint could still not be signed");
                Ok(())
            }
            Err(error) => {
                self.failing = true;
                let summary = format!("no checkpoint of the trail can be signed: {error:#}");
                self.store.raise_alert("checkpoint_failed", "trail".to_owned(), summary).await
            }
        };
        if let Err(error) = said {
            tracing::error!(error = %crate::model::error_chain(&error), "could not record an alert");
        }
    }

    /// Appends a note to the anchor. False where that is lost.
    async fn carry_out(&mut self, note: &str) -> anyhow::Result<bool> {
        let (anchor, note) = (self.anchor.clone(), note.to_owned());
        let least = match self.look_outside().await? {
            Outside::Sound(length) => length,
            Outside::Unknown | Outside::Lost(_) => return Ok(false),
        };
        match tokio::task::spawn_blocking(move || anchor.append(&note, least)).await?? {
            Some(length) => self.outside = Outside::Sound(length),
            None => self.lose().await?,
        }
        Ok(self.outside != Outside::Unknown && !matches!(self.outside, Outside::Lost(_)))
    }

    /// Whether the anchor may be written.
    async fn look_outside(&mut self) -> anyhow::Result<Outside> {
        match self.outside {
            Outside::Sound(_) => {}
            Outside::Unknown => match self.kept_outside().await? {
                Some(length) => self.find_sound(length).await?,
                None => self.lose().await?,
            },
            Outside::Lost(seen) => {
                let length = self.anchor.length()?;
                if length != seen
                    && let Some(length) = self.kept_outside().await?
                {
                    self.find_sound(length).await?;
                } else if !self.store.alert_is_open(LOST.0, LOST.1).await? {
                    tracing::warn!(file = %self.anchor.path().display(), "an operator has said so: the checkpoint file is begun anew");
                    self.outside = Outside::Sound(0);
                } else {
                    self.outside = Outside::Lost(length);
                }
            }
        }
        Ok(self.outside)
    }

    /// How many bytes the anchor has, where it holds the newest note of this trail that has ever reached it.
    async fn kept_outside(&self) -> anyhow::Result<Option<u64>> {
        let newest = self.store.trail_snapshot().await?.newest_anchored().await?;
        let length = self.anchor.length()?;
        let origin = self.signer.verifier().name().to_owned();
        let Some(wanted) = newest.as_deref().and_then(|note| size_of(note, &origin)) else {
            return Ok(Some(length.unwrap_or(0)));
        };
        let anchor = self.anchor.clone();
        let is_wanted = move |note: &str| size_of(note, &origin).is_some_and(|size| size >= wanted);
        let kept = tokio::task::spawn_blocking(move || anchor.newest(is_wanted))
            .await
            .context("reading the checkpoint file")??;
        Ok(length.filter(|_| kept.is_some()))
    }

    async fn find_sound(&mut self, length: u64) -> anyhow::Result<()> {
        self.store.end_alert(LOST.0, LOST.1.to_owned()).await?;
        self.outside = Outside::Sound(length);
        Ok(())
    }

    async fn lose(&mut self) -> anyhow::Result<()> {
        let length = self.anchor.length()?;
        let summary = format!(
            "the checkpoint file {} {}: put it back, or clear this alert to have it begun anew; until then checkpoints go to the store and \
             the log alone",
            self.anchor.path().display(),
            match length {
                None => "is gone".to_owned(),
                Some(length) => format!("holds less than was written to it ({length} bytes are left)"),
            }
        );
        self.store.raise_alert("anchor_lost", LOST.1.to_owned(), summary).await?;
        self.outside = Outside::Lost(length);
        Ok(())
    }
}

/// The size that a note of the trail `origin` signs.
pub(super) fn size_of(note: &str, origin: &str) -> Option<u64> {
    let (text, _) = note.split_once("\n\n")?;
    let checkpoint = Checkpoint::parse(&format!("{text}\n")).ok()?;
    (checkpoint.origin == origin).then_some(checkpoint.size)
}

/// Signs at the start, after commits that moved the head and at most once a second, and at the stop.
pub async fn run(mut checkpoints: CheckpointSigner, stop: CancellationToken) {
    let mut committed = checkpoints.store.committed();
    loop {
        // Asked before the head is read: the last checkpoint must cover what was committed before the order to stop.
        let is_last = stop.is_cancelled();
        checkpoints.sign_or_alert().await;
        if is_last {
            checkpoints.tell_journal();
            return;
        }
        tokio::select! {
            () = stop.cancelled() => continue,
            () = tokio::time::sleep(PACE) => {}
        }
        // What has not reached the anchor is tried again without a commit.
        let settled = checkpoints.signed.min(checkpoints.anchored);
        let due = checkpoints.journal_is_due();
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
            changed = committed.wait_for(|seen| seen.trail_size > settled) => if changed.is_err() { return },
        }
    }
}
