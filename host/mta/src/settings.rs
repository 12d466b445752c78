//! From what configuration and policy say to the values that the engine works with.

use std::sync::Arc;

use tollgate_message::QueueName;
use tollgate_outbound::{Hop, mailbox};
use tollgate_policy::{
    OptionValue, QueueOption, Scope, Settings,
    event::egress::{PathOption, PathSettings},
};
use tollgate_queue::{EgressSettings, Maildir, OwnLimits, Pool, QueueConfig, Rate, Route, Throttle};

use crate::config::Egress;

/// Returns pools and limits.
pub(crate) fn egress(egress: &Egress) -> EgressSettings {
    let pools = egress.pools.iter().map(|(name, sources)| Pool { name: name.clone(), sources: sources.clone() });
    let (limits, site_limits) = (egress.paths.default.limits.clone(), egress.paths.site_limits());
    EgressSettings { pools: pools.collect(), limits, site_limits }
}

/// Returns what plugins say about one source at one site.
pub(crate) fn own_limits(path: &PathSettings) -> OwnLimits {
    OwnLimits {
        connection_limit: path.count(PathOption::ConnectionLimit),
        max_deliveries_per_connection: path.count(PathOption::MaxDeliveriesPerConnection),
        max_ready: path.count(PathOption::MaxReady),
        max_message_rate: path.rate(PathOption::MaxMessageRate).map(rate),
        max_connection_rate: path.rate(PathOption::MaxConnectionRate).map(rate),
    }
}

/// Returns the rates that a queue keeps: those that it shares with others, then its own.
///
/// The names of buckets are the same on every node, and say what shares them.
pub(crate) fn throttles(name: &QueueName, settings: &Settings, shared: &[tollgate_policy::Throttle]) -> Vec<Throttle> {
    let throttle =
        |scope: &str, key: &str, rate| Throttle { key: Arc::from(format!("{scope}/{key}")), rate: self::rate(rate) };
    let shared = shared.iter().map(|throttle| match throttle.scope {
        Scope::Tenant => ("tenant", throttle),
        Scope::TenantCampaign => ("tenant-campaign", throttle),
    });
    let own = match settings.get(&QueueOption::MaxMessageRate) {
        Some(OptionValue::Rate(rate)) => Some(throttle("queue", &name.to_string(), *rate)),
        _ => None,
    };
    shared.map(|(scope, shared)| throttle(scope, &shared.key, shared.rate)).chain(own).collect()
}

/// Returns a rate with everything that it leaves to the default: the burst is what a period may see.
pub(crate) fn rate(rate: tollgate_config::Rate) -> Rate {
    Rate { limit: rate.limit, period: rate.period, burst: rate.max_burst.unwrap_or(rate.limit) }
}

/// Returns a route whose next hops have this port, where they name none. Of a domain whose mail exchangers are looked up
/// the port is given to what is found.
pub(crate) fn with_port(route: Route, domain: &str, port: Option<u16>) -> Route {
    let Some(port) = port else { return route };
    let at = |hop: String| if has_port(&hop) { hop } else { format!("{hop}:{port}") };
    match route {
        Route::MxList(hops) => Route::MxList(hops.into_iter().map(at).collect()),
        Route::ByMx if domain.starts_with('[') && !has_port(domain) => Route::MxList(vec![at(domain.to_owned())]),
        other => other,
    }
}

fn has_port(hop: &str) -> bool {
    hop.parse::<Hop>().is_ok_and(|hop| hop.port.is_some())
}

/// Returns the engine's configuration for a queue: what is not set has its default.
///
/// # Errors
/// What in the settings cannot be done here; mail for such a queue is deferred.
pub(crate) fn queue_config(settings: &Settings) -> Result<QueueConfig, String> {
    let defaults = QueueConfig::default();
    let pool = match settings.get(&QueueOption::EgressPool) {
        Some(OptionValue::Text(name)) => Some(name.clone()),
        _ => None,
    };
    Ok(QueueConfig {
        retry_interval: settings.duration(&QueueOption::RetryInterval).unwrap_or(defaults.retry_interval),
        max_retry_interval: settings.duration(&QueueOption::MaxRetryInterval),
        max_age: settings.duration(&QueueOption::MaxAge).unwrap_or(defaults.max_age),
        egress_pool: pool,
        route: match settings.get(&QueueOption::Protocol) {
            Some(OptionValue::Json(protocol)) => route(protocol)?,
            _ => Route::ByMx,
        },
        reap_interval: settings.duration(&QueueOption::ReapInterval).unwrap_or(defaults.reap_interval),
        ..defaults
    })
}

fn route(protocol: &serde_json::Value) -> Result<Route, String> {
    let Some(smtp) = protocol.get("smtp") else {
        return maildir(protocol).map(Route::Maildir);
    };
    let Some(hops) = smtp.get("mx_list").and_then(serde_json::Value::as_array) else { return Ok(Route::ByMx) };
    hops.iter()
        .map(hop)
        .collect::<Option<Vec<_>>>()
        .map(Route::MxList)
        .ok_or_else(|| format!("{smtp} names no next hops"))
}

fn maildir(protocol: &serde_json::Value) -> Result<Maildir, String> {
    let Some(path) = protocol.get("maildir_path").and_then(serde_json::Value::as_str) else {
        return Err(format!("the delivery method {protocol} is not built in"));
    };
    mailbox::judge(path).map_err(|error| error.to_string())?;
    let mode = |key| {
        let mode = protocol.get(key).and_then(serde_json::Value::as_u64);
        mode.and_then(|mode| u32::try_from(mode).ok())
    };
    Ok(Maildir { path: path.to_owned(), dir_mode: mode("dir_mode"), file_mode: mode("file_mode") })
}

/// Returns an entry of `mx_list` as text; of one with a name and an address, the address, so that nothing is looked up.
fn hop(entry: &serde_json::Value) -> Option<String> {
    if let Some(text) = entry.as_str() {
        return Some(text.to_owned());
    }
    let address = entry.get("addr")?.as_str()?;
    // Beside a name an IPv6 address stands without the brackets that a next hop has.
    let is_v6 = address.parse::<std::net::Ipv6Addr>().is_ok();
    Some(if is_v6 { format!("[{address}]") } else { address.to_owned() })
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;

    fn with_protocol(json: &str) -> Settings {
        let mut settings = Settings::default();
        let value = OptionValue::Json(serde_json::from_str(json).expect("JSON"));
        settings.set(QueueOption::Protocol, value, None, &Arc::from("test")).expect("a value");
        settings
    }

    #[test]
    fn what_is_not_set_has_its_default() {
        let mut settings = Settings::default();
        let hour = OptionValue::Duration(Duration::from_secs(3600));
        settings.set(QueueOption::MaxAge, hour, None, &Arc::from("test")).expect("a value");

        let config = queue_config(&settings);

        assert_eq!(config, Ok(QueueConfig { max_age: Duration::from_secs(3600), ..QueueConfig::default() }));
    }

    #[test]
    fn next_hops_without_a_port_get_that_of_their_destination() {
        let list = |hops: &[&str]| Route::MxList(hops.iter().map(|hop| (*hop).to_owned()).collect());

        let routes = [
            with_port(list(&["a.example", "b.example:26", "[::1]", "[::1]:27"]), "d.example", Some(2525)),
            with_port(Route::ByMx, "[10.0.0.1]", Some(2525)),
            with_port(Route::ByMx, "[10.0.0.1]:26", Some(2525)),
            with_port(Route::ByMx, "d.example", Some(2525)),
            with_port(list(&["a.example"]), "d.example", None),
        ];

        let expected = [
            list(&["a.example:2525", "b.example:26", "[::1]:2525", "[::1]:27"]),
            list(&["[10.0.0.1]:2525"]),
            Route::ByMx,
            Route::ByMx,
            list(&["a.example"]),
        ];
        assert_eq!(routes, expected);
    }

    #[test]
    fn delivery_methods_become_routes_or_say_that_they_are_not_built_in() {
        let routes = [
            r#"{"smtp":{}}"#,
            r#"{"smtp":{"mx_list":["a.example:2525",{"name":"b","addr":"10.0.0.1"},{"name":"c","addr":"::1"}]}}"#,
            r#"{"maildir_path":"/mail/{{ email }}","file_mode":384}"#,
            r#"{"maildir_path":"mail"}"#,
            r#"{"xfer":{}}"#,
        ]
        .map(|json| queue_config(&with_protocol(json)).map(|config| config.route));

        let hops = vec!["a.example:2525".to_owned(), "10.0.0.1".to_owned(), "[::1]".to_owned()];
        let maildir = Maildir { path: "/mail/{{ email }}".to_owned(), dir_mode: None, file_mode: Some(0o600) };
        let relative = "maildir_path 'mail' does not begin with '/'".to_owned();
        let refused = "the delivery method {\"xfer\":{}} is not built in".to_owned();
        let expected =
            [Ok(Route::ByMx), Ok(Route::MxList(hops)), Ok(Route::Maildir(maildir)), Err(relative), Err(refused)];
        assert_eq!(routes, expected);
    }
}
