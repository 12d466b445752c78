//! Log records, some time after they were written.
//!
//! In: a [`Batch`]. Out: nothing. A plugin that does not handle the event gets none.

use std::sync::Arc;

/// Records in the order in which they were written, each as its line in the log, without the line end.
pub type Batch = Arc<[String]>;

/// Most records in a batch.
pub const LARGEST: usize = 100;
