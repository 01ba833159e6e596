//! What the store keeps for and about sources.

pub(in crate::store) mod deliveries;
pub(in crate::store) mod health;
pub(in crate::store) mod inbox;
pub(in crate::store) mod inbox_row;
pub(in crate::store) mod lag;
pub(in crate::store) mod leaked_credentials;
pub(in crate::store) mod silence;
pub(in crate::store) mod state;
pub(in crate::store) mod unnamed_proxies;
