//! Networks over SMTP, users and tokens over HTTP: who speaks for which tenant, and what a header may say to that.

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher as _, SaltString},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use crate::kit::{Dialogue, Folder, Mta, Sink, TOLLGATE, get, line, post_from, queues, wait_until};

/// The token whose hash is in [`configuration`], which openssl made.
const TOKEN: &str = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";

/// Bound tenants, one of them not in [`TENANTS`]; users with the password `tiger`, of whom one speaks for nobody.
fn configuration() -> String {
    let salt = SaltString::from_b64("c2FsdHNhbHQ").unwrap();
    let cheap = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8, 1, 1, None).unwrap());
    let hash = cheap.hash_password(b"tiger", &salt).unwrap();
    let more = format!(
        "[auth.user.scott]\npassword_hash = \"{hash}\"\n[auth.user.ada]\npassword_hash = \"{hash}\"\n\
         [auth.token.injector]\nhash = \"sha256:0e53aae2eabd575555371f862cb885ff20472caced1f5e8fc80291b2f03dcab6\"\n\
         [tenant.mine]\nidentities = [\"user:scott\", \"net:127.0.0.2\", \"net:127.0.1.0/24\"]\n\
         [tenant.theirs]\nidentities = [\"token:injector\", \"net:127.0.0.0/29\"]\n\
         [tenant.strict]\nidentities = [\"net:127.0.0.9\"]\n[tenant.ghost]\nidentities = [\"net:127.0.0.10\"]\n[log]"
    );
    TOLLGATE.replace("[log]", &more).replace("[\"127.0.0.0/8\"]", "[\"127.0.0.0/24\"]")
}

const TENANTS: &str = "[tenant.mine]\n[tenant.theirs]\n[tenant.open]\n[tenant.strict]\nrequire_authz = ['scott']";

/// Returns a header that names a tenant, or none.
fn header(tenant: &str, end: &str) -> String {
    let field = if tenant.is_empty() { String::new() } else { format!("X-Tenant: {tenant}{end}") };
    format!("{field}Subject: x{end}{end}")
}

/// Returns the queues of the messages that were delivered, in their order.
fn queues_of(mta: &Mta, deliveries: usize) -> Vec<String> {
    let mut records = mta.wait_for_records("Delivery", deliveries);
    records.sort_by_key(|record| record["recipient"].to_string());
    let delivered = records.iter().filter(|record| record["type"] == "Delivery");
    delivered.map(|record| record["queue"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_network_speaks_for_its_tenant_and_no_other_over_smtp() {
    let sink = Sink::start(&[]);
    let mta = Mta::start_in(Folder::new(&configuration(), &queues(sink.address, TENANTS)));
    let only_own = |tenant: &str| {
        format!("550 5.7.1 tenant '{tenant}' takes mail from its own identities only, and 127.0.0.20 is none")
    };
    let not_other = |from: &str, own: &str, other: &str| {
        format!("550 5.7.1 {from} sends as tenant '{own}' and may not send as tenant '{other}'")
    };
    let fine = || "250 2.0.0 OK".to_owned();
    let ghost = "550 5.7.1 tenant 'ghost' specified by policy is not defined in your queue config".to_owned();

    for (number, (from, tenant, reply)) in [
        ("127.0.0.2", "", fine()),
        ("127.0.0.2", "mine", fine()),
        ("127.0.0.2", "theirs", not_other("127.0.0.2", "mine", "theirs")),
        ("127.0.0.2", "open", not_other("127.0.0.2", "mine", "open")),
        ("127.0.0.3", "", fine()),
        ("127.0.0.3", "mine", not_other("127.0.0.3", "theirs", "mine")),
        ("127.0.0.20", "", fine()),
        ("127.0.0.20", "open", fine()),
        ("127.0.0.20", "mine", only_own("mine")),
        ("127.0.0.20", "theirs", only_own("theirs")),
        ("127.0.0.9", "", "550 5.7.1 tenant 'strict' requires SMTP AUTH".to_owned()),
        ("127.0.0.10", "", ghost),
    ]
    .into_iter()
    .enumerate()
    {
        let mut session = Dialogue::open_from(from, mta.smtp());
        let seen = session.message(&format!("u{number:02}@example.com"), &header(tenant, "\r\n"));
        assert_eq!(seen, reply, "from {from} as {tenant:?}");
    }
    let stranger = Dialogue::open_from("127.0.1.1", mta.smtp()).say_all(["MAIL FROM:<>", "RCPT TO:<u@example.com>"]);

    let delivered = queues_of(&mta, 5);
    mta.terminate();
    let queues = ["mine", "mine", "theirs", "default-tenant", "open"].map(|tenant| format!("{tenant}@example.com"));
    assert_eq!((delivered, stranger[1].as_str()), (queues.to_vec(), "550 5.7.1 Relaying denied"));
}

#[test]
fn a_user_a_token_and_a_trusted_host_speak_for_their_tenants_over_http() {
    let sink = Sink::start(&[]);
    let mta = Mta::start_in(Folder::new(&configuration(), &queues(sink.address, TENANTS)));
    let basic = |user: &str| format!("Authorization: Basic {}\r\n", STANDARD.encode(format!("{user}:tiger")));
    let (bearer, proxy) = (format!("Authorization: Bearer {TOKEN}\r\n"), "X-Forwarded-For: 192.0.2.1\r\n");
    let not_other = |who: &str, own: &str, other: &str| {
        format!("550 5.7.1 {who} sends as tenant '{own}' and may not send as tenant '{other}'")
    };
    let only_own =
        |who: &str| format!("550 5.7.1 tenant 'theirs' takes mail from its own identities only, and {who} is none");

    for (number, (from, fields, tenant, error)) in [
        ("127.0.0.20", basic("scott"), "", None),
        ("127.0.0.3", basic("scott"), "mine", None),
        ("127.0.0.3", basic("scott"), "theirs", Some(not_other("user:scott", "mine", "theirs"))),
        ("127.0.0.20", bearer.clone(), "", None),
        ("127.0.0.2", bearer.clone(), "theirs", None),
        ("127.0.0.2", bearer.clone(), "mine", Some(not_other("token:injector", "theirs", "mine"))),
        ("127.0.0.20", basic("ada"), "", None),
        ("127.0.0.20", basic("ada"), "theirs", Some(only_own("user:ada"))),
        ("127.0.0.2", basic("ada"), "", None),
        ("127.0.0.2", basic("ada") + proxy, "", None),
        ("127.0.0.3", basic("ada") + proxy, "theirs", Some(only_own("user:ada"))),
        ("127.0.0.2", String::new(), "", None),
        ("127.0.0.2", String::new(), "theirs", Some(not_other("127.0.0.2", "mine", "theirs"))),
        ("127.0.0.20", String::new(), "theirs", Some(only_own("127.0.0.20"))),
    ]
    .into_iter()
    .enumerate()
    {
        let to = format!("u{number:02}@example.com");
        let content = header(tenant, "\n");
        let request = json!({"envelope_sender": "s@client.example", "recipients": [{"email": to}], "content": content});
        let (status, answer) = post_from(from, mta.http, "/api/inject/v1", &fields, &request);
        let errors: Vec<String> = error.into_iter().map(|error| format!("{to}: {error}")).collect();
        assert_eq!((status, &answer["errors"]), (200, &json!(errors)), "from {from} with {fields:?} as {tenant:?}");
    }

    let delivered = queues_of(&mta, 8);
    mta.terminate();
    let queues = ["mine", "mine", "theirs", "theirs", "default-tenant", "mine", "default-tenant", "mine"];
    assert_eq!(delivered, queues.map(|tenant| format!("{tenant}@example.com")));
}

#[test]
fn a_default_tenant_that_is_bound_takes_no_mail_of_others() {
    let sink = Sink::start(&[]);
    let bound = TOLLGATE.replace("[log]", "[tenant.default-tenant]\nidentities = [\"net:127.0.0.2\"]\n[log]");
    let mta = Mta::start_in(Folder::new(&bound, &queues(sink.address, "")));
    let from = |address| Dialogue::open_from(address, mta.smtp()).message("a@example.com", "Subject: x\r\n\r\n");

    let replies = ["127.0.0.2", "127.0.0.3"].map(from);

    let records = mta.wait_for_records("Delivery", 1);
    mta.terminate();
    let refused =
        "550 5.7.1 tenant 'default-tenant' takes mail from its own identities only, and 127.0.0.3 is none".to_owned();
    let rejection: Vec<String> = records.iter().map(line).filter(|line| line.starts_with("Rejection")).collect();
    assert_eq!(
        (replies, rejection),
        (["250 2.0.0 OK".to_owned(), refused.clone()], vec![format!("Rejection a@example.com in  #0: {refused}")])
    );
}

#[test]
fn a_reload_binds_the_next_message() {
    let sink = Sink::start(&[]);
    let mta = Mta::start(&queues(sink.address, "[tenant.mine]"));
    let mut session = Dialogue::open_from("127.0.0.2", mta.smtp());
    let before = session.message("a@example.com", &header("", "\r\n"));

    let file = std::fs::read_to_string(mta.spool().with_file_name("tollgate.toml")).unwrap();
    mta.write("tollgate.toml", format!("{file}\n[tenant.mine]\nidentities = [\"net:127.0.0.2\"]\n"));
    wait_until("the second generation", || get(mta.http, "/metrics").1.contains("tollgate_config_generation 2\n"));

    let after = session.message("b@example.com", &header("", "\r\n"));
    let delivered = queues_of(&mta, 2);
    mta.terminate();
    let fine = "250 2.0.0 OK";
    assert_eq!(
        (before.as_str(), after.as_str(), delivered),
        (fine, fine, ["default-tenant", "mine"].map(|tenant| format!("{tenant}@example.com")).to_vec())
    );
}
