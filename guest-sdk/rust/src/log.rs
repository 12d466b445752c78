//! Lines in the operator's log, under the plugin's name.
//!
//! ```
//! use tollgate_sdk::{info, warn};
//!
//! let (tenant, count) = ("acme", 3);
//! info!("{count} recipients");
//! warn!(tenant = tenant, count = count, "more than usual");
//! ```

#[cfg(target_family = "wasm")]
use crate::bindings::host::tollgate::policy::log;
pub use crate::bindings::host::tollgate::policy::log::Level;
#[cfg(not(target_family = "wasm"))]
use crate::native::host::log;

/// Writes a line with fields.
///
/// ```
/// use tollgate_sdk::{log::{Level, write}, testing};
///
/// write(Level::Warn, "odd", &[("count", "3")]);
/// assert_eq!(testing::log_lines(), ["warn odd count=3"]);
/// ```
///
/// A line has 1024 octets at the most; the host cuts what is longer, and replaces control characters.
pub fn write(level: Level, message: &str, fields: &[(&str, &str)]) {
    let fields: Vec<(String, String)> = fields.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    log::write(level, message, &fields);
}

/// Writes a line about something odd. With fields, or a format: [`crate::warn!`].
///
/// ```
/// tollgate_sdk::log::warn("odd");
/// assert_eq!(tollgate_sdk::testing::log_lines(), ["warn odd"]);
/// ```
pub fn warn(message: &str) {
    write(Level::Warn, message, &[]);
}

/// Writes a line about what happened. With fields, or a format: [`crate::info!`].
///
/// ```
/// tollgate_sdk::log::info("done");
/// assert_eq!(tollgate_sdk::testing::log_lines(), ["info done"]);
/// ```
pub fn info(message: &str) {
    write(Level::Info, message, &[]);
}

/// Writes a line about something that is broken, so that a person must look: `error!(field = value, "text {n}")`.
///
/// ```
/// tollgate_sdk::error!(tenant = "acme", "{} of {}", 1, 2);
/// assert_eq!(tollgate_sdk::testing::log_lines(), ["error 1 of 2 tenant=acme"]);
/// ```
#[macro_export]
macro_rules! error {
    ($($line:tt)+) => { $crate::__log!(Error, $($line)+) };
}

/// Writes a line about something odd, at which a person may want to look: `warn!(field = value, "text {n}")`.
///
/// ```
/// tollgate_sdk::warn!(tenant = "acme", "{} of {}", 1, 2);
/// assert_eq!(tollgate_sdk::testing::log_lines(), ["warn 1 of 2 tenant=acme"]);
/// ```
#[macro_export]
macro_rules! warn {
    ($($line:tt)+) => { $crate::__log!(Warn, $($line)+) };
}

/// Writes a line about what happened, once for each event at the most: `info!(field = value, "text {n}")`.
///
/// ```
/// tollgate_sdk::info!(tenant = "acme", "{} of {}", 1, 2);
/// assert_eq!(tollgate_sdk::testing::log_lines(), ["info 1 of 2 tenant=acme"]);
/// ```
#[macro_export]
macro_rules! info {
    ($($line:tt)+) => { $crate::__log!(Info, $($line)+) };
}

/// Writes a line for finding faults; it is not shown by default: `debug!(field = value, "text {n}")`.
///
/// ```
/// tollgate_sdk::debug!(tenant = "acme", "{} of {}", 1, 2);
/// assert_eq!(tollgate_sdk::testing::log_lines(), ["debug 1 of 2 tenant=acme"]);
/// ```
#[macro_export]
macro_rules! debug {
    ($($line:tt)+) => { $crate::__log!(Debug, $($line)+) };
}

/// The part that the macros share.
#[doc(hidden)]
#[macro_export]
macro_rules! __log {
    ($level:ident, $($field:ident = $value:expr,)* $format:literal $(, $($argument:tt)*)?) => {
        $crate::log::write(
            $crate::log::Level::$level,
            &::std::format!($format $(, $($argument)*)?),
            &[$((::std::stringify!($field), &*::std::string::ToString::to_string(&$value))),*],
        )
    };
}
