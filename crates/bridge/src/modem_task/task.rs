//! What a modem's task is given.

use std::sync::Arc;

use smsbridge_modem::serial_ports::Candidate;
use smsbridge_modem::trace::TraceFile;

use crate::at_trace::TraceFeed;
use crate::clock::now_ms;
use crate::config;
use crate::contact::Contacts;
use crate::message::Sim;
use crate::modem_requests::ModemRequests;
use crate::retained_state::RetainedState;
use crate::store::{Store, StoreError};

/// What lists ports.
pub type ListPorts = Arc<dyn Fn() -> Vec<Candidate> + Send + Sync>;

/// Everything a modem's task needs; cheap to clone, so that the task can be started again.
#[derive(Clone)]
pub struct ModemTask {
    /// The modem's part of the configuration.
    pub config: config::Modem,
    /// Where messages go and come from.
    pub store: Store,
    /// Where its state goes.
    pub retained: Arc<RetainedState>,
    /// What is asked of it.
    pub requests: Arc<ModemRequests>,
    /// Which USSD requests may be carried out.
    pub ussd_rules: config::Ussd,
    /// By whose numbers callers are known.
    pub contacts: Arc<Contacts>,
    /// The AT transcript, if one is written.
    pub trace: Option<TraceFile>,
    /// Where its AT dialogue is told, if anybody may watch.
    pub watched: Option<Arc<TraceFeed>>,
    /// Lists the ports at which it may be looked for.
    pub candidates: ListPorts,
}

impl ModemTask {
    /// The identity of the SIM in this modem, by what of it can be read.
    pub(super) async fn identify_sim(
        &self,
        iccid: Option<String>,
        imsi: Option<String>,
    ) -> Result<Sim, StoreError> {
        self.store.identify_sim(self.config.name.clone(), iccid, imsi, now_ms()).await
    }
}
