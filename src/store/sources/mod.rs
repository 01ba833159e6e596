//! What the store keeps about sources and for them.
//!
//! [`deliveries`] and [`inbox`] (with [`inbox_row`]) first: what comes in beside signals, a list of it in [`inbox_set`]; then [`state`] (what a source keeps for itself),
//! [`health`] with [`lag`] and [`silence`], [`mode`] (whether they are acted on), [`leaked_credentials`], [`unnamed_proxies`], and
//! [`group_lists`], the people whom policy treats apart.

pub(in crate::store) mod deliveries;
pub(in crate::store) mod group_lists;
pub(in crate::store) mod health;
pub(in crate::store) mod inbox;
pub(in crate::store) mod inbox_row;
pub(in crate::store) mod inbox_set;
pub(in crate::store) mod lag;
pub(in crate::store) mod leaked_credentials;
pub(in crate::store) mod mode;
pub(in crate::store) mod silence;
pub(in crate::store) mod state;
pub(in crate::store) mod unnamed_proxies;
