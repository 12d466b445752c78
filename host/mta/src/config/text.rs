//! Files as text: what keeps one from being read, and the place of the first octet that is no text.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tollgate_config::{Finding, Position, Severity, nearest};

/// Returns the text of a file, or the finding that says where it is none.
pub(crate) fn utf8(name: &str, octets: Vec<u8>) -> Result<String, Finding> {
    String::from_utf8(octets).map_err(|error| {
        let (before, rest) = error.as_bytes().split_at(error.utf8_error().valid_up_to());
        let before = std::str::from_utf8(before).expect("what is before the error is valid");
        let number = |n: usize| u32::try_from(n + 1).unwrap_or(u32::MAX);
        let line = before.rsplit_once('\n').map_or(before, |(_, line)| line);
        let at = Position { line: number(before.matches('\n').count()), column: number(line.chars().count()) };
        let octet = rest.first().copied().unwrap_or_default();
        let message = format!("not UTF-8: octet 0x{octet:02X}; save the file as UTF-8");
        Finding { severity: Severity::Error, file: Some(name.to_owned()), at: Some(at), message }
    })
}

/// Returns why a file cannot be read, with the file that may have been meant.
pub(crate) fn unreadable(path: &Path, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::IsADirectory => "a directory, not a file".to_owned(),
        io::ErrorKind::NotFound => format!("{error}{}", sibling(path).map(|path| meant(&path)).unwrap_or_default()),
        _ => error.to_string(),
    }
}

/// Returns why a configuration file cannot be read: of a folder, the file in it that has the usual name is meant.
pub(super) fn unreadable_configuration(path: &Path, error: &io::Error) -> String {
    let usual = path.join("tollgate.toml");
    let hint = if usual.is_file() { meant(&usual) } else { String::new() };
    format!("{}{hint}", unreadable(path, error))
}

fn meant(path: &Path) -> String {
    format!("; did you mean `{}`?", path.display())
}

/// Returns the file beside a missing one whose name is nearest.
fn sibling(path: &Path) -> Option<PathBuf> {
    let folder = path.parent()?;
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let names = names(here);
    nearest(path.file_name()?.to_str()?, names.iter().map(String::as_str)).map(|name| folder.join(name))
}

/// Returns the names in a folder, sorted; none where it cannot be read.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_octet_that_is_no_text_has_a_place() {
        let seen = ["a = 1\n# \u{fc} ", ""].map(|before| {
            let octets = [before.as_bytes(), b"\xfc\xff\n"].concat();
            utf8("f", octets).map_err(|finding| finding.to_string())
        });

        let told = |place| Err(format!("f:{place} not UTF-8: octet 0xFC; save the file as UTF-8"));
        assert_eq!(seen, [told("2:5"), told("1:1")]);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_told_with_the_one_that_was_meant() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("tollgate.toml"), "").expect("a file");
        let reason = |name: &str| {
            let path = folder.path().join(name);
            let error = fs::read(&path).expect_err("nothing to read");
            unreadable_configuration(&path, &error).replace(&folder.path().display().to_string(), "FOLDER")
        };

        let seen = ["tolgate.toml", "other.toml", ""].map(reason);

        let expected = [
            "No such file or directory (os error 2); did you mean `FOLDER/tollgate.toml`?",
            "No such file or directory (os error 2)",
            "a directory, not a file; did you mean `FOLDER/tollgate.toml`?",
        ];
        assert_eq!(seen, expected);
    }
}
