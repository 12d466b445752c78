//! What an explanation knows besides the plugins' answer: the files, and the configuration that holds them together.

use jiff::tz::TimeZone;
use tollgate_message::Timestamp;
use tollgate_policy::{QueueOption, settings::Written};

use super::ask::PluginPool;
use crate::config::{
    ComponentSource, Config, PluginConfig, UNSPECIFIED,
    files::{Files, Spot},
};

/// The files and the configuration.
pub(super) struct Background {
    /// The plugins' files, and `tollgate.toml` where there is one.
    pub(super) files: Files,
    /// Absent where the stock plugin is asked alone.
    pub(super) config: Option<Config>,
    /// The zone of who asks, where it is not UTC, and its name.
    pub(super) zone: Option<(TimeZone, String)>,
    /// When the question is asked, and the message received.
    pub(super) now: Timestamp,
}

impl Background {
    /// Returns a plugin, or a tenant's component, by its name.
    pub(super) fn plugin(&self, name: &str) -> Option<&PluginConfig> {
        let config = self.config.as_ref()?;
        let tenants = config.tenants.by_name.values().filter_map(|tenant| tenant.policy.as_ref());
        let mut plugins = config.plugins.iter().chain(tenants.map(|policy| &policy.plugin));
        plugins.find(|plugin| plugin.name == name)
    }

    /// Returns whether a plugin is the stock one.
    pub(super) fn is_stock(&self, name: &str) -> bool {
        self.config.is_none()
            || self.plugin(name).is_some_and(|plugin| plugin.component == ComponentSource::QueueHelper)
    }

    /// Returns whether a pool is there; of one that nobody can know it is assumed.
    pub(super) fn has_pool(&self, name: &str) -> bool {
        name == UNSPECIFIED || self.config.as_ref().is_none_or(|config| config.pools().contains_key(name))
    }

    /// Returns whether every source of a plugin's pool is there.
    pub(super) fn has_sources(&self, pool: &PluginPool) -> bool {
        let in_files = |name: &str| self.config.as_ref().is_none_or(|config| config.egress.sources.contains_key(name));
        pool.members.iter().all(|(name, _)| pool.sources.contains_key(name) || in_files(name))
    }

    /// Returns where an option with this origin was written: the one key of its name on that line, at that column where
    /// the origin has one.
    pub(super) fn origin(&self, option: &str, origin: &str) -> Option<Spot<'_>> {
        let mut spots = self.files.spots();
        spots.retain(|spot| spot.entry.key == option && starts(origin, &spot.place()));
        // JSON may be one line, in which an option stands many times.
        if spots.len() > 1 {
            spots.retain(|spot| starts(origin, &format!("{}:{}", spot.place(), spot.entry.at.column)));
        }
        spots.pop().filter(|_| spots.is_empty())
    }

    /// Returns where something was written, as a file and a line where that is known; else as its writer has it.
    pub(super) fn place(&self, option: &QueueOption, written: &Written) -> String {
        match &written.origin {
            Some(origin) => self.origin(option.name(), origin).map_or_else(|| origin.clone(), |spot| spot.place()),
            None => format!("plugin {}", written.plugin),
        }
    }

    /// Returns where a key of a plugin's own section is written.
    pub(super) fn plugin_key(&self, name: &str, key: &str) -> Option<Spot<'_>> {
        let line = |plugin: &PluginConfig| plugin.origin.1.line;
        let from = self.plugin(name).map(line)?;
        let later = self.config.as_ref()?.plugins.iter().map(line).filter(|line| *line > from);
        let until = later.min().unwrap_or(u32::MAX);
        let is_own = |spot: &Spot<'_>| spot.path == ["plugin"] && (from..until).contains(&spot.entry.at.line);
        self.files.spots().into_iter().find(|spot| spot.entry.key == key && is_own(spot))
    }

    /// Returns the last place where a key has this text for a value; of several files the last counts.
    pub(super) fn text(&self, key: &str, value: &str) -> Option<Spot<'_>> {
        self.files.spots().into_iter().rfind(|spot| spot.entry.key == key && spot.text() == Some(value))
    }

    /// Returns the last place of a key in a section, the last of whose names are these.
    pub(super) fn key(&self, section: &[&str], key: &str) -> Option<Spot<'_>> {
        self.files.spots().into_iter().rfind(|spot| spot.entry.key == key && spot.path.ends_with(section))
    }
}

/// Returns whether an origin, `queues.toml:12` and whatever follows, is about a place.
fn starts(origin: &str, place: &str) -> bool {
    origin.strip_prefix(place).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_found_by_its_line_and_on_a_crowded_one_by_its_column() {
        let mut files = Files::default();
        files.add("a.toml", b"[queue.default]\nmax_age = '1h'\n");
        files.add("b.json", br#"{"queue": {"a": {"max_age": 1}, "b": {"max_age": 2}}}"#);
        let background = Background { files, config: None, zone: None, now: Timestamp::default() };
        let origins =
            ["a.toml:2", "a.toml:2:1 and more", "a.toml:21", "b.json:1", "b.json:1:18", "b.json:1:39", "a plugin"];

        let seen = origins.map(|origin| background.origin("max_age", origin).and_then(|spot| spot.section()));

        let of = |section: &str| Some(section.to_owned());
        let default = || of("[queue.default]");
        assert_eq!(seen, [default(), default(), None, None, of("[queue.a]"), of("[queue.b]"), None]);
    }
}
