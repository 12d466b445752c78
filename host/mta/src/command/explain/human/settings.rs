//! The settings of a queue: every value with its origin, and the layers that they come from.

use tollgate_config::duration;
use tollgate_policy::{OptionValue, QueueOption, scope::Clamp, settings::Written};
use tollgate_queue::QueueConfig;

use super::super::{
    super::terminal::{Tone, cut},
    ask::Queue,
    background::Background,
    layers::{self, Layer, Write},
    page::{Cell, Page, toned},
};
use crate::config::UNSPECIFIED;

/// Longest value that is shown whole, in columns; `--json` has all of it.
const VALUE: usize = 34;

/// Every option that a queue has, in the order in which one asks for them.
const OPTIONS: [QueueOption; 10] = [
    QueueOption::RetryInterval,
    QueueOption::MaxRetryInterval,
    QueueOption::MaxAge,
    QueueOption::EgressPool,
    QueueOption::MaxMessageRate,
    QueueOption::Protocol,
    QueueOption::ProviderName,
    QueueOption::ReapInterval,
    QueueOption::RefreshStrategy,
    QueueOption::RefreshInterval,
];

/// Lists every value with its origin.
pub(super) fn values(page: &mut Page, queue: &Queue, background: &Background) {
    page.section("Settings", "");
    let last = |option: &QueueOption| {
        let (_, written) = queue.settings.iter().find(|(known, _)| *known == option)?;
        written.last()
    };
    let row = |option: &QueueOption| match last(option) {
        Some(written @ Written { value: Some(value), .. }) => set(option, value, written, background),
        Some(cleared) => unset(option, format!("default, cleared by {}", background.place(option, cleared))),
        None => unset(option, "default".to_owned()),
    };
    let others = queue.settings.iter().map(|(option, _)| option).filter(|option| !OPTIONS.contains(option));
    page.rows(&OPTIONS.iter().chain(others).map(row).collect::<Vec<_>>());
}

fn set(option: &QueueOption, value: &OptionValue, written: &Written, background: &Background) -> [Cell; 4] {
    let section = match option {
        QueueOption::Inert(_) => "has no effect here".to_owned(),
        _ => layers::section(option, written, background).unwrap_or_default(),
    };
    let value = cut(&value.text(), VALUE);
    [
        option.name().into(),
        toned(Tone::Strong, value),
        toned(Tone::Place, background.place(option, written)),
        section.into(),
    ]
}

fn unset(option: &QueueOption, source: String) -> [Cell; 4] {
    [option.name().to_owned(), default(option), source, String::new()].map(|text| toned(Tone::Faint, text))
}

/// Returns what holds for an option that is not set; those that the engine does not ask for are KumoMTA's.
fn default(option: &QueueOption) -> String {
    let defaults = QueueConfig::default();
    match option {
        QueueOption::RetryInterval => duration::format(defaults.retry_interval),
        QueueOption::MaxAge => duration::format(defaults.max_age),
        QueueOption::EgressPool => UNSPECIFIED.to_owned(),
        QueueOption::Protocol => "SMTP by MX".to_owned(),
        QueueOption::ReapInterval => "10m".to_owned(),
        QueueOption::RefreshStrategy => "Epoch".to_owned(),
        QueueOption::RefreshInterval => "1m".to_owned(),
        _ => "none".to_owned(),
    }
}

/// Lists the layers, what each sets, and what becomes of it further up.
pub(super) fn layers(page: &mut Page, queue: &Queue, background: &Background) {
    let layers = layers::layers(&queue.settings, background);
    if layers.is_empty() {
        return page.section("Layers", "none: every value is the default");
    }
    page.section("Layers", "each overrides those above it");
    let several = layers.iter().any(|layer| layer.plugin != layers[0].plugin);
    let group = |(n, layer): (usize, &Layer<'_>)| {
        let title = toned(Tone::Strong, format!("{}  {}", n + 1, title(layer, several)));
        (title, layer.writes.iter().map(|one| write(one, background)).collect())
    };
    page.groups(&layers.iter().enumerate().map(group).collect::<Vec<_>>());
}

/// Lists what the tenant's component wanted and did not get, if there is any.
pub(super) fn clamps(page: &mut Page, clamps: &[Clamp], background: &Background) {
    if clamps.is_empty() {
        return;
    }
    page.section("Bounds", "what the tenant's component wanted and did not get");
    let row = |clamp: &Clamp| {
        let wanted = toned(Tone::Caution, format!("wanted {}", cut(&clamp.wanted, VALUE)));
        let bound = format!("bound {} by", cut(&clamp.bound, VALUE));
        let place = background.origin(&clamp.what, &clamp.origin).map(|spot| spot.place());
        let place = toned(Tone::Place, place.unwrap_or_else(|| clamp.origin.clone()));
        [Cell::from(clamp.what.clone()), wanted, bound.into(), place]
    };
    page.rows(&clamps.iter().map(row).collect::<Vec<_>>());
}

fn title(layer: &Layer<'_>, several: bool) -> String {
    match &layer.section {
        Some(section) if several => format!("{section}  plugin {}", layer.plugin),
        Some(section) => section.clone(),
        None => format!("plugin {}", layer.plugin),
    }
}

fn write(write: &Write<'_>, background: &Background) -> [Cell; 4] {
    let value = write.written.value.as_ref().map_or_else(|| "cleared".to_owned(), OptionValue::text);
    let value = cut(&value, VALUE);
    let (name, origin) = (write.option.name(), background.place(write.option, write.written));
    match write.overridden_by {
        None => [name.into(), toned(Tone::Strong, value), toned(Tone::Place, origin), Cell::default()],
        Some(n) => {
            [name.to_owned(), value, origin, format!("overridden by {}", n + 1)].map(|text| toned(Tone::Faint, text))
        }
    }
}
