//! A plugin that traps in the middle of its edits.

use tollgate_testkit::guest::ROGUE;

use crate::kit::{Dialogue, Folder, Mta, Sink, TOLLGATE, line, queues, split_trace};

const PLUGIN: &str = "
[[plugin]]
name = \"rogue\"
component = \"rogue.wasm\"

[[plugin]]
name = \"queue-helper\"";

#[test]
fn the_failed_message_is_deferred_and_the_next_one_owes_it_nothing() {
    let sink = Sink::start(&[]);
    let tollgate = TOLLGATE.replace("\n[[plugin]]\nname = \"queue-helper\"", PLUGIN);
    let tenant = "[tenant.'rogue']\negress_pool = 'pool-2'";
    let folder = Folder::new(&tollgate, &queues(sink.address, tenant));
    folder.write("rogue.wasm", ROGUE);
    let mta = Mta::start_in(folder);
    let mut session = Dialogue::open(mta.smtp());

    let failed = session.message("a@example.com", "X-Do: panic\r\nSubject: one\r\nX-One: 1\r\n\r\n");
    let taken = session.message("b@example.com", "Subject: two\r\nX-Two: 2\r\n\r\nbody\r\n");

    let arrived = sink.wait_for(1);
    let records = mta.wait_for_records("Delivery", 1);
    mta.terminate();
    let contents: Vec<_> = arrived
        .iter()
        .map(|message| (message.to.join(" "), String::from_utf8(split_trace(&message.data).1).unwrap()))
        .collect();
    let story: Vec<String> = records.iter().map(line).collect();
    assert_eq!(
        (failed.as_str(), taken.as_str(), contents, story),
        (
            "451 4.3.0 message processing failed",
            "250 2.0.0 OK",
            vec![("b@example.com".to_owned(), "X-Two: 2\r\nX-Rogue: was here\r\n\r\nbody\r\n".to_owned())],
            vec![
                "Rejection a@example.com in  #0: 451 4.3.0 message processing failed".to_owned(),
                "Reception b@example.com in rogue@example.com #0: 250 OK".to_owned(),
                "Delivery b@example.com in rogue@example.com by pool-2/ip-2 #1: 250 2.0.0 Taken".to_owned(),
            ]
        )
    );
}
