//! Files that are configuration, kept as text and as a tree, to find where something in them is written.
//!
//! What they mean is for the plugins to say, whose files they mostly are. Here is only what each line assigns, and in which
//! section it stands.

use tollgate_config::{Entry, Findings, Table, Value};

/// The files, in the order in which they were given.
#[derive(Default)]
pub(crate) struct Files(Vec<File>);

struct File {
    name: String,
    text: String,
    table: Table,
}

/// A key with its value, and where it is.
#[derive(Clone, Debug)]
pub(crate) struct Spot<'a> {
    /// The file, by the operator's name for it.
    pub(crate) file: &'a str,
    /// The keys above it, outermost first.
    pub(crate) path: Vec<&'a str>,
    /// Whether the last of them names a list of tables, `[[plugin]]`.
    in_list: bool,
    pub(crate) entry: &'a Entry,
}

impl Files {
    /// Parses a file, TOML or JSON, and puts it behind the others. What cannot be parsed is not in it.
    pub(crate) fn add(&mut self, name: &str, content: &[u8]) {
        let text = tollgate_config::without_mark(&String::from_utf8_lossy(content)).to_owned();
        let table = Table::parse(&text, name.ends_with(".json"), &mut Findings::new(name));
        self.0.push(File { name: name.to_owned(), text, table });
    }

    /// Returns every key of every file, each before those in it.
    pub(crate) fn spots(&self) -> Vec<Spot<'_>> {
        let mut spots = Vec::new();
        for file in &self.0 {
            collect(&file.name, &[], false, &file.table, &mut spots);
        }
        spots
    }

    /// Returns a line of a file, counted from 1.
    pub(crate) fn line(&self, file: &str, line: u32) -> Option<&str> {
        let file = self.0.iter().find(|known| known.name == file)?;
        file.text.lines().nth(usize::try_from(line).ok()?.checked_sub(1)?)
    }
}

impl Spot<'_> {
    /// Returns `queues.toml:12`.
    pub(crate) fn place(&self) -> String {
        format!("{}:{}", self.file, self.entry.at.line)
    }

    /// Returns the header of the section that it stands in, `[queue.'gmail.com']`; nothing for what stands above all.
    pub(crate) fn section(&self) -> Option<String> {
        let keys: Vec<String> = self.path.iter().map(|key| quoted(key)).collect();
        let header = keys.join(".");
        (!keys.is_empty()).then(|| if self.in_list { format!("[[{header}]]") } else { format!("[{header}]") })
    }

    /// Returns its value, where that is text.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.entry.node.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }
}

fn collect<'a>(file: &'a str, path: &[&'a str], in_list: bool, table: &'a Table, spots: &mut Vec<Spot<'a>>) {
    for entry in &table.entries {
        spots.push(Spot { file, path: path.to_vec(), in_list, entry });
        let inner = [path, &[&entry.key]].concat();
        match &entry.node.value {
            Value::Table(table) => collect(file, &inner, false, table, spots),
            Value::Array(items) => items.iter().for_each(|item| {
                if let Value::Table(table) = &item.value {
                    collect(file, &inner, true, table, spots);
                }
            }),
            _ => {}
        }
    }
}

/// Returns a key as it is written in a header, in quotes where it needs them.
pub(crate) fn quoted(key: &str) -> String {
    let bare = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    match key {
        _ if bare => key.to_owned(),
        _ if key.contains('\'') => format!("{key:?}"),
        _ => format!("'{key}'"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_knows_its_section_and_line() {
        let mut files = Files::default();
        files.add("a.toml", b"x = 1\n[queue.'gmail.com'.t]\nmax_age = '1h'\n");
        files.add("c.toml", b"[[plugin]]\nname = 'p'\n");
        files.add("b.json", br#"{"tenant": {"it's": {"max_age": "2h"}}}"#);

        let spots = files.spots();
        let seen: Vec<_> =
            spots.iter().map(|spot| (spot.place(), spot.section(), spot.entry.key.as_str(), spot.text())).collect();

        let at =
            |place: &str, section: Option<&str>, key, text| (place.to_owned(), section.map(str::to_owned), key, text);
        let expected = [
            at("a.toml:1", None, "x", None),
            at("a.toml:2", None, "queue", None),
            at("a.toml:2", Some("[queue]"), "gmail.com", None),
            at("a.toml:2", Some("[queue.'gmail.com']"), "t", None),
            at("a.toml:3", Some("[queue.'gmail.com'.t]"), "max_age", Some("1h")),
            at("c.toml:1", None, "plugin", None),
            at("c.toml:2", Some("[[plugin]]"), "name", Some("p")),
            at("b.json:1", None, "tenant", None),
            at("b.json:1", Some("[tenant]"), "it's", None),
            at("b.json:1", Some("[tenant.\"it's\"]"), "max_age", Some("2h")),
        ];
        assert_eq!(seen, expected);
    }
}
