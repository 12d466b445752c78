//! Line ends that some servers take for the end of a message (SMTP smuggling) end nothing here.

use crate::kit::{Dialogue, Mta, SENDER, Sink, queues, without_ids};

/// What smugglers put before the message that they hide.
const SEQUENCES: [&str; 9] =
    ["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r.\r\n", "\r\n.\r", "\r\n.\r\r\n", "\n\n.\r\r\n", "\r\n\0.\r\n"];

/// Smuggles a message behind a sequence, and returns the reply to the whole and to a message after it.
fn smuggle(session: &mut Dialogue, sequence: &str) -> (String, String) {
    let hidden = "MAIL FROM:<evil@client.example>\r\nRCPT TO:<victim@example.com>\r\nDATA\r\nSubject: hidden\r\n\r\nx";
    session.begin(SENDER, "outer@example.com");
    session.octets(format!("Subject: outer\r\n\r\nhello{sequence}{hidden}\r\n.\r\n").as_bytes());
    let refused = without_ids(&session.reply());
    (refused, session.message("after@example.com", "Subject: after\r\n\r\n"))
}

#[test]
fn odd_line_ends_refuse_the_message_and_the_session_lives() {
    let sink = Sink::start(&[]);
    let mta = Mta::start(&queues(sink.address, ""));

    let seen = SEQUENCES.map(|sequence| {
        let mut session = Dialogue::open(mta.smtp());
        let (refused, taken) = smuggle(&mut session, sequence);
        (sequence, refused[..4].to_owned(), taken, session.say("QUIT")[..4].to_owned())
    });

    sink.wait_for(SEQUENCES.len());
    mta.wait_until_empty();
    mta.terminate();
    let replies = |sequence| (sequence, "550 ".to_owned(), "250 2.0.0 OK".to_owned(), "221 ".to_owned());
    assert_eq!(
        (seen, sink.recipients().into_iter().collect::<Vec<_>>()),
        (SEQUENCES.map(replies), vec![("after@example.com".to_owned(), SEQUENCES.len())])
    );
}
