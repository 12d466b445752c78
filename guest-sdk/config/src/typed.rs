//! A whole file as a type of serde's.

use serde::de::DeserializeOwned;

use crate::{Finding, Severity, lines::Lines, without_mark};

/// Reads a TOML file into a type. serde ends at the first thing that is wrong, and so this has one finding at the most; where all of them
/// are wanted, read the file with [`crate::Section`].
///
/// # Errors
/// What is wrong, with the file's name, line and column.
pub fn typed<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, Finding> {
    let text = without_mark(text);
    toml::from_str(text).map_err(|error| {
        let at = error.span().map(|span| Lines::new(text).position(span.start));
        Finding { severity: Severity::Error, file: Some(name.to_owned()), at, message: error.message().to_owned() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize, PartialEq, Debug)]
    #[serde(deny_unknown_fields)]
    struct File {
        greeting: String,
        times: Option<u8>,
    }

    #[test]
    fn what_is_wrong_has_its_place() {
        let read = |text| typed::<File>("g.toml", text);

        let told = ["# Grüße\n  greetin = 'hi'", "greeting = 'ü'\ntimes = 'x'", "greeting = "]
            .map(|text| read(text).unwrap_err().to_string());

        let starts = ["g.toml:2:3 unknown field `greetin`", "g.toml:2:9 invalid type", "g.toml:1:12 "];
        assert!(told.iter().zip(starts).all(|(told, start)| told.starts_with(start)), "{told:?}");
        assert_eq!(read("greeting = 'hi'"), Ok(File { greeting: "hi".to_owned(), times: None }));
    }
}
