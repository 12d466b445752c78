//! Log records: read from the files, and told in a line each.

use std::{fs, path::PathBuf};

use serde_json::Value;

use super::Folder;

/// Returns all records in `log/`, in the order in which they were written.
pub(super) fn read(folder: &Folder) -> Vec<Value> {
    let files = fs::read_dir(folder.path().join("log")).map(|files| files.flatten().map(|file| file.path()).collect());
    let mut files: Vec<PathBuf> = files.unwrap_or_default();
    files.sort();
    let text: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    // A line that is being written has no end yet.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Returns a field that is a text, empty where there is none.
pub(crate) fn text<'a>(record: &'a Value, field: &str) -> &'a str {
    record[field].as_str().unwrap_or_default()
}

/// Tells a record: what, to whom, in which queue, over which pool and source, at which attempt, and the reply.
pub(crate) fn line(record: &Value) -> String {
    let of = |field| text(record, field);
    let way = match (of("egress_pool"), of("egress_source")) {
        ("", _) => String::new(),
        (pool, source) => format!(" by {pool}/{source}"),
    };
    let reply = &record["response"];
    let enhanced = &reply["enhanced_code"];
    let enhanced = match enhanced["class"].as_u64() {
        Some(class) => format!(" {class}.{}.{}", enhanced["subject"], enhanced["detail"]),
        None => String::new(),
    };
    let reply = format!("{}{enhanced} {}", reply["code"], text(reply, "content"));
    format!("{} {} in {}{way} #{}: {reply}", of("type"), of("recipient"), of("queue"), record["num_attempts"])
}
