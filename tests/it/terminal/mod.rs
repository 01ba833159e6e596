//! What people see: the built program in a terminal of several sizes, in a pipe, without colours, without UTF-8.

mod alert;
mod hold;
mod rendering;
mod report;
