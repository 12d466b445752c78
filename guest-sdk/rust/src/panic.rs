//! What is left of a panic. Without this the host would see a trap and no reason.

use std::panic::PanicHookInfo;

use crate::bindings::host::tollgate::policy::panic::note;

/// Installs the hook, once for each instance. Called by what `register!` writes, before every event.
pub fn install() {
    std::thread_local! { static INSTALLED: () = std::panic::set_hook(Box::new(report)); }
    INSTALLED.with(|()| ());
}

fn report(panic: &PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("panic with a payload that is no text");
    let (file, line) = panic.location().map_or(("unknown", 0), |place| (place.file(), place.line()));
    let text = format!("{message} file={file} line={line}");
    // What is beyond is dropped, and each call counts.
    let mut words = text.as_bytes()[..text.len().min(1024)].chunks_exact(8);
    for word in words.by_ref() {
        note(u64::from_le_bytes(word.try_into().expect("eight octets")), 8);
    }
    let (last, mut octets) = (words.remainder(), [0; 8]);
    octets[..last.len()].copy_from_slice(last);
    note(u64::from_le_bytes(octets), last.len() as u8);
}
