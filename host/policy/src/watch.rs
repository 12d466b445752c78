//! Who is told of every event that was put to a plugin: numbers and logs are somebody else's to keep.

use std::time::Duration;

use crate::Event;

/// An event that was put to a plugin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Called<'a> {
    /// The plugin's name.
    pub plugin: &'a str,
    /// The event.
    pub event: Event,
    /// `accept`, `discard`, `hold`, `defer`, `reject`, `requeue`, `answer`, `pass` for nothing to say, or the word of a failure.
    pub outcome: &'static str,
    /// How long it took, waiting for a worker included.
    pub took: Duration,
}

/// What a plugin would have decided that decides nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shadowed {
    /// The plugin's name.
    pub plugin: String,
    /// The event.
    pub event: Event,
    /// In what it differs from what was decided, in words; nothing where it does not.
    pub difference: Option<String>,
}

/// Somebody who is told. Called from many threads, in the middle of mail: it must not wait.
pub trait Watch: Send + Sync {
    /// Takes note of an event that was put to a plugin.
    fn called(&self, called: &Called<'_>);

    /// Takes note of what a shadow would have done.
    fn shadowed(&self, shadowed: &Shadowed);
}

/// Nobody.
impl Watch for () {
    fn called(&self, _: &Called<'_>) {}

    fn shadowed(&self, _: &Shadowed) {}
}
