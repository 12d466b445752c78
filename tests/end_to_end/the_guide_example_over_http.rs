//! The user guide's `queues.toml`, mail by injection over HTTP, a verdict for each recipient.

use serde_json::json;

use crate::kit::{Mta, Sink, line, post, senders, split_trace};
use crate::the_guide_example_over_smtp::guide;

#[test]
fn each_injection_gets_a_verdict_for_each_recipient() {
    let sink = Sink::start(&[]);
    let mta = Mta::start(&guide(sink.address));
    let inject = |content: &str| {
        let recipients = [json!({"email": "a@gmail.com"}), json!({"email": "b@example.com"})];
        let request = json!({"envelope_sender": "s@client.example", "recipients": recipients, "content": content});
        post(mta.http, "/api/inject/v1", &request)
    };

    let taken = inject("X-Tenant: mytenant\nX-Campaign: welcome-campaign\nSubject: hello\n\nbody\n");
    let refused = inject("X-Tenant: nobody\nSubject: hello\n\nbody\n");

    let mut arrived = sink.wait_for(2);
    arrived.sort_by(|one, other| one.to.cmp(&other.to));
    let mut records: Vec<String> = mta.wait_for_records("Delivery", 2).iter().map(line).collect();
    records.sort();
    mta.terminate();
    let contents: Vec<_> = arrived.iter().map(|message| split_trace(&message.data)).collect();
    let (trace, octets) = ("Received: by mta.example (Tollgate) with HTTP", b"Subject: hello\r\n\r\nbody\r\n");
    assert_eq!(contents, vec![(trace.to_owned(), octets.to_vec()); 2]);
    let text = "550 5.7.1 tenant 'nobody' specified by 'X-Tenant' header is not defined in your queue config";
    let errors = [format!("a@gmail.com: {text}"), format!("b@example.com: {text}")];
    let none: [&str; 0] = [];
    assert_eq!(
        (taken, refused, senders(&arrived), sink.arrived().len(), records),
        (
            (200, json!({"success_count": 2, "fail_count": 0, "failed_recipients": none, "errors": none})),
            (
                200,
                json!({
                    "success_count": 0, "fail_count": 2, "failed_recipients": ["a@gmail.com", "b@example.com"],
                    "errors": errors
                })
            ),
            vec!["127.0.0.12 out2.example".to_owned(); 2],
            2,
            vec![
                "Delivery a@gmail.com in welcome-campaign:mytenant@gmail.com by pool-2/ip-2 #1: 250 2.0.0 Taken"
                    .to_owned(),
                "Delivery b@example.com in welcome-campaign:mytenant@example.com by pool-2/ip-2 #1: 250 2.0.0 Taken"
                    .to_owned(),
                "Reception a@gmail.com in welcome-campaign:mytenant@gmail.com #0: 250 OK".to_owned(),
                "Reception b@example.com in welcome-campaign:mytenant@example.com #0: 250 OK".to_owned(),
                format!("Rejection a@gmail.com in  #0: {text}"),
                format!("Rejection b@example.com in  #0: {text}"),
            ]
        )
    );
}
