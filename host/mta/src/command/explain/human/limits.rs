//! What holds for each source on the way to the queue's destination: `[egress]` of `tollgate.toml`.

use tollgate_queue::{Limits, Rate, Route, Site};

use super::super::{
    super::terminal::Tone,
    ask::Queue,
    background::Background,
    page::{Cell, Page, toned},
};
use crate::{
    config::{
        Config,
        files::{Spot, quoted},
    },
    settings::queue_config,
};

/// The limits that hold, and the key of the section that has them.
pub(super) struct Held<'a> {
    pub(super) limits: Limits,
    key: Option<&'a str>,
}

/// Returns what holds: nothing is known without `tollgate.toml`.
pub(super) fn of<'a>(queue: &Queue, background: &'a Background) -> Option<Held<'a>> {
    let Config { egress, .. } = background.config.as_ref()?;
    let domain = queue.name.route();
    // Mail exchangers are not looked up here, and with them not known is which site they are.
    let site = match queue_config(&queue.settings).map(|config| config.route) {
        Ok(Route::MxList(hops)) => Some(Site::of_mx_list(&hops).name),
        Ok(Route::ByMx) if domain.starts_with('[') => Some(Site::of_literal(domain).name),
        _ => None,
    };
    let (key, limits) = egress.paths.holding(domain, site.as_deref());
    Some(Held { limits, key })
}

impl Held<'_> {
    /// Returns where a limit is written: its line and section.
    fn place(&self, option: &str, background: &Background) -> [Cell; 2] {
        let keys = self.key.into_iter().chain(["default"]);
        let mut spots = keys.filter_map(|key| background.key(&["egress", key], option));
        let spot = spots.next();
        let section = spot.as_ref().and_then(Spot::section).unwrap_or_default();
        match spot {
            Some(spot) => [toned(Tone::Place, spot.place()), section.into()],
            None => [toned(Tone::Faint, "default"), Cell::default()],
        }
    }

    /// Returns the rates that each source keeps, by the names of their keys.
    pub(super) fn rates(&self) -> impl Iterator<Item = (String, Rate)> {
        let Limits { max_message_rate, max_connection_rate, .. } = self.limits;
        let section = format!("[egress.{}]", quoted(self.key.unwrap_or("default")));
        let rates = [("max_message_rate", max_message_rate), ("max_connection_rate", max_connection_rate)];
        rates.into_iter().filter_map(move |(key, rate)| Some((format!("{section} {key}"), rate?)))
    }
}

/// Lists what a source may ask of the destination.
pub(super) fn section(page: &mut Page, queue: &Queue, background: &Background) {
    let Some(held) = of(queue, background) else { return };
    page.section("Limits", "for each source of the pool, at the site");
    let rate = |rate: Option<Rate>| rate.map_or_else(|| "none".to_owned(), |rate| in_words(&rate).to_string());
    let limits = held.limits;
    let rows = [
        ("connection_limit", limits.connection_limit.to_string()),
        ("max_deliveries_per_connection", limits.max_deliveries_per_connection.to_string()),
        ("max_ready", limits.max_ready.to_string()),
        ("max_message_rate", rate(limits.max_message_rate)),
        ("max_connection_rate", rate(limits.max_connection_rate)),
    ];
    page.rows(&rows.map(|(key, value)| {
        let [place, section] = held.place(key, background);
        [key.into(), value.into(), place, section]
    }));
}

/// Returns a rate of the engine's as policy writes it.
pub(super) fn in_words(rate: &Rate) -> tollgate_config::Rate {
    let max_burst = (rate.burst != rate.limit).then_some(rate.burst);
    tollgate_config::Rate { limit: rate.limit, period: rate.period, max_burst, local: false }
}
