//! Queues whose mail goes into mailboxes here.

use std::{fs, path::Path};

use crate::kit::{Folder, Mta, TOLLGATE, line, queues, send, text, wait_until};

/// Returns the text of the messages in a mailbox, without what no test can know.
fn messages(mailbox: &Path) -> Vec<String> {
    let files = fs::read_dir(mailbox.join("new")).into_iter().flatten().flatten();
    let told = |text: String| {
        let lines = text.split('\n').filter(|line| !line.starts_with("Received: ") && !line.starts_with('\t'));
        lines.filter(|line| !line.starts_with(' ')).collect::<Vec<_>>().join("|")
    };
    files.map(|file| told(fs::read_to_string(file.path()).unwrap())).collect()
}

#[test]
fn each_recipient_finds_a_message_in_his_mailbox_and_a_record_says_so() {
    let folder = Folder::new(TOLLGATE, "");
    let mail = folder.path().join("mail");
    let path = format!("protocol.maildir_path = '{}/{{{{ domain_part }}}}/{{{{ local_part }}}}'", mail.display());
    folder.write("queues.toml", queues("127.0.0.1:9".parse().unwrap(), &format!("[queue.'here.example']\n{path}\n")));
    let mta = Mta::start_in(folder);

    let replies = send(mta.smtp(), &["Joe@Here.example", "a/nn@here.example"], "Subject: x\r\n\r\nhello\r\n");

    let records = mta.wait_for_records("Delivery", 2);
    mta.wait_until_empty();
    let found = ["here.example/Joe", "here.example/a%2Fnn"].map(|mailbox| messages(&mail.join(mailbox)));
    let mut told: Vec<_> = records.iter().filter(|record| record["type"] == "Delivery").collect();
    told.sort_by_key(|record| text(record, "recipient"));
    let of = |record: &serde_json::Value| {
        let line = line(record);
        let (line, id) = line.split_once("with id=").unwrap();
        let is_id = id.ends_with(".mta.example") && id.contains(text(record, "id"));
        (line.trim_end().to_owned(), is_id, text(record, "delivery_protocol").to_owned())
    };
    let told: Vec<_> = told.into_iter().map(of).collect();
    mta.terminate();
    let message = || vec!["Return-Path: <sender@client.example>|Subject: x||hello|".to_owned()];
    let delivered = |to: &str| {
        let line = format!("Delivery {to} in default-tenant@here.example #1: 200 {to}: wrote to maildir");
        (line, true, "Maildir".to_owned())
    };
    assert_eq!(
        (replies, found, told),
        (
            vec!["250 2.0.0 OK".to_owned(); 2],
            [message(), message()],
            vec![delivered("Joe@Here.example"), delivered("a/nn@here.example")]
        )
    );
}

#[test]
fn a_mailbox_that_cannot_be_written_to_puts_off_its_recipient_until_it_can() {
    let folder = Folder::new(TOLLGATE, "");
    let mail = folder.path().join("mail");
    fs::write(&mail, "a file where a folder should be").unwrap();
    let settings = format!("protocol.maildir_path = '{}/{{{{ local_part }}}}'\nretry_interval = '1s'", mail.display());
    folder.write("queues.toml", format!("[queue.default]\n{settings}\n"));
    let mta = Mta::start_in(folder);
    send(mta.smtp(), &["joe@here.example"], "Subject: x\r\n\r\nhello\r\n");
    let records = mta.wait_for_records("TransientFailure", 1);

    fs::remove_file(&mail).unwrap();

    wait_until("the message arrives", || messages(&mail.join("joe")).len() == 1);
    let failed = records.iter().find(|record| record["type"] == "TransientFailure").map(line).unwrap();
    mta.terminate();
    let expected = "TransientFailure joe@here.example in here.example #1: 451 4.2.0 mailbox could not be written to: ";
    assert!(failed.starts_with(expected), "{failed}");
}

#[test]
fn a_path_that_is_none_is_an_error_of_its_file() {
    let mta = Mta::start(&queues("127.0.0.1:9".parse().unwrap(), ""));
    mta.rewrite("queues.toml", |text| {
        format!("{text}[queue.'a.example']\nprotocol.maildir_path = '/m/{{{{ emial }}}}'\n[queue.'b.example']\nprotocol = {{maildir_path = 'm'}}\n")
    });

    let said = mta.check("tollgate.toml");

    mta.terminate();
    let wrong = said.lines().filter(|line| line.contains("error: ")).map(|line| line.trim().to_owned());
    let wrong: Vec<_> = wrong.map(|line| line.split("; there are").next().unwrap_or_default().to_owned()).collect();
    assert_eq!(
        wrong,
        [
            "queues.toml:11:1 error: protocol: maildir_path '/m/{{ emial }}' names `emial`",
            "queues.toml:13:1 error: protocol: maildir_path 'm' does not begin with '/'",
        ]
    );
}
