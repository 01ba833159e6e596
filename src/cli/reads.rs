//! That a command has shown what is kept about people goes into the trail. It shows it all the same where that cannot be written.

use super::StoreArgs;
use super::output::remark;
use super::store::operator;
use crate::store::{PeopleRead, Store, daemon_runs};

/// What a command has read, to be filled in.
pub(super) fn read_with(with: &'static str) -> PeopleRead {
    PeopleRead::new(operator(), with)
}

/// Records it: in the store that is in use. A copy that somebody looks at stays as it is, since it is compared with checkpoints.
pub(super) async fn record_read(store: &Store, at: &StoreArgs, read: &PeopleRead) {
    let is_in_use = at.store.is_none()
        || daemon_runs(store.path())
        || crate::config::store_path(&at.config).is_ok_and(|path| path == store.path());
    if !is_in_use {
        return;
    }
    if let Err(error) = store.note_read(read).await {
        let error = crate::model::error_chain(&error);
        remark(format!("that this was read could not be recorded in the trail: {error}"));
    }
}
