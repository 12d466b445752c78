//! What mutation starts from: the guide's file, files that use every option, and what was found before.

use crate::Input;

/// Files that were written for this, each with its name. What a hunt finds is put here, so that it stays found.
const FILES: [(&str, &[u8]); 7] = [
    ("queues.toml", include_bytes!("../../../plugins/queue-helper/queues.toml")),
    ("every-option.toml", include_bytes!("../corpus/every-option.toml")),
    ("every-level.toml", include_bytes!("../corpus/every-level.toml")),
    ("mistakes.toml", include_bytes!("../corpus/mistakes.toml")),
    ("names.toml", include_bytes!("../corpus/names.toml")),
    ("every-level.json", include_bytes!("../corpus/every-level.json")),
    ("broken.toml", include_bytes!("../corpus/broken.toml")),
];

/// Returns the inputs that every hunt starts with: each file alone, and all of them over each other.
#[must_use]
pub fn seeds() -> Vec<Input> {
    let alone = FILES.iter().map(|(name, content)| Input::one(name, *content));
    let together = Input(FILES.iter().flat_map(|(name, content)| Input::one(name, *content).0).collect());
    alone.chain([together]).collect()
}
