//! TLS to the broker: whom to trust, and who we are. Input: PEM files named in the configuration.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::config::{ConfigError, Tls};

/// The client's side of TLS.
pub(super) fn client(tls: &Tls) -> Result<ClientConfig, ConfigError> {
    let roots = roots(tls)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| ConfigError::new("mqtt.url", e))?
        .with_root_certificates(roots);
    let Some((cert, key)) = &tls.client else { return Ok(builder.with_no_client_auth()) };
    let chain = certificates("mqtt.client_cert", cert)?;
    let private = private_key(key)?;
    builder.with_client_auth_cert(chain, private).map_err(|error| {
        let place = format!("{} with {}", cert.display(), key.display());
        let words = match error {
            rustls::Error::InconsistentKeys(_) => "the key is not that of the certificate".to_owned(),
            other => format!("they cannot be used ({other})"),
        };
        ConfigError::new("mqtt.client_key", format!("{place}: {words}"))
    })
}

/// Everything that is wrong with the files of TLS: each is looked at.
pub fn tls_mistakes(tls: &Tls) -> Vec<ConfigError> {
    let mut mistakes: Vec<ConfigError> = roots(tls).err().into_iter().collect();
    if let Some((cert, key)) = &tls.client {
        mistakes.extend(certificates("mqtt.client_cert", cert).err());
        mistakes.extend(private_key(key).err());
    }
    if mistakes.is_empty() {
        // Whether they belong together.
        mistakes.extend(client(tls).err());
    }
    mistakes
}

fn roots(tls: &Tls) -> Result<RootCertStore, ConfigError> {
    let mut roots = RootCertStore::empty();
    match &tls.ca_file {
        Some(path) => {
            for certificate in certificates("mqtt.ca_file", path)? {
                let unusable = |e| ConfigError::new("mqtt.ca_file", format!("{}: {e}", path.display()));
                roots.add(certificate).map_err(unusable)?;
            }
        }
        None => {
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
            if roots.is_empty() {
                let remedy =
                    "no certificate authorities on this system: install ca-certificates or set mqtt.ca_file";
                return Err(ConfigError::new("mqtt.url", remedy));
            }
        }
    }
    Ok(roots)
}

fn certificates(key: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let certificates: Vec<_> = read(key, path, "certificate")?;
    match certificates.is_empty() {
        true => Err(unusable(key, path, "there is no PEM certificate in it")),
        false => Ok(certificates),
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, ConfigError> {
    let keys: Vec<_> = read("mqtt.client_key", path, "private key")?;
    let none =
        || unusable("mqtt.client_key", path, "there is no PEM private key in it, or it has a passphrase");
    keys.into_iter().next().ok_or_else(none)
}

fn read<T: PemObject>(key: &str, path: &Path, what: &str) -> Result<Vec<T>, ConfigError> {
    let file =
        File::open(path).map_err(|error| unusable(key, path, &format!("it cannot be read ({error})")))?;
    let broken = |error: PemError| match error {
        PemError::Io(error) => unusable(key, path, &format!("it cannot be read ({error})")),
        _ => unusable(key, path, &format!("its PEM is broken: it is no {what}, or not a whole one")),
    };
    T::pem_reader_iter(file).collect::<Result<_, _>>().map_err(broken)
}

fn unusable(key: &str, path: &Path, words: &str) -> ConfigError {
    ConfigError::new(key, format!("{}: {words}", path.display()))
}
