//! `revoked`, the revoke daemon: it ends every way a compromised or departed person can still get in, proves that it is ended, and keeps
//! the evidence. This page is the map; what it is for stands in `README.md`, how it is run in `docs/`, why it is as it is in `docs/adr/`.
//! `docs/architecture.md` has the way of a signal and of an operator's request, the tests that hold the invariants, and where to look for what;
//! `CONTRIBUTING.md` how to build, test and add to it.
//!
//! # The way of a signal
//!
//! ```text
//!  sources ─► intake ─► policy ─► store (queue + trail, one transaction) ─► lanes ─► attempt ─► target
//!    push/pull  durable   pure      wakes the lane in process                  │        │
//!                                                                              │        └► verdict ─► store ─► trail
//!  api, cli read the store, or go through intake                               └ permits: most urgent first
//! ```
//!
//! A *signal* (one authenticated claim about a *subject*) becomes a *case* by policy, and the case one *job* for each target: the
//! *containment* demanded there. A lane claims the job. The attempt resolves the subject to a *principal*, observes what it can reach,
//! plans, applies, and observes again. What the second observation proves is the *verdict*.
//!
//! # Where everything is
//!
//! The page of each module says what lives there and in which order to read it.
//!
//! | module | what is in it |
//! | --- | --- |
//! | [`model`] | the words, as plain types. [`model::Containment`] holds the two pure functions at the heart, `plan` and `verdict`; [`model::JobState`] the only way from one state to another; subjects, grant kinds, evidence |
//! | [`policy`] | from a signal to a decision, pure: playbooks, limits, holds |
//! | [`store`] | all that is durable, in one SQLite file; beside its folders `retention` (what goes, and which table of the config says when), alerts, columns |
//! | `store/queue` | the job queue: accept, coalesce, claim under a `lease`, requeue, settle; in `store/queue/sets` the same for a whole group at once |
//! | `store/cases`, `store/departures` | what a human decides (`holds`, release, calling off); leavers |
//! | `store/identity` | whose name it is: resolution, links, `reassignment` of an identifier, erasure |
//! | `store/operators` | tokens of the API, links and sessions of the page; who has read about whom |
//! | `store/batches` | lists of people that were asked for as one: progress, pause, calling off, what came of each |
//! | `store/sources`, `store/outbox` | the table `inbox`, health of sources, `leaked_credentials`; what others are told |
//! | `store/writer`, `store/trail`, `store/views`, `store/file` | the one writer; reading the trail; lists and counts; opening the file |
//! | [`worker`] | lanes and their priority pacer (rate limits, 429, concurrency, circuit breaker), and the attempt, which is the loop |
//! | [`canary`] | an account of ours at a target that is revoked and tried: the observed delay of its verdicts |
//! | [`backoff`] | how long to wait before the next try |
//! | [`targets`] | the trait of a target with its contract, and a folder for each kind |
//! | `targets/mattermost` | how a session, a token, a webhook is found and ended at a Mattermost server |
//! | `targets/described` | the engine for every system that is described in TOML: how a description is read (`description`), a request made safe (`values`, `render`), an answer understood (`meaning`), a list read whole (`listing`) |
//! | [`sources`] | the two traits of a source with their contracts, and a folder for each kind: `ssf`, `scim`, `webhook`, `hr_csv` (HR's files), logout; `sources/shared` reads what several of them say (subject identifiers) |
//! | [`intake`] | from a source to the store: push, poll, the table `inbox` |
//! | [`api`] | the listening HTTP server: connection and body limits, client penalties, health |
//! | [`console`] | what operators use over HTTP: the API with roles, tokens and sockets, the page, and commands that are run for callers |
//! | [`daemon`] | how all of it is built, started and stopped (SIGTERM, graceful shutdown) |
//! | [`revoked_trail`] | a crate of its own (`crates/revoked-trail`, with the program `revoked-verify`), pure: trail entries, Merkle tree, checkpoints, proofs, the verifier |
//! | [`trail`] | the trail's keys, its files, the running checkpoints |
//! | [`statement`], [`transmitter`] | what others are told of what was proved (pure), and the telling |
//! | [`notify`] over `store/notifications` | how people are told of alerts: a file for each kind of channel (webhook, mail, Slack, Mattermost, `PagerDuty`, Alertmanager, a program); which, when and once is the store's |
//! | [`traces`] | what the trail says of a case, as spans for a collector (OTLP), behind the work |
//! | [`config`] over [`settings`] | from what is written to what is built, and every mistake in it |
//! | [`report`] | reports for people out of the trail's entries: a case, a person, a shift; as Markdown, a page or JSON |
//! | [`cli`] | one file or folder for each command. Only here is anything printed. `cli/revoke` writes a row of the table `inbox` (`store/sources/inbox`), which `intake/inbox` takes to `store/queue/accept` |
//! | [`jose`] | signed tokens (JWT): compact form, keys, JWKS |
//! | [`json`] | places in a JSON value (pointers), and conditions on what stands there |
//! | [`clock`], [`http`], [`secret`], [`telemetry`] | the only places for time, calls to the outside, credentials, and logs with metrics |
//! | [`certificate`] | a certificate with its key, as a listener shows it: what is wrong with it, and taking a renewed one over |
//! | [`bounded_program`] | a program of this machine that is run within bounds: for a target of the kind `exec`, and for alerts |
//! | [`supervision`] | long-lived work is watched: what ends or panics although it should not ends the daemon with its name |
//! | [`passwd`] | names of the accounts of this host |
//! | [`wording`] | how names, numbers and spans of time are written for people |
//! | [`digest`], [`file_modes`] | the one SHA-256 with its hexadecimal form, and the one rule about who else may write what we rely on |
//! | `demo`, `revoked_sandbox` | the demo, and the Mattermost stand-in (a crate of its own) for it, the tests and the benchmarks; behind the feature `demo` |
//!
//! # Glossary
//!
//! Where the field has another word for what is ours:
//!
//! | the field says | here it is |
//! | --- | --- |
//! | event, security event token, alert of a SIEM, HR change | a *signal*; what brings one or more of them is a *delivery* |
//! | connector, integration, receiver, feed | a *source*; where its sender comes to us, an *endpoint* |
//! | application, resource server, managed system | a *target* |
//! | user, identity, subject identifier | a *subject*: whoever a signal means, by all names that are linked; at a target, the *principal* |
//! | account, session, token, consent, entitlement | a *grant*, of a *grant kind* |
//! | incident, ticket | a *case*; correlation of signals is to *coalesce* |
//! | work item, run | a *job*; one try at it is an *attempt* |
//! | runbook, response action | a *playbook*; the desired state that it demands is the *containment* |
//! | disable, deactivate, deprovision | to *suspend*, which is the *account block*; to undo it is to *release* |
//! | dry run, what-if | a *rehearsal* |
//! | approval, four-eyes, change control | a *hold* |
//! | leaver, offboarding, termination | a *departure*; called off it is *rescinded* by HR, *cancelled* by an operator |
//! | recheck, rescan, re-verification | a *sweep* (the key `watch` of a playbook; jobs of the kind `watch` in the database and in JSON) |
//! | residual access, remaining sign-in path | a *door*: what still lets somebody in afresh |
//! | worker pool, consumer of a queue | a *lane*, one for each target |
//! | throttling, rate limiting of ourselves | the *pacer* with its *permits* |
//! | failed for good, given up | the *ledger* of what could not be revoked; of what others are told, a dead letter |
//! | audit log, tamper-evident log | the *trail*; its signed tree head is a *checkpoint* |
//! | pseudonym | the `subject_ref` of an entry |
//!
//! # Invariants
//!
//! - **Nothing acknowledged is lost.** Signals, cursor, cases, jobs and entries commit together, before the sender is told yes.
//! - **Nothing is done without a record.** Every mutation of the store writes its entry in its own transaction. The intent of a change at
//!   a target is committed before its first request leaves.
//! - **Only a second observation makes a verdict.** No answer of a target does.
//! - **A claim is settled once**, or its lease ends. [`store::Claim`] is made by the store alone and consumed by its settlement.
//! - **The most urgent waiter gets the permit**, call by call, at the moment the permit exists.
//! - **The trail signs what is committed**, never what is about to be.
//! - **SQL stays in [`store`]**, printing in [`cli`], wall time in [`clock`].
//! - **`use crate::` edges point only downwards**, in the order of `tests/it/layers.rs`, and no two files of a folder need each other. Below all
//!   of it lie the packages of `crates/`, which know nothing of this one.
//!
//! What is deliberately absent: plug points besides the two traits, a repository trait over the store, an undo of anything but our own
//! suspensions, and any state in memory that a `kill -9` may not take.

pub mod api;
pub mod backoff;
pub mod bounded_program;
pub mod canary;
pub mod certificate;
pub mod cli;
pub mod clock;
pub mod config;
pub mod console;
pub mod daemon;
#[cfg(feature = "demo")]
pub mod demo;
pub mod digest;
pub mod file_modes;
pub mod http;
pub mod intake;
pub mod jose;
pub mod json;
pub mod model;
pub mod notify;
pub mod passwd;
pub mod policy;
pub mod report;
pub mod secret;
pub mod settings;
pub mod sources;
pub mod statement;
pub mod store;
pub mod supervision;
pub mod targets;
pub mod telemetry;
pub mod traces;
pub mod trail;
pub mod transmitter;
pub mod wording;
pub mod worker;
