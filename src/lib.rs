//! `revoked`, the revoke daemon.

pub mod audit;
pub mod clock;
pub mod model;
pub mod sandbox;
