//! What keeps a target from being sent anything: an operator's word, or what the daemon has found.

use crate::store::columns::Columns as _;
use crate::store::{Result, Store, StoreError, TargetPause};

/// Why nothing is sent to a target, the weightiest reason alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// An operator has paused it.
    Paused(TargetPause),
    /// It refuses us, and why: our credential, a permission, the address.
    Refused(String),
    /// It does not answer, as the alert about that says.
    Down(String),
}

impl Store {
    /// Why nothing is sent to a target, where something is in the way.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn stopped(&self, target: &str) -> Result<Option<Stopped>> {
        if let Some(pause) = self.paused_targets().await?.remove(target) {
            return Ok(Some(Stopped::Paused(pause)));
        }
        if let Some(why) = self.lane_paused(target).await? {
            return Ok(Some(Stopped::Refused(why)));
        }
        let down = sqlx::query("SELECT summary FROM alert WHERE kind = 'target_down' AND key = $1 AND cleared_at IS NULL")
            .bind(format!("target:{target}"))
            .fetch_optional(self.readers())
            .await
            .map_err(StoreError::sql("looking whether a target is down"))?;
        down.map(|row| Ok(Stopped::Down(row.lossy(0)?))).transpose()
    }
}
