//! The layers of a queue's settings: what was written together, in the order in which it was written.
//!
//! A plugin writes what its files say section by section, each over the one before; the host keeps every write with its
//! turn and origin. Where the origin names a line, the file itself says to which section that belongs. So the layers are
//! told without knowing what the sections mean.

use tollgate_policy::{QueueOption, Settings, settings::Written};

use super::background::Background;

/// What was written together.
pub(super) struct Layer<'a> {
    pub(super) plugin: &'a str,
    /// The header of its section, `[queue.'gmail.com']`, where that can be told.
    pub(super) section: Option<String>,
    pub(super) writes: Vec<Write<'a>>,
}

/// One write.
pub(super) struct Write<'a> {
    pub(super) option: &'a QueueOption,
    pub(super) written: &'a Written,
    /// The layer that wrote to the same option next, counted from 0.
    pub(super) overridden_by: Option<usize>,
}

/// Returns the layers, lowest first.
pub(super) fn layers<'a>(settings: &'a Settings, background: &Background) -> Vec<Layer<'a>> {
    let all = settings.iter().flat_map(|(option, written)| written.iter().map(move |written| (option, written)));
    let mut writes: Vec<(&QueueOption, &Written)> = all.collect();
    writes.sort_by_key(|(_, written)| written.turn);
    let mut layers: Vec<Layer<'a>> = Vec::new();
    for (option, written) in writes {
        let section = section(option, written, background);
        if !layers.last().is_some_and(|layer| layer.goes_on(option, written, section.as_deref())) {
            layers.push(Layer { plugin: &written.plugin, section, writes: Vec::new() });
        }
        let number = layers.len() - 1;
        let earlier = layers.iter_mut().flat_map(|layer| &mut layer.writes).rfind(|write| write.option == option);
        if let Some(earlier) = earlier {
            earlier.overridden_by = Some(number);
        }
        layers[number].writes.push(Write { option, written, overridden_by: None });
    }
    layers
}

/// Returns the section in which a write has its origin.
pub(super) fn section(option: &QueueOption, written: &Written, background: &Background) -> Option<String> {
    background.origin(option.name(), written.origin.as_deref()?)?.section()
}

impl Layer<'_> {
    /// Returns whether a write belongs here: a layer is of one plugin and section, and writes to an option once.
    fn goes_on(&self, option: &QueueOption, written: &Written, section: Option<&str>) -> bool {
        self.plugin == &*written.plugin
            && self.section.as_deref() == section
            && self.writes.iter().all(|write| write.option != option)
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use tollgate_message::Timestamp;
    use tollgate_policy::OptionValue;

    use super::*;
    use crate::config::files::Files;

    #[test]
    fn layers_are_told_by_plugin_section_and_the_order_of_writes() {
        let mut files = Files::default();
        files.add("q.toml", b"[queue.default]\nmax_age = '1h'\nretry_interval = '1m'\n");
        let background = Background { files, config: None, zone: None, now: Timestamp::default() };
        let mut settings = Settings::default();
        let hour = || OptionValue::Duration(Duration::from_secs(3600));
        let origin = |line: u32| Some(format!("q.toml:{line} and more"));
        settings.set(QueueOption::MaxAge, hour(), origin(2), &Arc::from("helper")).expect("a value");
        settings.set(QueueOption::RetryInterval, hour(), origin(3), &Arc::from("helper")).expect("a value");
        settings.set(QueueOption::MaxAge, hour(), None, &Arc::from("shaper")).expect("a value");
        settings.clear(QueueOption::MaxAge, Some("q.toml:23".to_owned()), &Arc::from("shaper"));

        let layers = layers(&settings, &background);

        let told: Vec<_> = layers
            .iter()
            .map(|layer| {
                let writes = layer.writes.iter().map(|write| (write.option.name(), write.overridden_by));
                (layer.plugin, layer.section.as_deref(), writes.collect::<Vec<_>>())
            })
            .collect();
        let expected = [
            ("helper", Some("[queue.default]"), vec![("max_age", Some(1)), ("retry_interval", None)]),
            ("shaper", None, vec![("max_age", Some(2))]),
            ("shaper", None, vec![("max_age", None)]),
        ];
        assert_eq!(told, expected);
    }
}
