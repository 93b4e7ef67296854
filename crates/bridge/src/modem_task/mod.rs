//! Stub.
use std::sync::Arc;

use smsbridge_modem::trace::TraceFile;
use tokio_util::sync::CancellationToken;

use crate::config;
use crate::retained_state::RetainedState;
use crate::store::Store;
use crate::ussd_queue::UssdQueue;

/// Everything a modem's task needs.
#[derive(Clone)]
pub struct ModemTask {
    pub config: config::Modem,
    pub store: Store,
    pub retained: Arc<RetainedState>,
    pub ussd: Arc<UssdQueue>,
    pub trace: Option<TraceFile>,
}

impl ModemTask {
    pub async fn run(self, stop: CancellationToken) {
        stop.cancelled().await;
    }
}
