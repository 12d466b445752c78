//! Why a plugin does not get what it asks for.

/// Says why; the plugin reads it, and goes on.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// It may not; the text says what that would take.
    #[error("{0}")]
    Denied(String),
    /// It asks for what makes no sense; the text says what and why.
    #[error("{0}")]
    Invalid(String),
    /// Larger than so many octets, or more than so many.
    #[error("more than {0}")]
    TooLarge(u64),
    /// Not to be had now; the text says why.
    #[error("{0}")]
    Unavailable(String),
}
