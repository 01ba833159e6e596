//! `revoked`, the revoke daemon.

pub mod api;
pub mod audit;
pub mod cli;
pub mod clock;
pub mod config;
pub mod daemon;
pub mod demo;
pub mod http;
pub mod intake;
pub mod jose;
pub mod model;
pub mod policy;
pub mod sandbox;
pub mod secret;
pub mod settings;
pub mod sources;
pub mod store;
pub mod targets;
pub mod telemetry;
pub mod trail;
pub mod worker;
