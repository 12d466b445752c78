//! A configuration as large as they get: ten thousand tenants, a thousand destinations, and settings where they meet.

use std::fmt::Write as _;

/// How many tenants, `t0` and up.
pub const TENANTS: usize = 10_000;
/// How many destinations, `d0.example` and up.
pub const DOMAINS: usize = 1_000;
/// A tenant and a domain that have settings for each other, for the tenant's campaign `welcome` too.
pub const MET: (&str, &str) = ("t7919", "d1.example");
/// How many tenants each destination has settings for.
const TENANTS_OF_DOMAIN: usize = 20;

/// Returns the text of the file, the same each time: about 3 MB, 36,000 tables, 75,000 settings.
///
/// The pools that it names are `pool-0` to `pool-9`. Every tenth tenant has a campaign of its own; of the tenants of a
/// destination, every fifth.
#[must_use]
pub fn queues() -> String {
    let mut text = String::from(concat!(
        "scheduling_header = 'X-Schedule'\n",
        "tenant_header = 'X-Tenant'\nremove_tenant_header = true\n",
        "campaign_header = 'X-Campaign'\nremove_campaign_header = true\n",
        "default_tenant = 't0'\n",
        "[queue.default]\nmax_age = '24 hours'\nretry_interval = '17 mins'\n",
    ));
    for tenant in 0..TENANTS {
        write(&mut text, tenant_table(tenant));
    }
    for domain in 0..DOMAINS {
        write(&mut text, domain_tables(domain));
    }
    text
}

fn tenant_table(tenant: usize) -> String {
    let (pool, rate, age) = (tenant % 10, tenant % 90 + 10, tenant % 48 + 1);
    let mut text = format!(
        "[tenant.'t{tenant}']\negress_pool = 'pool-{pool}'\nmax_age = '{age} hours'\noverall_max_message_rate = '{rate}/s'\n"
    );
    if tenant.is_multiple_of(10) {
        write(&mut text, format!("[tenant.'t{tenant}'.campaigns.welcome]\noverall_max_message_rate = '5/s'\n"));
    }
    text
}

fn domain_tables(domain: usize) -> String {
    let minutes = domain % 30 + 5;
    let mut text = format!(
        "[queue.'d{domain}.example']\nmax_age = '22 hours'\nretry_interval = '{minutes} mins'\nmax_message_rate = '100/s'\n"
    );
    for place in 0..TENANTS_OF_DOMAIN {
        // Spread, so that neighbours in the file are strangers.
        let tenant = (domain * 7919 + place * 499) % TENANTS;
        let header = format!("queue.'d{domain}.example'.t{tenant}");
        write(&mut text, format!("[{header}]\nretry_interval = '{} mins'\nmax_message_rate = '10/s'\n", place + 1));
        if place.is_multiple_of(5) {
            write(&mut text, format!("[{header}.welcome]\nmax_age = '2 hours'\n"));
        }
    }
    text
}

fn write(text: &mut String, part: impl AsRef<str>) {
    text.write_str(part.as_ref()).expect("a String takes everything");
}
