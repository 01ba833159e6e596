//! What people see: the built program in a terminal of several sizes, in a pipe, without colours, without UTF-8.

mod alert;
mod backup;
mod case;
mod check;
mod containment;
mod departures;
mod faulty_config;
mod find;
mod handover;
mod hold;
mod leaked;
mod leavers;
mod reads;
mod rendering;
mod report;
mod report_proofs;
mod revoke;
mod screens;
mod shell;
mod status;
mod times;
mod trail;
mod waiting;
mod watch;
