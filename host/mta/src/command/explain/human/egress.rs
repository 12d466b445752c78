//! Where the queue's mail goes, and from where.

use tollgate_outbound::literal;
use tollgate_policy::{OptionValue, QueueOption};
use tollgate_queue::Route;

use super::super::{
    super::terminal::Tone,
    ask::Queue,
    background::Background,
    page::{Cell, Page, toned},
};
use crate::{
    config::{Config, SourceConfig, UNSPECIFIED},
    settings::queue_config,
};

/// Tells how the next hops are found.
pub(super) fn route(page: &mut Page, queue: &Queue) {
    let domain = queue.name.route();
    match queue_config(&queue.settings).map(|config| config.route) {
        Err(reason) => page.section("Route", toned(Tone::Bad, format!("none: {reason}"))),
        Ok(Route::Discard) => page.section("Route", toned(Tone::Caution, "nowhere: mail is thrown away")),
        Ok(Route::MxList(hops)) => {
            page.section("Route", "by mx_list, in this order; no mail exchanger is looked up");
            let row = |(n, hop): (usize, String)| [Cell::from((n + 1).to_string()).right(), hop.into()];
            page.rows(&hops.into_iter().enumerate().map(row).collect::<Vec<_>>());
        }
        Ok(Route::Maildir(maildir)) => {
            page.section("Route", "into mailboxes of this machine; no source sends it");
            page.line(maildir.path);
        }
        Ok(Route::ByMx) if literal(domain).is_some() => {
            page.section("Route", format!("straight to {domain}; no mail exchanger is looked up"));
        }
        Ok(Route::ByMx) => page.section("Route", format!("by the mail exchangers of {domain}")),
    }
    if queue.name.routing_domain.is_some() {
        page.line(format!("routing_domain stands in for {}", queue.name.domain));
    }
}

/// Lists the sources that may send the mail.
pub(super) fn pool(page: &mut Page, queue: &Queue, background: &Background) {
    if matches!(queue_config(&queue.settings).map(|config| config.route), Ok(Route::Maildir(_))) {
        return;
    }
    let named = queue.settings.get(&QueueOption::EgressPool).map(OptionValue::text);
    let name = named.as_deref().unwrap_or(UNSPECIFIED);
    let Some(config) = &background.config else {
        page.section("Pool", name);
        return page.line(toned(Tone::Faint, "its sources are in tollgate.toml; ask with --config to see them"));
    };
    let (members, place) = match (config.pools().get(name), &queue.pool) {
        (Some(members), _) => (members, background.key(&["pool"], name).map(|spot| spot.place())),
        (None, Some(known)) => (&known.members, Some("known to a plugin".to_owned())),
        (None, None) => return page.section("Pool", toned(Tone::Bad, format!("{name}, which is not defined"))),
    };
    page.section("Pool", format!("{name}  {}", place.as_deref().unwrap_or("built in")));
    if members.is_empty() {
        return page.line(toned(Tone::Caution, "it has no source; mail waits"));
    }
    let titles = ["source", "weight", "share", "from address", "EHLO name"];
    let mut rows = vec![titles.map(|title| toned(Tone::Faint, title))];
    let total: u64 = members.iter().map(|(_, weight)| u64::from(*weight)).sum();
    let known =
        |name: &str| config.egress.sources.get(name).or_else(|| queue.pool.as_ref()?.sources.get(name)).cloned();
    rows.extend(members.iter().map(|(name, weight)| row(name, known(name), *weight, total, config)));
    page.rows(&rows);
}

fn row(name: &str, source: Option<SourceConfig>, weight: u32, total: u64, config: &Config) -> [Cell; 5] {
    let Some(source) = source else {
        let undefined = toned(Tone::Bad, "not defined");
        return [
            name.into(),
            Cell::from(weight.to_string()).right(),
            Cell::from("").right(),
            undefined,
            Cell::from(""),
        ];
    };
    let any = || toned(Tone::Faint, "any that the system picks");
    let address = source.source_address.map_or_else(any, |address| Cell::from(address.to_string()));
    let own = || toned(Tone::Faint, config.hostname());
    let ehlo = source.ehlo_domain.map_or_else(own, Cell::from);
    let weight_cell = Cell::from(weight.to_string()).right();
    [name.into(), weight_cell, Cell::from(share(weight, total)).right(), address, ehlo]
}

/// Returns a weight's part of all, in percent.
fn share(weight: u32, total: u64) -> String {
    let tenths = (u64::from(weight) * 1000 + total / 2).checked_div(total).unwrap_or(0);
    match (tenths / 10, tenths % 10) {
        (0, 0) if weight > 0 => "<0.1 %".to_owned(),
        (whole, 0) => format!("{whole} %"),
        (whole, tenth) => format!("{whole}.{tenth} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_in_percent() {
        let seen =
            [(1, 1), (2, 3), (1, 3), (1, 8), (0, 5), (1, 5000), (0, 0)].map(|(weight, total)| share(weight, total));

        assert_eq!(seen, ["100 %", "66.7 %", "33.3 %", "12.5 %", "0 %", "<0.1 %", "0 %"]);
    }
}
