//! Files that no one would write, given to the stock plugin where it runs: in the guest, under its limits.
//!
//! [`mutate`] makes new files out of those of the [`corpus`]; [`oracle`] gives them to the component and says what went
//! wrong; [`hunt`] does so until its time is up and makes what it finds small. A file is worth keeping when something is
//! said about it that was not said before. Everything follows from the seed, so that what was found is found again.
//!
//! [`boundary`] does the same to the host: a guest that calls and answers with whatever it is given.

pub mod boundary;
pub mod corpus;
pub mod hunt;
pub mod mutate;
pub mod oracle;

use tollgate_wasm::ConfigFile;

/// What is given to the plugin at once: files in their order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Input(pub Vec<ConfigFile>);

impl Input {
    /// Returns an input of one file.
    #[must_use]
    pub fn one(name: &str, content: impl Into<Vec<u8>>) -> Self {
        Self(vec![ConfigFile { name: name.to_owned(), content: content.into() }])
    }
}
