//! The configuration that most scenarios use.

use std::net::SocketAddr;

/// One listener, HTTP, the stock plugin, three sources in two pools. Port 0 becomes a port of its own at the first start.
pub(crate) const TOLLGATE: &str = r#"
[spool]
path = "spool"

[smtp.listener.main]
listen = "127.0.0.1:0"
hostname = "mta.example"
relay_hosts = ["127.0.0.0/8"]

[http]
listen = "127.0.0.1:0"

[[plugin]]
name = "queue-helper"
component = "builtin:queue-helper"
config = ["queues.toml"]

[source.ip-1]
source_address = "127.0.0.11"
ehlo_domain = "out1.example"
[source.ip-2]
source_address = "127.0.0.12"
ehlo_domain = "out2.example"
[source.ip-3]
source_address = "127.0.0.13"
ehlo_domain = "out3.example"

[pool.pool-1.ip-1]
[pool.pool-2.ip-2]
[pool.weighted.ip-2]
weight = 2
[pool.weighted.ip-3]
weight = 1

[log]
records = "log"
"#;

/// Returns a `queues.toml` that sends everything to a sink; `more` goes into `[queue.default]` and behind it.
pub(crate) fn queues(sink: SocketAddr, more: &str) -> String {
    format!(
        "scheduling_header = 'X-Schedule'\n\
         tenant_header = 'X-Tenant'\n\
         remove_tenant_header = true\n\
         default_tenant = 'default-tenant'\n\
         [tenant.'default-tenant']\n\
         egress_pool = 'pool-1'\n\
         [queue.default]\n\
         protocol.smtp.mx_list = ['{sink}']\n\
         {more}\n"
    )
}

/// Returns a configuration with one more plugin, `name`.wasm, before the stock one; `keys` are those of its section.
pub(crate) fn with_plugin(tollgate: &str, name: &str, keys: &str) -> String {
    let stock = "\n[[plugin]]\nname = \"queue-helper\"";
    let section = format!("\n[[plugin]]\nname = \"{name}\"\ncomponent = \"{name}.wasm\"\n{keys}\n{stock}");
    tollgate.replace(stock, &section)
}
