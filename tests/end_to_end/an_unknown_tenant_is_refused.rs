//! A tenant that `queues.toml` does not know.

use crate::kit::{Dialogue, Mta, Sink, line, queues};

#[test]
fn the_refusal_names_it_and_the_session_goes_on() {
    let sink = Sink::start(&[]);
    let mta = Mta::start(&queues(sink.address, ""));
    let mut session = Dialogue::open(mta.smtp());

    let refused = session.message("a@example.com", "X-Tenant: nobody\r\nSubject: x\r\n\r\n");
    let taken = session.message("b@example.com", "Subject: x\r\n\r\n");

    sink.wait_for(1);
    let records = mta.wait_for_records("Delivery", 1);
    mta.terminate();
    let text = "550 5.7.1 tenant 'nobody' specified by 'X-Tenant' header is not defined in your queue config";
    let story: Vec<String> = records.iter().map(line).collect();
    assert_eq!(
        (refused.as_str(), taken.as_str(), sink.recipients().into_iter().collect::<Vec<_>>(), story),
        (
            text,
            "250 2.0.0 OK",
            vec![("b@example.com".to_owned(), 1)],
            vec![
                format!("Rejection a@example.com in  #0: {text}"),
                "Reception b@example.com in default-tenant@example.com #0: 250 OK".to_owned(),
                "Delivery b@example.com in default-tenant@example.com by pool-1/ip-1 #1: 250 2.0.0 Taken".to_owned(),
            ]
        )
    );
}
