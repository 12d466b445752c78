//! Disks that fill up and disks that fail.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use super::kit::{self, DIR};
use crate::journal::Journal;
use crate::vfs::memory::{Fault, MemoryVfs};
use crate::{BodyError, BodyWriter, CommitError, Health};

/// Commits messages until one is refused; returns how many were not.
fn fill(journal: &mut Journal, from: u64) -> (u64, CommitError) {
    (from..).find_map(|n| Some((n, kit::store(journal, kit::batch([n], kit::body(n, 1500))).err()?))).unwrap()
}

#[test]
fn failed_sync_poisons_for_good_and_is_never_tried_again() {
    let vfs = MemoryVfs::default();
    let (mut journal, _) = kit::journal(&vfs);
    let _ = kit::store(&mut journal, kit::batch([1], kit::body(1, 100))).unwrap();
    vfs.fail_at(1, Fault::Once(ErrorKind::Other));

    let second = kit::store(&mut journal, kit::batch([2], kit::body(2, 100))).unwrap_err();
    let changes = vfs.changes();
    let third = kit::store(&mut journal, kit::batch([3], kit::body(3, 100))).unwrap_err();

    assert!(matches!((second, third), (CommitError::Storage(_), CommitError::Poisoned)));
    assert_eq!((journal.shared.health(), vfs.changes()), (Health::Poisoned, changes));
}

#[test]
fn failure_of_any_one_operation_loses_nothing_that_was_acknowledged() {
    for (n, kind) in (0..60).flat_map(|n| [(n, ErrorKind::Other), (n, ErrorKind::StorageFull)]) {
        let vfs = MemoryVfs::default();
        let (mut journal, _) = kit::journal(&vfs);
        vfs.fail_at(n, Fault::Once(kind));

        let committed = |n: &u64| kit::store(&mut journal, kit::batch([*n], kit::body(*n, 1500))).is_ok();
        let committed: Vec<u64> = (0..40).filter(committed).collect();
        drop(journal);

        let (_, recovered) = kit::journal(&vfs.crash(&mut || false));
        assert_eq!((kit::numbers(&recovered), recovered.damaged), (committed, vec![]), "{kind:?} at {n}");
    }
}

#[test]
fn full_disk_refuses_mail_loses_nothing_and_recovers_when_messages_end() {
    let vfs = MemoryVfs::default();
    let (mut journal, _) = kit::journal(&vfs);
    vfs.set_capacity(Some(6 * (16 << 10)));

    let (stored, error) = fill(&mut journal, 0);
    let full = (matches!(error, CommitError::Full), journal.shared.health());
    for n in 0..stored / 2 {
        let waiting = journal.commit(vec![kit::state(n, "tried"), kit::done(n)]);
        assert_eq!(waiting.len(), 0);
    }
    kit::settle(&mut journal);
    let again = kit::store(&mut journal, kit::batch([1000], kit::body(3, 1500))).is_ok();

    assert_eq!((full, journal.shared.health(), again), ((true, Health::Full), Health::Healthy, true));
    drop(journal);
    let expected: Vec<u64> = (stored / 2..stored).chain([1000]).collect();
    assert_eq!(kit::numbers(&kit::journal(&vfs).1), expected);
}

#[test]
fn stuck_message_does_not_keep_a_full_disk_full() {
    let vfs = MemoryVfs::default();
    let (mut journal, _) = kit::journal(&vfs);
    vfs.set_capacity(Some(6 * (16 << 10)));
    let (stored, _) = fill(&mut journal, 0);

    journal.commit((1..stored).map(kit::done).collect());
    kit::settle(&mut journal);

    let (more, _) = fill(&mut journal, 1000);
    assert!(more >= 1000 + stored / 2, "{stored} at first, then {}", more - 1000);
}

#[test]
fn body_that_finds_no_space_leaves_no_file() {
    let vfs = MemoryVfs::default();
    drop(kit::journal(&vfs));
    vfs.set_capacity(Some(10_000));
    let mut writer = BodyWriter::new(Arc::new(vfs.clone()), DIR.into(), 1000);

    let refused = (0..20).map(|n| writer.write(&kit::body(n, 1000))).find_map(Result::err);
    drop(writer);

    assert!(matches!(refused, Some(BodyError::Full)));
    assert_eq!(vfs.files(&Path::new(DIR).join("body")), Vec::<std::path::PathBuf>::new());
}
