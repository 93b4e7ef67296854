//! Trying a broker, for `smsbridge check --connect`: whether it lets a gateway in, what it lacks, and what its access
//! list lets the gateway do.

use std::time::Duration;

use tokio::time::Instant;

use super::access::{Access, Plan, try_access};
use super::caller::{CallerError, clean, client_id, connect};
use super::options;
use crate::config::Mqtt;
use crate::wire::Publish;

/// How long a DISCONNECT may take to be written.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What came of a try, at one address.
pub struct Trial {
    /// The address, `host:port`.
    pub address: String,
    /// What the broker lacks of what a gateway needs, in words.
    pub outcome: Result<Option<String>, CallerError>,
    /// What the broker lets us do; in words why that could not be tried. None where it does not let us in.
    pub access: Option<Result<Access, String>>,
}

/// Connects to each address as the gateway does, with its last will and its limits, but under another client id: the
/// broker keeps nothing of it. Then tries what the plan says.
pub async fn try_each(config: &Mqtt, last_will: &Publish, plan: &Plan) -> Result<Vec<Trial>, CallerError> {
    let id = client_id();
    let addresses = clean(options::gateway(config, &id, last_will)?);
    let mut trials = Vec::new();
    for (options, server) in addresses.into_iter().zip(&config.servers) {
        let address = options.address.to_string();
        let (outcome, access) = match connect(options).await {
            Ok(mut connected) => {
                // Without it the broker would publish the last will.
                connected.disconnect(Instant::now() + DISCONNECT_TIMEOUT).await;
                let missing = connected.limits.missing(!config.share.is_empty());
                drop(connected);
                (Ok(missing), Some(try_access(config, server, &id, plan).await))
            }
            Err(error) => (Err(error), None),
        };
        trials.push(Trial { address, outcome, access });
    }
    Ok(trials)
}
