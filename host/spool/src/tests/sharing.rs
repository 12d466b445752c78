//! The face: many tasks, one spool.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::kit::{self, DIR};
use crate::vfs::memory::MemoryVfs;
use crate::vfs::{OsVfs, Vfs};
use crate::{Body, CommitError, OpenError, Options, ReadError, Spool};

fn bodies(vfs: &MemoryVfs) -> usize {
    vfs.files(&Path::new(DIR).join("body")).len()
}

#[tokio::test]
async fn committed_messages_come_back_in_order_with_their_latest_state() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deep/spool");
    let (spool, _) = Spool::open(Arc::new(OsVfs), &path, kit::options()).unwrap();
    for n in [5, 3, 4] {
        let _ = spool.commit(kit::batch([n], kit::body(n, 700))).await.unwrap();
    }
    spool.update(kit::id(3), Bytes::from_static(b"one")).unwrap();
    spool.update_durably(kit::id(3), Bytes::from_static(b"two")).await.unwrap();
    spool.remove(kit::id(4));
    drop(spool);

    let (spool, recovered) = Spool::open(Arc::new(OsVfs), &path, kit::options()).unwrap();

    let expected = vec![kit::stored(5, "new", 700), kit::stored(3, "two", 700)];
    assert_eq!((&recovered.messages, recovered.damaged.len()), (&expected, 0));
    assert_eq!(spool.read_message(kit::id(3)).unwrap(), expected[1]);
    assert_eq!(spool.read_body(kit::id(5)).unwrap(), kit::body(5, 700));
}

#[test]
fn second_open_is_refused_and_says_who_holds_it() {
    let dir = tempfile::tempdir().unwrap();
    let first = Spool::open(Arc::new(OsVfs), dir.path(), kit::options()).unwrap();

    let second = Spool::open(Arc::new(OsVfs), dir.path(), kit::options()).map(|_| ());

    let Err(OpenError::Locked { path, pid }) = second else { panic!("{second:?}") };
    assert_eq!((path, pid), (dir.path().join("lock"), Some(std::process::id())));
    drop(first);
}

#[test]
fn file_in_place_of_the_directory_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("spool");
    std::fs::write(&path, "").unwrap();

    let refused = Spool::open(Arc::new(OsVfs), &path, kit::options()).map(|_| ());

    assert!(matches!(refused, Err(OpenError::NotADirectory { path: named }) if named == path));
}

#[tokio::test]
async fn split_batch_shares_one_body_until_its_last_message_is_done() {
    let vfs = MemoryVfs::default();
    let (spool, _) = kit::open(&vfs);
    let committed = spool.commit(kit::batch(0..10, kit::body(1, 2000))).await.unwrap();
    let shared = spool.stats().live_bytes;

    (0..9).for_each(|n| spool.remove(kit::id(n)));
    spool.flush().await.unwrap();
    let last = spool.read_body(kit::id(9)).unwrap();
    spool.remove(kit::id(9));
    spool.flush().await.unwrap();

    assert_eq!((committed.ids().len(), last, spool.stats().live_bytes), (10, kit::body(1, 2000), 0));
    assert!(shared < 3000, "{shared}");
}

#[tokio::test]
async fn large_body_streams_through_a_file_that_goes_with_its_last_message() {
    let vfs = MemoryVfs::default();
    let (spool, _) = kit::open(&vfs);
    let mut writer = spool.body_writer();
    (0..100).for_each(|n| writer.write(&kit::body(n, 1000)).unwrap());
    let mut batch = kit::batch([1, 2], Bytes::new());
    batch.body = writer.finish().unwrap();
    let _ = spool.commit(batch).await.unwrap();

    let mut octets = Vec::new();
    spool.open_body(kit::id(2)).unwrap().read_to_end(&mut octets).unwrap();
    let whole: Vec<u8> = (0..100).flat_map(|n| kit::body(n, 1000)).collect();
    let mut files = vec![bodies(&vfs)];
    for n in [1, 2] {
        spool.remove(kit::id(n));
        spool.flush().await.unwrap();
        files.push(bodies(&vfs));
    }

    assert_eq!((octets == whole, files), (true, vec![1, 1, 0]));
}

#[tokio::test]
async fn large_body_that_rotted_does_not_read_as_complete() {
    let vfs = MemoryVfs::default();
    let (spool, _) = kit::open(&vfs);
    let mut writer = spool.body_writer();
    writer.write(&kit::body(1, 9000)).unwrap();
    let mut batch = kit::batch([1], Bytes::new());
    batch.body = writer.finish().unwrap();
    let _ = spool.commit(batch).await.unwrap();
    vfs.tamper(&vfs.files(&Path::new(DIR).join("body"))[0], |octets| octets[4000] ^= 1);

    let read = spool.read_body(kit::id(1));

    assert!(matches!(read, Err(ReadError::Damaged { id }) if id == kit::id(1)), "{read:?}");
}

#[tokio::test]
async fn body_that_is_not_committed_leaves_nothing() {
    let vfs = MemoryVfs::default();
    let (spool, _) = kit::open(&vfs);
    let mut writer = spool.body_writer();
    writer.write(&kit::body(1, 9000)).unwrap();

    let body = writer.finish().unwrap();
    let before = bodies(&vfs);
    drop(body);

    assert_eq!((before, bodies(&vfs)), (1, 0));
}

#[tokio::test]
async fn requests_that_cannot_be_stored_are_refused_by_name() {
    let vfs = MemoryVfs::default();
    let (spool, _) = kit::open(&vfs);
    let _ = spool.commit(kit::batch([1], Bytes::new())).await.unwrap();

    let again = spool.commit(kit::batch([1], Bytes::new())).await;
    let twice = spool.commit(kit::batch([2, 2], Bytes::new())).await;
    let empty = spool.commit(kit::batch([], Bytes::new())).await;
    let large = spool.commit(kit::batch([3], kit::body(3, 20_000))).await;

    assert!(matches!(again, Err(CommitError::IdInUse { id }) if id == kit::id(1)));
    assert!(matches!(twice, Err(CommitError::IdInUse { id }) if id == kit::id(2)));
    assert!(matches!(empty, Err(CommitError::Empty)));
    assert!(matches!(large, Err(CommitError::TooLarge { limit: 6144, .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_tasks_share_syncs() {
    let dir = tempfile::tempdir().unwrap();
    let (spool, _) =
        Spool::open(Arc::new(OsVfs), dir.path(), Options { segment_size: 1 << 20, ..kit::options() }).unwrap();

    let task = |n: u64| {
        let spool = spool.clone();
        tokio::spawn(async move { spool.commit(kit::batch([n], kit::body(n, 1000))).await.map(drop) })
    };
    let tasks: Vec<_> = (0..200).map(task).collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }

    let stats = spool.stats();
    assert!(stats.messages == 200 && stats.syncs < 100, "{stats:?}");
}

#[tokio::test]
async fn commit_that_nobody_waits_for_harms_nobody() {
    let vfs = MemoryVfs::default();
    let (spool, _) = kit::open(&vfs);

    let mut forgotten = Box::pin(spool.commit(kit::batch([1], kit::body(1, 100))));
    let polled = tokio::select! { biased; done = &mut forgotten => Some(done), () = std::future::ready(()) => None };
    drop((polled, forgotten));
    let _ = spool.commit(kit::batch([2], kit::body(2, 100))).await.unwrap();
    drop(spool);

    assert_eq!(kit::numbers(&kit::open(&vfs).1), [1, 2]);
}

#[tokio::test]
async fn bodies_can_be_read_while_everything_moves() {
    let vfs = MemoryVfs::default();
    let (spool, _) = kit::open(&vfs);
    let _ = spool.commit(kit::batch([0], kit::body(0, 900))).await.unwrap();

    for n in 1..500 {
        let _ = spool.commit(kit::batch([n], kit::body(n, 1000))).await.unwrap();
        spool.remove(kit::id(n));
        assert_eq!(spool.read_body(kit::id(0)).unwrap(), kit::body(0, 900));
    }

    assert!(spool.stats().moved_bytes > 900, "{:?}", spool.stats());
}

#[tokio::test]
async fn segments_of_another_size_are_read_and_replaced() {
    let vfs = MemoryVfs::default();
    let (spool, _) = kit::open(&vfs);
    let _ = spool.commit(kit::batch([1], kit::body(1, 900))).await.unwrap();
    drop(spool);
    let other = Options { segment_size: 32 << 10, ..kit::options() };

    let (spool, _) = Spool::open(Arc::new(vfs.clone()), Path::new(DIR), other).unwrap();
    let batch = crate::Batch { body: Body::Inline(kit::body(2, 9000)), messages: vec![kit::message(2)] };
    let _ = spool.commit(batch).await.unwrap();
    drop(spool);

    let (_, recovered) = kit::open(&vfs);
    assert_eq!((kit::numbers(&recovered), recovered.damaged), (vec![1, 2], vec![]));
    assert!(!vfs.list(&Path::new(DIR).join("journal")).unwrap().is_empty());
}
