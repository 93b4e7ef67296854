//! The store, and the PINs it knows to be wrong. Changes nothing, and goes on beside a running gateway.

use secrecy::{ExposeSecret as _, SecretString};

use super::findings::Findings;
use crate::config::{Config, pin_mistake};
use crate::store::{self, Condition};

/// Looks at the store's folder, then at each modem's PIN.
pub(super) fn check(config: &Config, findings: &mut Findings) {
    let folder = &config.store.path;
    let what = format!("store {}", folder.display());
    match store::look(folder) {
        Ok(Condition::New) => findings.ok(what, "nothing there yet; it can be created"),
        Ok(Condition::Ready) => findings.ok(what, "it can be opened"),
        Ok(Condition::Running) => findings.note(what, "a gateway runs on it"),
        Err(error) => {
            // It names the folder itself.
            let words = error.to_string();
            findings.wrong("store", words.strip_prefix("store ").unwrap_or(&words));
            return;
        }
    }
    for (n, modem) in config.modems.iter().enumerate() {
        let what = format!("modem {}", modem.name);
        let (pin, key) = match (&modem.pin, file_pin(config, n)) {
            (Some(pin), _) => (pin.clone(), "pin"),
            (None, Some(pin)) => (pin, "pin_file"),
            (None, None) => continue,
        };
        if let Some(words) = pin_mistake(&pin) {
            findings.wrong(what, format!("{key}: {words}"));
            continue;
        }
        match store::is_pin_known_wrong(folder, pin.expose_secret()) {
            Ok(false) => {}
            Ok(true) => findings.wrong(
                what,
                format!(
                    "{key}: a SIM refused this PIN before, and it is not tried on that one again: set the right one"
                ),
            ),
            Err(error) => findings.wrong(what, error),
        }
    }
}

/// The PIN in a modem's file, where this user may read that.
fn file_pin(config: &Config, n: usize) -> Option<SecretString> {
    let key = format!("modem[{n}].pin_file");
    config.source.secret_files.iter().find(|file| file.key == key)?.read().ok()
}
