//! The example plugins as components: each configured with the file in its own folder.

use std::sync::Arc;

use tollgate_message::{
    Draft, Edits, Envelope, MessageId, Origin, QueueName, Received, Session, Timestamp, envelope::Address, header,
};
use tollgate_policy::{Plugin, Settings};
use tollgate_testkit::guest;
use tollgate_wasm::{Compiler, ConfigFile, Configuration, Instances, Limits, Runtime, Setup, StartError, WasmPlugin};

const TENANTS: &str = include_str!("../../../plugins/examples/tenant-header/tenants.toml");
const POOLS: &str = include_str!("../../../plugins/examples/tenant-pool/pools.toml");
const PARAMS: &str = include_str!("../../../plugins/examples/tenant-parameters/params.toml");

fn start(octets: &[u8], file: &str, content: &str) -> Result<(WasmPlugin, Configuration), StartError> {
    let component = Runtime::new(None, Compiler::Here).expect("an engine").load(octets).expect("a component");
    let file = ConfigFile { name: file.to_owned(), content: content.as_bytes().to_vec() };
    let (name, limits) = ("example".to_owned(), Limits::default());
    WasmPlugin::start(
        component,
        Setup { name, files: vec![file], limits, instances: Instances::Warm, ..Setup::default() },
    )
}

/// Starts a plugin with a file that is right.
fn plugin(octets: &[u8], file: &str, content: &str) -> (WasmPlugin, Configuration) {
    start(octets, file, content).expect("a configuration that is right")
}

/// Starts a plugin with a file that is wrong, and returns what it says.
fn refused(octets: &[u8], file: &str, content: &str) -> Vec<String> {
    let error = start(octets, file, content).err();
    let Some(StartError::Configuration(refused)) = error else { panic!("{error:?}") };
    refused.findings.iter().map(ToString::to_string).collect()
}

fn draft(header: &str, may_relay: bool, authz_id: Option<&str>) -> Draft {
    let now = Timestamp::from_millis(1_700_000_000_000);
    let session = Session {
        origin: Origin::Smtp,
        authz_id: authz_id.map(str::to_owned),
        may_relay,
        peer: None,
        local: None,
        ehlo_domain: None,
        hostname: "mta.example".to_owned(),
    };
    let content = bytes::Bytes::from(format!("{header}Subject: s\r\n\r\nbody\r\n"));
    let recipients = vec![Address::new("u@example.com")];
    Draft::new(Received {
        id: MessageId::new(now),
        at: now,
        envelope: Envelope { sender: None, recipients, smtputf8: false, eight_bit: false },
        session: Arc::new(session),
        size: content.len() as u64,
        content,
    })
}

/// Tells what became of a message: the reply that refuses it, or its metadata and the header that is left.
fn told(plugin: &WasmPlugin, draft: Draft) -> String {
    let (Edits { meta, header, .. }, answer) =
        plugin.message_received(&draft.received, draft.edits).expect("an answer");
    match answer {
        Err(refusal) => refusal.reply().to_string(),
        Ok(verdict) => {
            let field = |(name, value)| format!("{name}:{}", header::decode(value));
            let fields: Vec<String> = header.iter().map(field).collect();
            format!("{verdict:?} {meta:?} {}", fields.join(" "))
        }
    }
}

/// Tells the settings of a queue: `option=value`, the origin and what it stands over.
fn settings(plugin: &WasmPlugin, queue: &str) -> Vec<String> {
    let settings = plugin.queue_config(&QueueName::parse(queue), &Settings::default()).expect("an answer");
    let written = |written: &tollgate_policy::settings::Written| {
        let value = written.value.as_ref().map_or_else(String::new, tollgate_policy::OptionValue::text);
        format!("{value} ({})", written.origin.as_deref().unwrap_or("nowhere"))
    };
    let told = |(option, all): (&tollgate_policy::QueueOption, &[tollgate_policy::settings::Written])| {
        format!("{}: {}", option.name(), all.iter().map(written).collect::<Vec<_>>().join(", then "))
    };
    settings.expect("settings").iter().map(told).collect()
}

#[test]
fn a_tenant_is_taken_from_the_header_which_goes() {
    let (plugin, _) = plugin(guest::TENANT_HEADER, "tenants.toml", TENANTS);

    let outcomes = ["X-Tenant: TenantTwo\r\n", "x-tenant:\r\n TenantTwo\r\n", "X-Tenant:  \r\n", ""]
        .map(|header| told(&plugin, draft(header, true, None)));

    let accepted = |tenant| format!("Accept {{\"tenant\": \"{tenant}\"}} Subject:s");
    assert_eq!(outcomes, ["TenantTwo", "TenantTwo", "TenantOne", "TenantOne"].map(accepted));
}

#[test]
fn an_incorrect_tenant_is_refused_in_words() {
    let (plugin, _) = plugin(guest::TENANT_HEADER, "tenants.toml", TENANTS);

    let outcomes = ["X-Tenant: nobody\r\n", "X-Tenant: a@b\r\n", "X-Tenant: TenantOne\r\nX-Tenant: TenantTwo\r\n"]
        .map(|header| told(&plugin, draft(header, true, None)));

    let expected = [
        "550 5.7.1 X-Tenant: there is no tenant 'nobody' here",
        "550 5.7.1 X-Tenant: a tenant's name is up to 64 letters, digits, '-', '_' and '.'",
        "550 5.7.1 X-Tenant: several fields name different tenants",
    ];
    assert_eq!(outcomes, expected);
}

#[test]
fn a_session_that_may_not_relay_names_no_tenant() {
    let kept = format!("remove = false\n{}", TENANTS.replace("remove = true", ""));
    let (plugin, _) = plugin(guest::TENANT_HEADER, "tenants.toml", &kept);

    let outcomes = [false, true].map(|may_relay| told(&plugin, draft("X-Tenant: TenantTwo\r\n", may_relay, None)));

    let removed = "Accept {\"tenant\": \"TenantOne\"} Subject:s";
    assert_eq!(outcomes, [removed, "Accept {\"tenant\": \"TenantTwo\"} X-Tenant:TenantTwo Subject:s"]);
}

#[test]
fn a_tenant_is_for_those_who_may_use_it() {
    let (plugin, _) = plugin(guest::TENANT_HEADER, "tenants.toml", TENANTS);

    let outcomes = [None, Some("eve"), Some("scott")]
        .map(|authz_id| told(&plugin, draft("X-Tenant: TenantThree\r\n", true, authz_id)));

    let refused = "550 5.7.1 you are not authorized to send as tenant 'TenantThree'";
    assert_eq!(outcomes, [refused, refused, "Accept {\"tenant\": \"TenantThree\"} Subject:s"]);
}

#[test]
fn a_tenant_that_an_earlier_plugin_set_is_not_changed() {
    let (plugin, _) = plugin(guest::TENANT_HEADER, "tenants.toml", TENANTS);

    let outcomes = ["", "X-Tenant: TenantOne\r\n"].map(|header| {
        let mut draft = draft(header, true, None);
        draft.edits.meta.insert("tenant".to_owned(), "set-before".to_owned());
        told(&plugin, draft)
    });

    let refused = "550 5.7.1 X-Tenant: this mail is not of tenant 'TenantOne'";
    assert_eq!(outcomes, ["Accept {\"tenant\": \"set-before\"} Subject:s", refused]);
}

#[test]
fn the_pool_is_named_after_the_tenant_where_there_is_one() {
    let (plugin, configuration) = plugin(guest::TENANT_POOL, "pools.toml", POOLS);

    let pools = ["TenantOne@d.example", "c:TenantTwo@d.example", "nobody@d.example", "d.example"]
        .map(|queue| settings(&plugin, queue));

    let named = |name: &str| vec![format!("egress_pool: {name} (pools.toml:2)")];
    let unspecified = vec!["egress_pool: unspecified (nowhere)".to_owned()];
    assert_eq!(
        (pools, references(&configuration)),
        (
            [named("TenantOne"), named("TenantTwo"), unspecified.clone(), unspecified],
            vec!["pools.toml:2:10 TenantOne".to_owned(), "pools.toml:2:23 TenantTwo".to_owned()]
        )
    );
}

#[test]
fn a_tenants_parameters_lie_over_the_global_ones_each_with_its_origin() {
    let (plugin, configuration) = plugin(guest::TENANT_PARAMETERS, "params.toml", PARAMS);

    let queues = ["TenantOne@d.example", "TenantThree@d.example", "d.example"].map(|queue| settings(&plugin, queue));

    let intervals = ["retry_interval: 10m (params.toml:4)", "max_retry_interval: 1h 40m (params.toml:5)"];
    let age = "max_age: 1day (params.toml:3)";
    let one = [&intervals[..], &["max_age: 1day (params.toml:3), then 2h (params.toml:9)"]].concat();
    let pool = ["egress_pool: shared (params.toml:12)", "max_message_rate: 100/s (params.toml:13)"];
    let three = [&intervals[..], &[age], &pool].concat();
    assert_eq!(
        (queues.map(|lines| lines.join("; ")), references(&configuration)),
        (
            [one, three, [&intervals[..], &[age]].concat()].map(|lines| lines.join("; ")),
            vec!["params.toml:12:1 shared".to_owned()]
        )
    );
}

fn references(configuration: &Configuration) -> Vec<String> {
    let told = |reference: &tollgate_wasm::Reference| {
        format!("{}:{}:{} {}", reference.file, reference.at.line, reference.at.column, reference.name)
    };
    configuration.references.iter().map(told).collect()
}

#[test]
fn files_that_are_wrong_are_refused_with_every_place() {
    let refusals = [
        refused(guest::TENANT_HEADER, "tenants.toml", "unknwon = 'reject'\ndefault_tenant = 'a'\n[tenant.b]\n"),
        refused(guest::TENANT_POOL, "pools.toml", "pools = ['a',\n 5]\npool = 'b'\n"),
        refused(
            guest::TENANT_PARAMETERS,
            "params.toml",
            "[params]\nmaxage = '1h'\n[tenant_params.a]\negress_pool = 5\n",
        ),
    ];

    let expected: [&[&str]; 3] = [
        &[
            "tenants.toml:1:1 `unknwon` is not known in this file; did you mean `unknown`?",
            "tenants.toml:2:1 `a` is not a tenant of this file",
        ],
        &[
            "pools.toml:2:2 pools: expected text, got a number",
            "pools.toml:3:1 `pool` is not known in this file; did you mean `pools`?",
        ],
        &[
            "params.toml:2:1 `maxage` is not an option of [params]; did you mean `max_age`?",
            "params.toml:4:1 egress_pool: expected text, got a number",
        ],
    ];
    assert_eq!(refusals, expected);
}
