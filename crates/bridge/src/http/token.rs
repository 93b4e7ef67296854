//! The token, and the cookie that stands for it: made from it, so that it needs no memory, outlives a restart, and ends
//! when the token is changed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use secrecy::{ExposeSecret as _, SecretString};

/// What the cookie's value is made of, beside the token. No token has a space.
const COOKIE_WORDS: &[u8] = b"smsbridge cookie";

/// Knows the token and its cookie, and compares both in constant time.
pub(super) struct Token {
    key: hmac::Key,
    token: hmac::Tag,
    cookie: hmac::Tag,
}

impl Token {
    pub(super) fn new(token: &SecretString) -> Token {
        let token = token.expose_secret().as_bytes();
        let key = hmac::Key::new(hmac::HMAC_SHA256, token);
        Token { token: hmac::sign(&key, token), cookie: hmac::sign(&key, COOKIE_WORDS), key }
    }

    /// Whether `given` is the token. Its digest is compared, so that not even its length is told by the time it takes.
    pub(super) fn is(&self, given: &str) -> bool {
        hmac::verify(&self.key, given.as_bytes(), self.token.as_ref()).is_ok()
    }

    /// The value of the cookie; the token cannot be found from it.
    pub(super) fn cookie(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.cookie)
    }

    /// Whether `given` is the value of the cookie.
    pub(super) fn is_cookie(&self, given: &str) -> bool {
        let given = URL_SAFE_NO_PAD.decode(given).unwrap_or_default();
        hmac::verify(&self.key, COOKIE_WORDS, &given).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str) -> Token {
        Token::new(&SecretString::from(text.to_owned()))
    }

    #[test]
    fn a_token_is_itself_alone() {
        let own = token("0123456789abcdef");
        assert!(own.is("0123456789abcdef"));
        for other in ["", "0123456789abcde", "0123456789abcdef0", "0123456789ABCDEF", "smsbridge cookie"] {
            assert!(!own.is(other), "{other:?}");
        }
        assert!(!own.is(&own.cookie()), "the cookie is no token");
    }

    #[test]
    fn a_cookie_outlives_a_restart_and_not_a_change_of_the_token() {
        let cookie = token("0123456789abcdef").cookie();
        assert!(token("0123456789abcdef").is_cookie(&cookie));
        assert!(!token("0123456789abcdeg").is_cookie(&cookie));
        for other in ["", "0123456789abcdef", &cookie[1..], &format!("{cookie}A"), "ü"] {
            assert!(!token("0123456789abcdef").is_cookie(other), "{other:?}");
        }
    }
}
