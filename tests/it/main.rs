//! Integration tests: one binary, one module a subject.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod apart;
mod api;
mod back_channel_logout;
mod circles;
mod config;
mod conformance;
mod daemon;
mod demo;
mod deploy;
mod described;
mod docs;
mod global_token_revocation;
mod harness;
mod hosts;
mod hr_csv;
mod intake;
mod layers;
mod ldap;
mod mattermost;
mod moments;
mod ports;
mod recordings;
mod sandbox;
mod scim;
mod servers;
mod shipped;
mod ssf;
mod store;
mod telemetry;
mod tidy;
mod token_endpoints;
mod tree;
mod wait;
mod webhook;
mod worker;
