//! A plugin that names, while it runs, a pool that is not defined and of which it told nobody.

use tollgate_testkit::guest::ROGUE;

use crate::kit::{Folder, Mta, Sink, TOLLGATE, queues, send, wait_until};

const PLUGIN: &str = "\n[[plugin]]\nname = \"rogue\"\ncomponent = \"rogue.wasm\"\nconfig = [\"rogue.txt\"]\n";

#[test]
fn new_mail_is_deferred_and_what_is_queued_goes_on_as_before() {
    let sink = Sink::start(&["rcpt=* reply=450 4.2.0 later"]);
    let settings = "retry_interval = '1s'\nmax_retry_interval = '1s'\n[tenant.'rogue']";
    let folder = Folder::new(&format!("{TOLLGATE}{PLUGIN}"), &queues(sink.address, settings));
    folder.write("rogue.wasm", ROGUE);
    folder.write("rogue.txt", "fine");
    let mta = Mta::start_in(folder);
    send(mta.smtp(), &["a@example.com"], "Subject: x\r\n\r\n");
    mta.wait_for_records("TransientFailure", 1);

    mta.write("rogue.txt", "pool");
    let told = "plugin 'rogue' gave queue rogue@example.com the pool 'nowhere', which is not defined";
    wait_until("the queue is asked about anew", || !mta.stderr(told).is_empty());
    let replies = ["b@example.com", "c@other.example"].map(|to| send(mta.smtp(), &[to], "Subject: x\r\n\r\n").concat());

    let (address, _) = (sink.address, drop(sink));
    let arrived = Sink::start_at(address, &[]).wait_for(2);
    let labels = "event=\"queue-config\",plugin=\"rogue\",outcome=\"undefined-pool\"";
    let counted = mta.metric(&format!("policy_calls_total{{{labels}}}"));
    mta.terminate();
    let mut to: Vec<String> = arrived.iter().map(|message| message.to.concat()).collect();
    to.sort();
    assert_eq!(
        (replies, to, counted.parse::<u32>().is_ok_and(|count| count > 0)),
        (
            ["451 4.3.5 queue configuration failed".to_owned(), "250 2.0.0 OK".to_owned()],
            vec!["a@example.com".to_owned(), "c@other.example".to_owned()],
            true
        )
    );
}
