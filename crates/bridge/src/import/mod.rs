//! The configuration of another SMS gateway, made into one of ours: what `smsbridge import` does.
//!
//! Pure but for `files`, which reads the lists of numbers that a configuration names. `text` makes octets a text,
//! `ini`, `env_file` and `compose` read the options in it, each with its line; `kind` says whose they are; `gammu`,
//! `smstools` and `sms2mqtt` say what each means here, with `values`, `numbers` and `hook_program` for what they share,
//! and the files `*_reasons` why one has no counterpart; `options` keeps account, so that none is forgotten; `draft` is
//! what came out, `render` writes it. Nothing that is read is ever executed or expanded.

mod compose;
mod draft;
mod env_file;
mod files;
mod gammu;
mod gammu_reasons;
mod hook_program;
mod ini;
mod kind;
mod numbers;
mod options;
mod render;
mod sms2mqtt;
mod smstools;
mod smstools_modem;
mod smstools_reasons;
#[cfg(test)]
mod tests;
mod text;
mod values;

pub use files::OnDisk;
pub use kind::Kind;
pub use render::{Counts, import};
pub use text::MAX_OCTETS;
