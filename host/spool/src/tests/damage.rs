//! Rot: whatever octets change, only what they belonged to is lost, and it is said.

use std::path::{Path, PathBuf};

use super::kit::{self, DIR};
use crate::vfs::Vfs;
use crate::vfs::memory::MemoryVfs;
use crate::{BodyWriter, Damage};

fn copy(vfs: &MemoryVfs) -> MemoryVfs {
    vfs.crash(&mut || true)
}

fn segments(vfs: &MemoryVfs) -> Vec<PathBuf> {
    vfs.files(&Path::new(DIR).join("journal"))
}

/// Sixty messages in groups of up to three, three of them done, closed in order.
fn filled() -> MemoryVfs {
    let vfs = MemoryVfs::default();
    let (mut journal, _) = kit::journal(&vfs);
    for first in (0..60).step_by(3) {
        let group = (first..first + 3).map(|n| kit::commit(kit::batch([n], kit::body(n, 400))).0);
        journal.commit(group.collect());
    }
    journal.commit(vec![kit::done(7), kit::done(20), kit::done(59), kit::state(8, "later")]);
    journal.close();
    vfs
}

/// Where in the segment files a message's meta is.
fn find(vfs: &MemoryVfs, needle: &[u8]) -> (PathBuf, usize) {
    let find = |path: PathBuf| {
        let at = vfs.content(&path)?.windows(needle.len()).position(|window| window == needle)?;
        Some((path, at))
    };
    segments(vfs).into_iter().find_map(find).unwrap()
}

fn flip(vfs: &MemoryVfs, path: &Path, at: usize) {
    vfs.tamper(path, |octets| octets[at] ^= 0x40);
}

#[test]
fn one_flipped_octet_anywhere_loses_one_message_at_most_and_never_in_silence() {
    let vfs = filled();
    let all: Vec<u64> = (0..60).filter(|n| ![7, 20, 59].contains(n)).collect();
    let places =
        segments(&vfs).into_iter().flat_map(|path| (0..16 << 10).step_by(29).map(move |at| (path.clone(), at)));

    let wrong: Vec<_> = places
        .filter(|(path, at)| {
            let vfs = copy(&vfs);
            flip(&vfs, path, *at);
            let (_, recovered) = kit::journal(&vfs);
            let found = kit::numbers(&recovered);
            let lost = all.iter().filter(|n| !found.contains(n)).count();
            let changed = lost > 0 || found.len() != all.len();
            lost > 1 || (changed && recovered.damaged.is_empty())
        })
        .collect();

    assert_eq!(wrong, []);
}

#[test]
fn message_with_a_damaged_body_is_reported_by_its_id_and_a_copy_is_kept() {
    let vfs = filled();
    let (path, at) = find(&vfs, b"meta 11");
    flip(&vfs, &path, at + 50);

    let (_, recovered) = kit::journal(&vfs);

    let Damage::Message { id, kept: Some(kept) } = &recovered.damaged[0] else { panic!("{:?}", recovered.damaged) };
    let whole = (recovered.damaged.len(), *id, vfs.content(kept).unwrap().len() > 400, recovered.messages.len());
    assert_eq!(whole, (1, kit::id(11), true, 56));
}

#[test]
fn damage_of_a_message_that_is_done_is_no_loss_and_not_reported() {
    let vfs = filled();
    let (path, at) = find(&vfs, b"meta 20");
    flip(&vfs, &path, at + 50);

    let (_, recovered) = kit::journal(&vfs);

    assert_eq!((recovered.messages.len(), recovered.damaged), (57, vec![]));
}

#[test]
fn segment_with_an_unreadable_header_is_reported_and_moved_aside() {
    let vfs = filled();
    let (path, _) = find(&vfs, b"meta 1");
    vfs.tamper(&path, |octets| octets[..4096].fill(0));

    let (_, recovered) = kit::journal(&vfs);

    let [Damage::Segment { kept }] = &recovered.damaged[..] else { panic!("{:?}", recovered.damaged) };
    let numbers = kit::numbers(&recovered);
    assert!(vfs.content(kept).is_some() && vfs.content(&path).is_none() && numbers.len() > 20, "{numbers:?}");
}

#[test]
fn segment_that_disappeared_is_reported() {
    let vfs = filled();
    let (path, _) = find(&vfs, b"meta 25");
    vfs.remove(&path).unwrap();

    let (_, recovered) = kit::journal(&vfs);

    assert_eq!(recovered.damaged, [Damage::Missing { segment: 2 }]);
}

#[test]
fn segment_that_was_cut_is_reported() {
    let vfs = filled();
    let (path, at) = find(&vfs, b"meta 55");
    vfs.tamper(&path, |octets| octets.truncate(at));

    let (_, recovered) = kit::journal(&vfs);

    assert!(recovered.damaged.iter().any(|damage| matches!(damage, Damage::Range { len: 0, .. })), "{recovered:?}");
}

#[test]
fn torn_last_group_keeps_its_whole_batches_and_stays_silent_for_good() {
    let vfs = MemoryVfs::default();
    let (mut journal, _) = kit::journal(&vfs);
    journal.commit((0..3).map(|n| kit::commit(kit::batch([n], kit::body(n, 400))).0).collect());
    drop(journal);
    let (path, at) = find(&vfs, b"meta 1");
    flip(&vfs, &path, at);

    let (mut journal, first) = kit::journal(&vfs);
    let _ = kit::store(&mut journal, kit::batch([9], kit::body(9, 10))).unwrap();
    drop(journal);
    let (_, second) = kit::journal(&vfs);

    let whole = [&first, &second].map(|recovered| (kit::numbers(recovered), recovered.damaged.clone()));
    assert_eq!(whole, [(vec![0, 2], vec![]), (vec![0, 2, 9], vec![])]);
}

#[test]
fn message_whose_body_file_is_missing_is_reported_and_strangers_are_removed() {
    let vfs = MemoryVfs::default();
    let (mut journal, _) = kit::journal(&vfs);
    let mut writer = BodyWriter::new(std::sync::Arc::new(vfs.clone()), DIR.into(), 10);
    writer.write(&kit::body(1, 5000)).unwrap();
    let mut batch = kit::batch([1, 2], bytes::Bytes::new());
    batch.body = writer.finish().unwrap();
    let _ = kit::store(&mut journal, batch).unwrap();
    drop(journal);
    let bodies = Path::new(DIR).join("body");
    vfs.rename(&vfs.files(&bodies)[0], &bodies.join("stranger")).unwrap();

    let (_, recovered) = kit::journal(&vfs);

    let damage = [1, 2].map(|n| Damage::Message { id: kit::id(n), kept: None });
    let whole = (recovered.messages, recovered.damaged, recovered.orphans, vfs.files(&bodies));
    assert_eq!(whole, (vec![], damage.to_vec(), 1, vec![]));
}
