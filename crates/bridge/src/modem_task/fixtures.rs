//! What tests of a modem's task begin with.

use std::sync::Arc;

use tempfile::TempDir;

use super::task::ModemTask;
use crate::config;
use crate::retained_state::RetainedState;
use crate::store::{Store, StoreConfig};

/// A modem's task, whose modem has `keys` in its table.
pub(super) fn task_with(keys: &str) -> (ModemTask, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("[[modem]]\nname = \"main\"\n{keys}\n");
    let config = config::parse("smsbridge.toml", &text).unwrap();
    let (store, _thread) = Store::open(folder.path(), StoreConfig::from(&config)).unwrap();
    let task = ModemTask {
        config: config.modems[0].clone(),
        store,
        retained: Arc::new(RetainedState::default()),
        requests: Arc::default(),
        ussd_rules: config.ussd.clone(),
        contacts: Arc::default(),
        trace: None,
        watched: None,
        candidates: Arc::new(Vec::new),
    };
    (task, folder)
}
