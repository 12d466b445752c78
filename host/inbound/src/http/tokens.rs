//! Whose token it is.
//!
//! A token is 256 random bits, so nobody guesses one, and one round of SHA-256 keeps it as safe as the slow hashes keep
//! passwords. Hashes are compared in constant time and all of them are looked at: an answer tells by its time neither
//! how near a guess was nor who has a token.
//!
//! Rules: RFC 6750 §2.1 (Bearer), FIPS 180-4 (SHA-256).

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// What stands in front of the digits of a hash.
const PREFIX: &str = "sha256:";

/// The SHA-256 of a token, which is all that configuration holds of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TokenHash([u8; 32]);

/// A text that is no hash of a token. The operator's to mend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a token's hash is 'sha256:' and the 64 hexadecimal digits of its SHA-256")]
pub struct BadTokenHash;

impl TokenHash {
    /// Returns the hash of a token as it is sent.
    #[must_use]
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token).into())
    }
}

impl FromStr for TokenHash {
    type Err = BadTokenHash;

    fn from_str(text: &str) -> Result<Self, BadTokenHash> {
        let digits = text.strip_prefix(PREFIX).ok_or(BadTokenHash)?.as_bytes();
        let mut hash = [0; 32];
        if digits.len() != 2 * hash.len() {
            return Err(BadTokenHash);
        }
        for (octet, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            *octet = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Ok(Self(hash))
    }
}

fn nibble(digit: u8) -> Result<u8, BadTokenHash> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(BadTokenHash),
    }
}

/// Says nothing: hashes do not belong in a log.
impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash")
    }
}

/// The tokens and whose they are.
#[derive(Debug, Clone, Default)]
pub struct Tokens(Vec<(String, TokenHash)>);

impl Tokens {
    /// Takes the names with the hashes of their tokens. Of two with one hash the first has it.
    #[must_use]
    pub fn new(tokens: impl IntoIterator<Item = (String, TokenHash)>) -> Self {
        Self(tokens.into_iter().collect())
    }

    /// Returns whose token this is.
    #[must_use]
    pub fn find(&self, token: &str) -> Option<&str> {
        let TokenHash(given) = TokenHash::of(token);
        let mut found = None;
        for (name, TokenHash(hash)) in &self.0 {
            let same = bool::from(given.ct_eq(hash));
            found = found.or(same.then_some(name.as_str()));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// SHA-256 of `secret`, as `openssl dgst` prints it.
    const SECRET: &str = "sha256:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";

    #[test]
    fn a_token_is_found_by_its_whole_text_alone() {
        let tokens = [("one", TokenHash::of("other")), ("two", SECRET.parse().unwrap())];
        let tokens = Tokens::new(tokens.map(|(name, hash)| (name.to_owned(), hash)));

        let found = ["secret", "other", "Secret", "secret ", "secre", ""].map(|token| tokens.find(token));

        assert_eq!(found, [Some("two"), Some("one"), None, None, None, None]);
    }

    #[test]
    fn nobody_has_a_token_where_there_is_none() {
        assert_eq!(Tokens::default().find(""), None);
    }

    #[test]
    fn a_hash_is_its_prefix_and_64_digits_in_either_case() {
        let taken = [
            SECRET.to_owned(),
            SECRET.replace("2bb80d", "2BB80D"),
            SECRET.replace("sha256:", ""),
            SECRET.replace("sha256", "SHA256"),
            SECRET.replace("2bb", "2bg"),
            SECRET.replace("2bb", "+bb"),
            format!("{SECRET}0"),
            SECRET[..SECRET.len() - 2].to_owned(),
            "sha256:".to_owned(),
        ]
        .map(|text| text.parse::<TokenHash>().is_ok());

        assert_eq!(taken, [true, true, false, false, false, false, false, false, false]);
    }

    proptest! {
        #[test]
        fn no_text_but_64_digits_is_read_as_a_hash(
            digits in prop_oneof!["[0-9a-fA-F]{64}", "[0-9a-gA-F]{62,66}", "\\PC{0,70}"],
        ) {
            let whole = digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_hexdigit());

            prop_assert_eq!(format!("sha256:{digits}").parse::<TokenHash>().is_ok(), whole);
        }
    }
}
