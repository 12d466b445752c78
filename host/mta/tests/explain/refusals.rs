//! What people read of mail that is not taken, and the line that decides it.

use crate::kit::{QUEUES, TOLLGATE, person, person_with, sections};

#[test]
fn a_refusal_is_an_answer_too() {
    let now = ["--now", "2026-05-01T12:00:00Z"];
    let question = ["--queues", "queues.toml", "--to", "u@a.com", "v@b.com", "--header", "X-Tenant: nope"];

    let answer = person(&[&now[..], &question].concat());

    let expected = "\
Message    <> to u@a.com, by SMTP, 2026-05-01 12:00:00Z
  the first of 2 recipients; each becomes a message of its own, and
  a refusal of one refuses all

Verdict    reject: 550 5.7.1 tenant 'nope' specified by 'X-Tenant' header is not defined in
           your queue config
  queue-helper  reject

Decided by queues.toml:1
    tenant_header = 'X-Tenant'
  there is no [tenant.nope]; defined are: t
";
    assert_eq!(answer, (Some(0), expected.to_owned(), String::new()));
}

#[test]
fn the_line_that_refuses_a_message_is_told() {
    let queues = "scheduling_header = 'X-Schedule'\ntenant_header = 'X-Tenant'\ndefault_tenant = 'gone'\n\
                  [tenant.mytenant]\nrequire_authz = ['scott']\n";
    let questions: [&[&str]; 6] = [
        &["--header", "X-Tenant: mytenan"],
        &["--header", "Subject: s"],
        &["--header", "X-Tenant: mytenant"],
        &["--header", "X-Tenant: mytenant", "--authz-id", "joe"],
        &["--header", "X-Schedule: {\"dow\":1}"],
        &["--meta", "tenant=nope"],
    ];

    let seen = questions.map(|question| sections(queues, &[&["--to", "u@a.com"], question].concat(), &["Decided by"]));

    let expected = [
        "Decided by more.toml:2\n    tenant_header = 'X-Tenant'\n  \
         there is no [tenant.mytenan]; did you mean `mytenant`?",
        "Decided by more.toml:3\n    default_tenant = 'gone'\n  there is no [tenant.gone]; defined are: mytenant",
        "Decided by more.toml:5 [tenant.mytenant]\n    require_authz = ['scott']\n  \
         the message comes without an identity; --user, --token or --authz-id NAME gives it one",
        "Decided by more.toml:5 [tenant.mytenant]\n    require_authz = ['scott']\n  the list does not have this identity",
        "Decided by more.toml:1\n    scheduling_header = 'X-Schedule'\n  the header says {\"dow\":1}",
        "Decided by\n  there is no [tenant.nope]; defined are: mytenant\n  \
         the metadata `tenant` names it, as it came or as a plugin asked before has set it",
    ];
    assert_eq!(seen, expected);
}

/// Returns verdict and reason of a message of these senders, where `[tenant.t]` is bound to some.
fn bound(senders: &[&[&str]]) -> Vec<String> {
    let http = "[http]\nlisten = '127.0.0.1:0'\n[auth.token.injector]\nhash = 'sha256:HASH'\n[tenant.t]\n\
                identities = ['user:scott', 'token:injector', 'net:10.1.0.0/16']\n[source.ip-1]";
    let hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let more = TOLLGATE.replace("[source.ip-1]", &http.replace("HASH", hash));
    let more = more.replace("hostname = 'mta.example'", "hostname = 'mta.example'\nrelay_hosts = ['10.0.0.0/8']");
    let ask = |sender: &&[&str]| {
        let question = ["--config", "more.toml", "--to", "u@a.com", "--header"];
        let (_, said, _) = person_with(&more, &[&question, *sender].concat());
        let wanted = |section: &&str| ["Verdict", "Decided by", "Queue"].iter().any(|title| section.starts_with(title));
        let firsts = said.split("\n\n").filter(wanted).filter_map(|section| section.lines().next());
        firsts.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join(" | ")
    };
    senders.iter().map(ask).collect()
}

#[test]
fn whose_mail_a_message_is_counts_as_it_does_for_a_client() {
    let (mine, other, none) = ("X-Tenant: t", "X-Tenant: nope", "Subject: s");

    let seen = bound(&[
        &[none, "--user", "scott"],
        &[mine, "--token", "injector"],
        &[none, "--authz-id", "injector", "--origin", "http"],
        &[none, "--client", "10.1.2.3"],
        &[mine, "--client", "10.2.0.1"],
        &[mine, "--user", "joe"],
        &[mine],
        &[other, "--client", "10.1.2.3"],
        &[mine, "--client", "192.0.2.1"],
    ]);

    let accepted = "Verdict accept | Queue t@a.com";
    let closed = |rest: &str| {
        let text = "tenant 't' takes mail from its own identities only, and";
        format!("Verdict reject: 550 5.7.1 {text}{rest} | Decided by more.toml:16 [tenant.t]")
    };
    let expected = [
        accepted.to_owned(),
        accepted.to_owned(),
        accepted.to_owned(),
        accepted.to_owned(),
        closed(""),
        closed(""),
        closed(" this"),
        "Verdict reject: 550 5.7.1 tenant 'nope' specified by 'X-Tenant' header is not defined in | Decided by queues.toml:1"
            .to_owned(),
        "Verdict accept | Queue a.com".to_owned(),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn a_plugin_that_refuses_a_message_is_told_with_its_component() {
    let more = TOLLGATE.replace("[source.ip-1]", "[[plugin]]\nname = 'hello'\ncomponent = 'hello.wasm'\n[source.ip-1]");

    let (_, said, _) =
        person_with(&more, &["--config", "more.toml", "--to", "u@a.com", "--now", "2026-05-01T12:00:00Z"]);

    let expected = "\
Message    <> to u@a.com, by SMTP, 2026-05-01 12:00:00Z

Verdict    reject: 550 5.6.0 please give your mail a subject
  hello  reject  more.toml:10

Decided by more.toml:12 [[plugin]]
    component = 'hello.wasm'
  plugin 'hello' says so; which line made it do so it does not tell
";
    assert_eq!(said, expected);
}

#[test]
fn mail_that_stays_here_is_told_where_and_no_pool_is_asked_for() {
    let queues = "[queue.'a.com']\nprotocol.maildir_path = '/mail/{{ email }}'\n";

    let seen = sections(queues, &["--to", "u@a.com"], &["Verdict", "Decided by", "Route", "Pool"]);

    let expected = "\
Verdict    accept
  queue-helper  accept

Route      into mailboxes of this machine; no source sends it
  /mail/{{ email }}";
    assert_eq!(seen, expected);
}

#[test]
fn what_a_message_says_does_not_steer_the_terminal() {
    let header = "X-Tenant: \u{1b}[31m\u{202e}t";

    let seen = sections(QUEUES, &["--to", "u@a.com", "--header", header], &["Verdict"]);

    let expected = "\
Verdict    reject: 550 5.7.1 tenant ' [31m\\u{202e}t' specified by 'X-Tenant' header is not
           defined in your queue config
  queue-helper  reject";
    assert_eq!(seen, expected);
}
