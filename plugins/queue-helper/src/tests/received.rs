//! What a message is told and made of, by a host in memory.

use tollgate_sdk::{Configure as _, File, MessageBrief as _, Verdict, testing};

use crate::QueueHelper;

const QUEUES: &str = "scheduling_header = 'X-Schedule'\ntenant_header = 'X-Tenant'\nremove_tenant_header = true\n\
    campaign_header = 'X-Campaign'\n[tenant.t]\nrequire_authz = ['scott']\n[queue.'example.com']\nrouting_domain = 'relay.example'\n";

fn plugin(text: &str) -> QueueHelper {
    let file = File { name: "queues.toml".to_owned(), content: text.as_bytes().to_vec() };
    QueueHelper::configure(vec![file]).ok().unwrap().plugin
}

/// Tells what becomes of a message of scott's with these fields: the reply, or its fields, metadata and schedule.
fn told(text: &str, fields: &[(&str, &str)], may_relay: bool) -> String {
    let message =
        testing::Message { authz_id: Some("scott".to_owned()), may_relay, ..testing::Message::to("bob@example.com") };
    let message = fields.iter().fold(message, |message, (name, value)| message.header(name, value)).build();
    match testing::in_brief(&plugin(text), &message) {
        Ok(Verdict::Accept) => {
            let meta = testing::meta(&message).into_iter().map(|(key, value)| format!("{key}={value}"));
            let said = testing::header_lines(&message).into_iter().chain(meta).chain(testing::schedule(&message));
            said.collect::<Vec<_>>().join("; ")
        }
        Ok(other) => format!("{other:?}"),
        Err(reply) => format!("{} {} {}", reply.code, reply.enhanced.unwrap_or_default(), reply.text),
    }
}

#[test]
fn a_message_is_set_up_as_its_fields_say() {
    let fields = [("Subject", "s"), ("X-Tenant", "t"), ("X-Campaign", "c"), ("X-Schedule", "{}")];

    let told = told(QUEUES, &fields, true);

    assert_eq!(told, "Subject: s; X-Campaign: c; campaign=c; routing_domain=relay.example; tenant=t; {}");
}

#[test]
fn what_a_stranger_says_goes_unread() {
    let fields = [("Subject", "s"), ("X-Tenant", "t"), ("X-Campaign", "c"), ("X-Schedule", "{}")];

    let told = told(QUEUES, &fields, false);

    assert_eq!(told, "Subject: s; routing_domain=relay.example");
}

#[test]
fn a_name_that_is_longer_than_metadata_is_refused_and_not_the_plugins_fault() {
    for length in [17_000, 70_000] {
        for name in ["X-Tenant", "X-Campaign"] {
            let told = told(QUEUES, &[(name, &"x".repeat(length))], true);

            assert_eq!(told, "550 5.6.0 the message's tenant or campaign is too long", "{name}, {length}");
        }
    }
}

#[test]
fn of_two_things_that_are_wrong_the_schedule_is_told() {
    let told = told(QUEUES, &[("X-Tenant", "nobody"), ("X-Schedule", "soon")], true);

    assert_eq!(told, "550 5.6.0 soon from header X-Schedule is not a valid Scheduling header");
}

#[test]
fn a_field_that_goes_is_not_there_for_a_second_purpose() {
    let text = "scheduling_header = 'X-All'\ntenant_header = 'x-all'\ncampaign_header = 'X-All'\n";

    let told = told(text, &[("X-All", "{}")], true);

    assert_eq!(told, "{}");
}

#[test]
fn what_is_asked_is_what_the_files_name() {
    let questions = ["", QUEUES].map(|text| format!("{:?}", plugin(text).questions()));

    let session = "Question::MayRelay, Question::Meta(\"tenant\"), Question::Meta(\"campaign\")";
    let named = format!(
        "[Question::TakeSchedule(\"X-Schedule\"), {session}, Question::AuthzId, Question::Domain, Question::Header(\"X-Campaign\"), Question::TakeHeader(\"X-Tenant\")]"
    );
    assert_eq!(questions, [format!("[{session}]"), named]);
}
