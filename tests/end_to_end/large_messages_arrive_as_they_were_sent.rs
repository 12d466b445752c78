//! Messages of several megabytes go through files of the spool.

use crate::kit::{Mta, Sink, queues, send, split_trace};

/// Returns a message of about three megabytes, with lines of all lengths and dots in front of some.
fn large() -> String {
    let mut message = "From: sender@client.example\r\nSubject: large\r\n\r\n".to_owned();
    let mut number = 0_usize;
    while message.len() < 3 << 20 {
        number += 1;
        let dot = if number.is_multiple_of(7) { "." } else { "" };
        message.push_str(&format!("{dot}{number} {}\r\n", "x".repeat(number % 900)));
    }
    message
}

#[test]
fn three_megabytes_arrive_whole_at_once_and_after_a_restart() {
    let sink = Sink::start(&["rcpt=later@ reply=451 4.3.0 not now times=1"]);
    let mta = Mta::start(&queues(sink.address, "retry_interval = '1 second'"));
    let message = large();
    let replies = send(mta.smtp(), &["now@example.com", "later@example.com"], &message);
    mta.wait_for_records("TransientFailure", 1);

    let mta = Mta::start_in(mta.kill9());

    wait_for_both(&sink);
    mta.wait_until_empty();
    let (_, folder) = mta.terminate();
    let whole: Vec<bool> =
        sink.arrived().iter().map(|arrived| split_trace(&arrived.data).1 == message.as_bytes()).collect();
    let bodies = files(&folder.path().join("spool"), 3 << 20);
    let to: Vec<_> = sink.recipients().into_keys().collect();
    assert_eq!(
        (replies, to, whole.contains(&false), bodies),
        (
            vec!["250 2.0.0 OK".to_owned(); 2],
            ["later@example.com", "now@example.com"].map(str::to_owned).to_vec(),
            false,
            0
        )
    );
}

fn wait_for_both(sink: &Sink) {
    crate::kit::wait_until("both have arrived", || sink.recipients().len() == 2);
}

/// Returns how many files of at least this size are in a folder and those below it, journal segments left out.
fn files(folder: &std::path::Path, size: u64) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    let count = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => files(&entry.path(), size),
        Ok(metadata) => usize::from(metadata.len() >= size && entry.path().parent().unwrap().ends_with("bodies")),
        Err(_) => 0,
    };
    entries.map(count).sum()
}
