//! Who is not in `relay_hosts` gets nothing relayed.

use crate::kit::{Dialogue, Folder, Mta, Sink, TOLLGATE, queues};

#[test]
fn a_stranger_is_refused_at_the_recipient() {
    let sink = Sink::start(&[]);
    let closed = TOLLGATE.replace("relay_hosts = [\"127.0.0.0/8\"]", "relay_hosts = []");
    let mta = Mta::start_in(Folder::new(&closed, &queues(sink.address, "")));
    let mut session = Dialogue::open(mta.smtp());

    let replies = session.say_all(["MAIL FROM:<a@client.example>", "RCPT TO:<b@example.com>", "DATA", "RSET", "QUIT"]);

    let queued = mta.queued();
    mta.terminate();
    assert_eq!(
        (replies, queued, sink.arrived().len()),
        (
            [
                "250 2.1.0 Sender OK",
                "550 5.7.1 Relaying denied",
                "503 5.5.1 No valid recipients",
                "250 2.0.0 OK",
                "221 2.0.0 Closing connection",
            ]
            .map(str::to_owned)
            .to_vec(),
            0,
            0
        )
    );
}
