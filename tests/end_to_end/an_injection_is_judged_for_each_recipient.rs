//! One injection over HTTP, of whose recipients one has a queue that cannot be served here.

use serde_json::json;
use tollgate_testkit::guest::ROGUE;

use crate::kit::{Folder, Mta, Sink, TOLLGATE, line, post, queues, with_plugin};

#[test]
fn one_is_refused_and_the_others_are_delivered() {
    let sink = Sink::start(&[]);
    // It gives queues of example.com a pool that is not there.
    let tollgate = with_plugin(TOLLGATE, "rogue", "config = [\"rogue.txt\"]");
    let folder = Folder::new(&tollgate, &queues(sink.address, "[tenant.rogue]"));
    folder.write("rogue.wasm", ROGUE);
    folder.write("rogue.txt", "pool");
    let mta = Mta::start_in(folder);
    let recipients = ["a@example.net", "b@example.com", "c@example.org"].map(|email| json!({"email": email}));
    let content = "Subject: hello\n\nbody\n";

    let request = json!({"envelope_sender": "s@client.example", "recipients": recipients, "content": content});
    let answer = post(mta.http, "/api/inject/v1", &request);

    sink.wait_for(2);
    let records = mta.wait_for_records("Delivery", 2);
    mta.terminate();
    let refused = "451 4.3.5 queue configuration failed";
    let rejections: Vec<String> = records.iter().map(line).filter(|line| line.starts_with("Rejection")).collect();
    assert_eq!(
        (answer, sink.recipients().into_keys().collect::<Vec<_>>(), rejections),
        (
            (
                200,
                json!({
                    "success_count": 2, "fail_count": 1, "failed_recipients": ["b@example.com"],
                    "errors": [format!("b@example.com: {refused}")]
                })
            ),
            ["a@example.net", "c@example.org"].map(str::to_owned).to_vec(),
            vec![format!("Rejection b@example.com in  #0: {refused}")]
        )
    );
}
