//! `[auth.user.NAME]` and `[auth.token.NAME]`.

use std::collections::BTreeMap;

use tollgate_config::{Findings, Section};
use tollgate_inbound::http::TokenHash;

/// Who can prove a name.
#[derive(Debug, Default)]
pub(super) struct Auth {
    /// Users and their password hashes.
    pub(super) users: BTreeMap<String, String>,
    /// Programs and the hashes of their tokens.
    pub(super) tokens: BTreeMap<String, TokenHash>,
}

/// Reads the section. Whether the hash of a password can be used is found when the server is set up.
pub(super) fn auth(top: &mut Section<'_>, findings: &mut Findings) -> Auth {
    let mut auth = Auth::default();
    let Some(mut section) = top.section("auth", findings) else { return auth };
    for (name, user) in section.named("user", findings) {
        if let Some(hash) = required(user, "password_hash", findings, |text| Ok(text.to_owned())) {
            auth.users.insert(name.to_owned(), hash);
        }
    }
    for (name, token) in section.named("token", findings) {
        let at = token.at();
        let hash = required(token, "hash", findings, |text| text.parse::<TokenHash>().map_err(|why| why.to_string()));
        let Some(hash) = hash else { continue };
        if let Some((twin, _)) = auth.tokens.iter().find(|(_, other)| **other == hash) {
            let text = format!("token '{name}' has the hash of token '{twin}', so nobody could tell them apart");
            findings.error(at, text);
        }
        auth.tokens.insert(name.to_owned(), hash);
    }
    section.finish(findings);
    auth
}

/// Reads a section that has this one option.
fn required<T>(
    mut section: Section<'_>,
    key: &'static str,
    findings: &mut Findings,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Option<T> {
    let value = section.parsed(key, findings, parse);
    if section.entry_is_missing(key) {
        section.missing(key, findings);
    }
    section.finish(findings);
    value
}

#[cfg(test)]
mod tests {
    use tollgate_config::{Position, Table};

    use super::*;

    #[test]
    fn a_hash_that_is_missing_malformed_or_shared_is_an_error_where_it_stands() {
        let hash = format!("sha256:{}", "0f".repeat(32));
        let text = format!(
            "[auth.user.scott]\npassword_hsh = 'x'\n[auth.token.a]\nhash = '{hash}'\n[auth.token.b]\nhash = 'sha256:0f'\n\
             [auth.token.c]\n[auth.token.d]\nhash = '{hash}'\n[auth.token.e]\nhash = 5\n[auth.toke.f]\n"
        );
        let mut findings = Findings::new("f");
        let table = Table::parse_toml(&text, &mut findings);

        let auth = auth(&mut Section::new(&table, Position { line: 1, column: 1 }, ""), &mut findings);

        let said: Vec<String> = findings.into_sorted().iter().map(ToString::to_string).collect();
        let expected = [
            "f:1:12 [auth.user.scott] needs `password_hash`",
            "f:2:1 `password_hsh` is not an option of [auth.user.scott]; did you mean `password_hash`?",
            "f:6:1 hash: a token's hash is 'sha256:' and the 64 hexadecimal digits of its SHA-256",
            "f:7:13 [auth.token.c] needs `hash`",
            "f:8:13 token 'd' has the hash of token 'a', so nobody could tell them apart",
            "f:11:1 hash: expected text, got a number",
            "f:12:7 `toke` is not an option of [auth]; did you mean `token`?",
        ];
        assert_eq!((said, auth.tokens.len(), auth.users.len()), (expected.map(str::to_owned).to_vec(), 2, 0));
    }
}
