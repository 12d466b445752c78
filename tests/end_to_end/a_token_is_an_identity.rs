//! HTTP with a token, or with a password that a plugin knows: it opens the door, its name satisfies `require_authz`, and a hash
//! that is none keeps nobody out.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use tollgate_testkit::guest::GATEKEEPER;

use crate::a_program_that_cannot_start_says_why::refusal;
use crate::kit::{Folder, Mta, Sink, TOLLGATE, post_from, queues, with_plugin};

/// Returns a configuration that trusts no host and has this hash for the token of `injector`.
fn configuration(hash: &str) -> String {
    let closed = "listen = \"127.0.0.1:0\"\ntrusted_hosts = []\n\n[[plugin]]";
    let token = format!("[auth.token.injector]\nhash = \"{hash}\"\n[log]");
    TOLLGATE.replace("listen = \"127.0.0.1:0\"\n\n[[plugin]]", closed).replace("[log]", &token)
}

#[test]
fn its_name_is_what_require_authz_asks_for() {
    let sink = Sink::start(&[]);
    // What `printf %s secret | openssl dgst -sha256` says.
    let hash = "sha256:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
    let tenants = "[tenant.mine]\nrequire_authz = ['injector']\n[tenant.other]\nrequire_authz = ['scott']";
    let mta = Mta::start_in(Folder::new(&configuration(hash), &queues(sink.address, tenants)));
    let inject = |fields: &str, tenant: &str| {
        let content = format!("X-Tenant: {tenant}\nSubject: x\n\n");
        let recipients = json!([{"email": "a@example.com"}]);
        let request = json!({"envelope_sender": "s@client.example", "recipients": recipients, "content": content});
        let (status, answer) = post_from("127.0.0.1", mta.http, "/api/inject/v1", fields, &request);
        let error = &answer[if status == 200 { "errors" } else { "error" }];
        (status, error.clone())
    };
    let secret = "Authorization: Bearer secret\r\n";

    let seen =
        [inject(secret, "mine"), inject(secret, "other"), inject("", "mine"), inject(&secret.replace("et", ""), "")];

    sink.wait_for(1);
    mta.terminate();
    let not_scott = "a@example.com: 550 5.7.1 authz_id 'injector' is not authorized to send as tenant 'other'";
    let unauthorized = (401, json!("credentials are missing or wrong"));
    assert_eq!(seen, [(200, json!([])), (200, json!([not_scott])), unauthorized.clone(), unauthorized]);
}

#[test]
fn a_plugin_vouches_for_users_whom_no_section_knows() {
    let sink = Sink::start(&[]);
    let closed = configuration("sha256:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b");
    let tenants = "[tenant.mine]\nrequire_authz = ['greta']";
    let folder = Folder::new(&with_plugin(&closed, "gate", "phase = \"session\""), &queues(sink.address, tenants));
    folder.write("gate.wasm", GATEKEEPER);
    let mta = Mta::start_in(folder);
    let inject = |credentials: &str| {
        let fields = format!("Authorization: Basic {}\r\n", STANDARD.encode(credentials));
        let (content, recipients) = ("X-Tenant: mine\nSubject: x\n\n", json!([{"email": "a@example.com"}]));
        let request = json!({"envelope_sender": "s@client.example", "recipients": recipients, "content": content});
        let (status, answer) = post_from("127.0.0.1", mta.http, "/api/inject/v1", &fields, &request);
        (status, answer["success_count"].as_u64())
    };

    let seen = ["greta:lovage", "greta:parsley", "nobody:x", "odd:x"].map(inject);

    sink.wait_for(1);
    mta.terminate();
    assert_eq!(seen, [(200, Some(1)), (401, None), (401, None), (503, None)]);
}

#[test]
fn a_hash_that_is_none_is_told_where_it_stands() {
    let (code, said) = refusal(&Folder::new(&configuration("sha256:2bb8"), ""));

    let line = configuration("").lines().position(|line| line.starts_with("hash")).unwrap() + 1;
    let error = "hash: a token's hash is 'sha256:' and the 64 hexadecimal digits of its SHA-256";
    let expected = format!("FOLDER/tollgate.toml:{line}:1 error: {error}\n    hash = …\n    ^\n");
    assert_eq!((code, said), (Some(2), expected));
}
