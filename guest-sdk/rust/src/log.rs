//! Lines in the operator's log, under the plugin's name.

use crate::bindings::host::tollgate::policy::log;
pub use crate::bindings::host::tollgate::policy::log::Level;

/// Writes a line with fields.
pub fn write(level: Level, message: &str, fields: &[(&str, &str)]) {
    let fields: Vec<(String, String)> = fields.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    log::write(level, message, &fields);
}

/// Writes a line about something odd.
pub fn warn(message: &str) {
    write(Level::Warn, message, &[]);
}

/// Writes a line about what happened.
pub fn info(message: &str) {
    write(Level::Info, message, &[]);
}
