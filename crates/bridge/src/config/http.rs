//! What `[http]` means: where to listen, for whom.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use secrecy::{ExposeSecret as _, SecretString};

use super::file::HttpTable;
use super::mistake::Mistakes;
use super::secrets::Reader;
use super::settings::Http;

/// Lengths of a token: nobody guesses the shortest, and the longest fits a header.
const TOKEN_LENGTH: std::ops::RangeInclusive<usize> = 16..=128;

/// What is served; none where nothing listens, or where there is a mistake.
pub(super) fn http(table: HttpTable, secrets: &mut Reader, mistakes: &mut Mistakes) -> Option<Http> {
    let is_in_file = table.token_file.is_some();
    let token = secrets.secret("http.token", table.token, table.token_file, mistakes);
    if let Some(words) = token.as_ref().and_then(token_mistake) {
        mistakes.add(if is_in_file { "http.token_file" } else { "http.token" }, words);
    }
    let networks = table.trusted_proxy.each().into_iter().enumerate().map(|(n, text)| {
        let words = || format!("{text:?}: expected an address or a network, such as \"172.30.32.0/23\"");
        mistakes.keep(&format!("http.trusted_proxy[{n}]"), network(text).ok_or_else(words))
    });
    let trusted_proxies = networks.collect::<Vec<_>>().into_iter().collect::<Option<_>>();
    if table.listen.is_empty() {
        return None;
    }
    let listen = mistakes.keep("http.listen", address(&table.listen))?;
    let is_local = listen.ip().to_canonical().is_loopback();
    if !is_local && token.is_none() && !is_in_file {
        let words = format!(
            "it is missing: {} can be reached from elsewhere, where nothing is shown without a token; \
             `openssl rand -hex 32` makes one",
            listen.ip()
        );
        mistakes.add("http.token_file", words);
    }
    Some(Http { listen, token, trusted_proxies: trusted_proxies? })
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let expected = "expected ADDRESS:PORT, such as \"127.0.0.1:9142\", or \"[::]:9142\" for all addresses";
    match text.parse::<SocketAddr>() {
        Ok(address) if address.port() == 0 => Err(format!("{text:?}: {expected}; nobody would know port 0")),
        Ok(address) => Ok(address),
        Err(_) => Err(format!("{text:?}: {expected}")),
    }
}

fn network(text: &str) -> Option<IpNet> {
    let address = text.parse::<IpAddr>().ok().map(IpNet::from);
    address.or_else(|| text.parse().ok())
}

/// Why a text is no token, without the text.
fn token_mistake(token: &SecretString) -> Option<String> {
    let token = token.expose_secret();
    let is_legal = TOKEN_LENGTH.contains(&token.len()) && token.bytes().all(|octet| octet.is_ascii_graphic());
    (!is_legal).then(|| {
        "expected 16 to 128 letters, digits and signs without spaces, such as `openssl rand -hex 32` makes".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::super::load::parse;
    use super::*;

    fn read(text: &str) -> Result<Option<Http>, String> {
        parse("smsbridge.toml", text).map(|config| config.http).map_err(|error| error.to_string())
    }

    #[test]
    fn it_is_off_until_an_address_is_given() {
        assert!(read("").unwrap().is_none());
        assert!(read("[http]\nlisten = \"\"\ntoken = \"0123456789abcdef\"").unwrap().is_none());
        let http = read("[http]\nlisten = \"[::1]:9142\"").unwrap().expect("it listens");
        assert_eq!((http.listen.port(), http.token.is_none()), (9142, true));
    }

    #[test]
    fn an_address_a_token_or_a_proxy_that_cannot_be_is_answered_in_words() {
        const SECRET: &str = "hunter2";
        for (text, expected) in [
            ("listen = \"9142\"", "http.listen: \"9142\": expected ADDRESS:PORT, such as \"127.0.0.1:9142\""),
            ("listen = \"localhost:9142\"", "http.listen: \"localhost:9142\": expected ADDRESS:PORT"),
            ("listen = \"127.0.0.1:0\"", "nobody would know port 0"),
            (
                "listen = \"0.0.0.0:9142\"",
                "http.token_file: it is missing: 0.0.0.0 can be reached from elsewhere",
            ),
            ("listen = \"[::]:9142\"", "http.token_file: it is missing"),
            (
                "token = \"hunter2\"",
                "http.token: expected 16 to 128 letters, digits and signs without spaces",
            ),
            ("token = \"hunter2 with spaces in it\"", "http.token: expected 16 to 128"),
            ("token = \"hunter2 with an ümlaut\"", "http.token: expected 16 to 128"),
            (
                "trusted_proxy = [\"127.0.0.1\", \"nginx\"]",
                "http.trusted_proxy: \"nginx\": expected an address or a network",
            ),
            ("trusted_proxy = [\"10.0.0.0/33\"]", "expected an address or a network"),
        ] {
            let error = read(&format!("[http]\n{text}")).expect_err("a mistake was accepted");
            assert!(error.contains(expected), "{text:?} was answered with: {error}");
            assert!(!error.contains(SECRET), "{error}");
        }
    }

    #[test]
    fn a_file_with_the_token_is_enough_for_whoever_may_not_read_it() {
        let config = "[http]\nlisten = \"0.0.0.0:9142\"\ntoken_file = \"http-token\"";
        let mut mistakes = Mistakes::default();
        let mut reader = Reader::new(super::super::Secrets::Leave, None);
        let table: HttpTable = toml::from_str(config.split_once('\n').unwrap().1).unwrap();
        assert!(http(table, &mut reader, &mut mistakes).is_some_and(|http| http.token.is_none()));
        assert_eq!(reader.files.len(), 1);
    }
}
