//! The user guide's own policies, as plugins of one page each: the tenant out of a header, the pool named after it, its
//! parameters over global ones. Configured as their READMEs say, with the files beside them.

use tollgate_testkit::guest::{TENANT_HEADER, TENANT_PARAMETERS, TENANT_POOL};

use crate::a_program_that_cannot_start_says_why::refusal;
use crate::kit::{Folder, Mta, Sink, TOLLGATE, line, send, senders, split_trace};

/// What the stock plugin has in the common configuration.
const STOCK: &str =
    "[[plugin]]\nname = \"queue-helper\"\ncomponent = \"builtin:queue-helper\"\nconfig = [\"queues.toml\"]\n";

macro_rules! example {
    ($name:literal, $file:literal) => {
        (
            include_str!(concat!("../../plugins/examples/", $name, "/README.md")),
            $file,
            include_str!(concat!("../../plugins/examples/", $name, "/", $file)),
        )
    };
}

/// The examples in the order of the guide, in which a tenant's own parameters come last: README, file, what is in it.
const EXAMPLES: [(&str, &str, &str); 3] = [
    example!("tenant-header", "tenants.toml"),
    example!("tenant-pool", "pools.toml"),
    example!("tenant-parameters", "params.toml"),
];

/// Returns what a README says to put into `tollgate.toml`.
fn configuration(readme: &str) -> &str {
    readme.split_once("```toml\n# tollgate.toml\n").unwrap().1.split_once("```").unwrap().0
}

/// Returns a folder with the examples in it; `last` is what follows them in the chain.
fn folder(sink: &Sink, last: &str, queues: &str) -> Folder {
    let plugins: Vec<&str> = EXAMPLES.iter().map(|(readme, ..)| configuration(readme)).collect();
    let pools = "[pool.TenantOne.ip-1]\n[pool.TenantTwo.ip-2]\n[pool.shared.ip-3]\n";
    let port = format!("[egress.default]\nsmtp_port = {}\n", sink.address.port());
    let tollgate = TOLLGATE.replace(STOCK, &format!("{}{last}", plugins.concat()));
    let folder = Folder::new(&format!("{tollgate}{pools}{port}"), queues);
    for (_, file, content) in EXAMPLES {
        folder.write(file, content);
    }
    folder.write("tollgate-example-tenant-header.wasm", TENANT_HEADER);
    folder.write("tollgate-example-tenant-pool.wasm", TENANT_POOL);
    folder.write("tollgate-example-tenant-parameters.wasm", TENANT_PARAMETERS);
    folder
}

/// Sends a message of each tenant, of none, and of tenants that there are not or that are others'; returns the replies.
fn send_all(mta: &Mta, domain: &str) -> Vec<String> {
    let headers =
        ["", "X-Tenant:  \r\n", "X-Tenant: TenantTwo\r\n", "X-Tenant: nobody\r\n", "X-Tenant: TenantThree\r\n"];
    let sent = headers.iter().zip('a'..).map(|(header, user)| {
        send(mta.smtp(), &[&format!("{user}@{domain}")], &format!("{header}Subject: s\r\n\r\nbody\r\n")).join(" ")
    });
    sent.collect()
}

const REPLIES: [&str; 5] = [
    "250 2.0.0 OK",
    "250 2.0.0 OK",
    "250 2.0.0 OK",
    "550 5.7.1 X-Tenant: there is no tenant 'nobody' here",
    "550 5.7.1 you are not authorized to send as tenant 'TenantThree'",
];

#[test]
fn instead_of_the_stock_plugin_mail_leaves_by_the_pool_of_its_tenant_without_the_header() {
    let sink = Sink::start(&[]);
    let mta = Mta::start_in(folder(&sink, "", ""));

    let replies = send_all(&mta, "[127.0.0.1]");

    let mut arrived = sink.wait_for(3);
    arrived.sort_by(|one, other| one.to.cmp(&other.to));
    let mut records: Vec<String> = mta.wait_for_records("Delivery", 3).iter().map(line).collect();
    records.retain(|record| record.starts_with("Delivery"));
    records.sort();
    mta.terminate();
    let contents: Vec<_> = arrived.iter().map(|message| split_trace(&message.data).1).collect();
    assert_eq!(contents, vec![b"Subject: s\r\n\r\nbody\r\n".to_vec(); 3]);
    assert_eq!(
        (replies, senders(&arrived), records),
        (
            REPLIES.map(str::to_owned).to_vec(),
            ["127.0.0.11 out1.example", "127.0.0.11 out1.example", "127.0.0.12 out2.example"]
                .map(str::to_owned)
                .to_vec(),
            [
                "Delivery a@[127.0.0.1] in TenantOne@[127.0.0.1] by TenantOne/ip-1 #1: 250 2.0.0 Taken",
                "Delivery b@[127.0.0.1] in TenantOne@[127.0.0.1] by TenantOne/ip-1 #1: 250 2.0.0 Taken",
                "Delivery c@[127.0.0.1] in TenantTwo@[127.0.0.1] by TenantTwo/ip-2 #1: 250 2.0.0 Taken",
            ]
            .map(str::to_owned)
            .to_vec()
        )
    );
}

#[test]
fn in_front_of_the_stock_plugin_tenants_without_a_pool_leave_by_unspecified_or_by_the_one_that_their_parameters_name() {
    let sink = Sink::start(&[]);
    let next_hop = format!("[queue.default]\nprotocol.smtp.mx_list = ['{}']\n", sink.address);
    let folder = folder(&sink, STOCK, &next_hop);
    folder.write("tenants.toml", "[tenant.TenantThree]\n[tenant.TenantTwo]\n");
    let mta = Mta::start_in(folder);

    let replies = send_all(&mta, "example.com");

    sink.wait_for(4);
    let mut records: Vec<String> = mta.wait_for_records("Delivery", 4).iter().map(line).collect();
    records.retain(|record| record.starts_with("Delivery"));
    records.sort();
    mta.terminate();
    assert_eq!(
        (replies, records),
        (
            [REPLIES[0], REPLIES[1], REPLIES[2], REPLIES[3], "250 2.0.0 OK"].map(str::to_owned).to_vec(),
            [
                "Delivery a@example.com in example.com by unspecified/unspecified #1: 250 2.0.0 Taken",
                "Delivery b@example.com in example.com by unspecified/unspecified #1: 250 2.0.0 Taken",
                "Delivery c@example.com in TenantTwo@example.com by TenantTwo/ip-2 #1: 250 2.0.0 Taken",
                "Delivery e@example.com in TenantThree@example.com by shared/ip-3 #1: 250 2.0.0 Taken",
            ]
            .map(str::to_owned)
            .to_vec()
        )
    );
}

#[test]
fn pools_that_their_files_name_and_nobody_defines_are_told_at_the_start() {
    let sink = Sink::start(&[]);
    let folder = folder(&sink, "", "");
    folder.write("pools.toml", "pools = [\n  'TenantOne',\n  'TenantTow',\n]\n");
    folder.write("params.toml", "[tenant_params.T]\nmax_age = '1h'\negress_pool = 'elsewhere'\n");

    let seen = refusal(&folder);

    let undefined =
        |name| format!("egress_pool: pool '{name}' is not defined in tollgate.toml as [pool.'{name}'.SOURCE]");
    let (pools, params) = (undefined("TenantTow"), undefined("elsewhere"));
    let expected = format!(
        "pools.toml:3:3 error: {pools}; did you mean `TenantTwo`?\n      'TenantTow',\n      ^\n\
         params.toml:3:1 error: {params}\n    egress_pool = 'elsewhere'\n    ^\n"
    );
    assert_eq!(seen, (Some(2), expected));
}
