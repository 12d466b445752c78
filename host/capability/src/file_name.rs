//! Files that are named after plugins and tenants, whatever these are called.

/// Returns the name of a file for something that people name: what is no letter, digit, `-` or `_` as `%XX`, so that no name
/// leads out of the folder.
#[must_use]
pub fn file_name(name: &str) -> String {
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
    let written = |octet: u8| if plain(octet) { char::from(octet).to_string() } else { format!("%{octet:02X}") };
    name.bytes().map(written).collect()
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn no_name_leads_out_of_its_folder() {
        let names = ["acme", "../../etc/passwd", "tenant:a b", ".", "A%2E", "ü"].map(file_name);

        assert_eq!(names, ["acme", "%2E%2E%2F%2E%2E%2Fetc%2Fpasswd", "tenant%3Aa%20b", "%2E", "A%252E", "%C3%BC"]);
    }
}
