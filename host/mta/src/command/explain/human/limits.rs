//! What holds for each source on the way to the queue's destination: `[egress]` of `tollgate.toml`.

use std::sync::Arc;

use tollgate_queue::{Limits, Rate, Route, Shared, Site};

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
    /// Whether a section for the site, which is not known here, would hold instead.
    is_open: bool,
}

/// Returns what holds: nothing is known without `tollgate.toml`.
pub(super) fn of<'a>(queue: &Queue, background: &'a Background) -> Option<Held<'a>> {
    let Config { egress, .. } = background.config.as_ref()?;
    let domain = queue.name.route();
    // Mail exchangers are not looked up here, and with them not known is which site they are.
    let site = match queue_config(&queue.settings).map(|config| config.route) {
        Ok(Route::MxList(hops)) => Some(Site::of_mx_list(&hops).name),
        Ok(Route::Maildir(_)) => Some(domain.to_owned()),
        Ok(Route::ByMx) if domain.starts_with('[') => Some(Site::of_literal(domain).name),
        _ => None,
    };
    let (key, path) = egress.paths.holding(domain, site.as_deref());
    let is_open = key.is_none() && site.is_none() && egress.paths.has_destinations();
    Some(Held { limits: path.limits.clone(), key, is_open })
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

    fn is_written(&self, option: &str, background: &Background) -> bool {
        self.key.into_iter().chain(["default"]).any(|key| background.key(&["egress", key], option).is_some())
    }

    fn row(&self, key: &str, value: String, background: &Background) -> [Cell; 4] {
        let [place, section] = self.place(key, background);
        [key.into(), value.into(), place, section]
    }

    /// Returns the rates that each source keeps, by the names of their keys.
    pub(super) fn rates<'a>(&'a self) -> impl Iterator<Item = (String, Rate)> {
        let limits = &self.limits;
        let section = format!("[egress.{}]", quoted(self.key.unwrap_or("default")));
        let own = [
            ("source_selection_rate", limits.source_selection_rate),
            ("max_message_rate", limits.max_message_rate),
            ("max_connection_rate", limits.max_connection_rate),
        ];
        let own = own.into_iter().filter_map(move |(key, rate)| Some((format!("{section} {key}"), rate?)));
        let shared = [
            ("additional_source_selection_rates", &limits.shared.selection_rates),
            ("additional_message_rate_throttles", &limits.shared.message_rates),
        ];
        let named = |(key, rates): (&'static str, &'a Vec<(Arc<str>, Rate)>)| {
            rates.iter().map(move |(name, rate)| (format!("{key}.{name}"), *rate))
        };
        own.chain(shared.into_iter().flat_map(named))
    }
}

/// Lists what a source may ask of the destination.
pub(super) fn section(page: &mut Page, queue: &Queue, background: &Background) {
    let Some(held) = of(queue, background) else { return };
    page.section("Limits", "for each source of the pool, at the site");
    let rate = |rate: Option<Rate>| rate.map_or_else(|| "none".to_owned(), |rate| in_words(&rate).to_string());
    let limits = &held.limits;
    let failures = limits.consecutive_connection_failures_before_delay;
    let rows = [
        ("connection_limit", limits.connection_limit.to_string()),
        ("max_deliveries_per_connection", limits.max_deliveries_per_connection.to_string()),
        ("max_ready", limits.max_ready.to_string()),
        ("consecutive_connection_failures_before_delay", failures.to_string()),
        ("source_selection_rate", rate(limits.source_selection_rate)),
        ("max_message_rate", rate(limits.max_message_rate)),
        ("max_connection_rate", rate(limits.max_connection_rate)),
    ];
    let shared = shared(&limits.shared);
    // A key that says nothing unless it is written would only be in the way.
    let silent = ["consecutive_connection_failures_before_delay", "source_selection_rate"];
    let rows = rows.into_iter().filter(|(key, _)| !silent.contains(key) || held.is_written(key, background));
    page.rows(&rows.chain(shared).map(|(key, value)| held.row(key, value, background)).collect::<Vec<_>>());
    if held.is_open {
        let note = "a section named after the site would hold instead; which site that is, the DNS says";
        page.line(toned(Tone::Faint, note));
    }
}

/// Returns what is shared with other sources and sites, by key.
fn shared(shared: &Shared) -> impl Iterator<Item = (&'static str, String)> {
    let counts = shared.connection_limits.iter().map(|(name, count)| format!("{name} {count}"));
    let rates = |rates: &[(Arc<str>, Rate)]| {
        let rates = rates.iter().map(|(name, rate)| format!("{name} {}", in_words(rate)));
        rates.collect::<Vec<_>>().join(", ")
    };
    let told = [
        ("additional_connection_limits", counts.collect::<Vec<_>>().join(", ")),
        ("additional_source_selection_rates", rates(&shared.selection_rates)),
        ("additional_message_rate_throttles", rates(&shared.message_rates)),
    ];
    told.into_iter().filter(|(_, value)| !value.is_empty())
}

/// Returns a rate of the engine's as policy writes it.
pub(super) fn in_words(rate: &Rate) -> tollgate_config::Rate {
    let max_burst = (rate.burst != rate.limit).then_some(rate.burst);
    tollgate_config::Rate { limit: rate.limit, period: rate.period, max_burst, local: false }
}
