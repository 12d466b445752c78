//! Password hashes that are none, found before anybody logs in.

use tollgate_config::{Findings, Table, Value};
use tollgate_inbound::http::Passwords;

/// Reports each `[auth.user.NAME] password_hash` that no password can match.
///
/// What was written is not repeated: it may be the password itself.
pub(super) fn check(table: &Table, findings: &mut Findings) {
    let inner = |table: &Table, key: &str| match table.get(key).map(|entry| entry.node.value.clone()) {
        Some(Value::Table(table)) => table,
        _ => Table::default(),
    };
    for user in inner(&inner(table, "auth"), "user").entries {
        let Value::Table(user) = user.node.value else { continue };
        let Some(entry) = user.get("password_hash") else { continue };
        if let Value::String(hash) = &entry.node.value
            && !is_hash(hash)
        {
            findings.error(entry.at, HINT);
        }
    }
}

const HINT: &str = "password_hash: not an argon2id PHC string ($argon2id$v=19$m=…,t=…,p=…$SALT$HASH); \
                    make one with `argon2 SALT -id -e`";

/// Returns whether a text is a hash of the kind that is taken, with everything that a password is compared with.
fn is_hash(text: &str) -> bool {
    // One without salt and hash is well-formed, and matches nothing. What is `key=value` is the version and parameters.
    let parts = text.split('$').filter(|part| !part.is_empty() && !part.contains('='));
    parts.count() == 3 && Passwords::new([(String::new(), text.to_owned())]).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_that_match_no_password_are_reported_at_their_place() {
        let good = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$4PPFcqkSJEO7vjSGKYDmjQ";
        let text = format!(
            "[auth.user.ada]\npassword_hash = '{good}'\n[auth.user.bob]\n  password_hash = 'tiger'\n\
             [auth.user.eve]\npassword_hash = '$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ'\n[auth.user.joe]\npassword_hash = 5\n"
        );
        let mut findings = Findings::new("f");
        let table = Table::parse_toml(&text, &mut findings);

        check(&table, &mut findings);

        let told: Vec<String> = findings.into_sorted().iter().map(ToString::to_string).collect();
        assert_eq!(told, [format!("f:4:3 {HINT}"), format!("f:6:1 {HINT}")]);
    }
}
