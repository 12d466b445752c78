//! `mode`, `canary` and `instead_of` of a plugin: one that is tried before it decides everything.

use tollgate_config::{Findings, Position, Section, nearest};
use tollgate_policy::{Mode, OnFailure, Phase, Share};

use super::PluginConfig;

/// What a plugin has to say, and whose place it wants.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Rivalry {
    pub(crate) mode: Mode,
    /// The plugin's name, and where it is written.
    pub(crate) instead_of: Option<(String, Position)>,
}

pub(super) fn rivalry(section: &mut Section<'_>, findings: &mut Findings) -> Rivalry {
    let shadow = section.parsed("mode", findings, mode);
    let canary = section.parsed("canary", findings, share);
    let instead_of = section.text("instead_of", findings);
    let at = |key| section.position(key).unwrap_or(section.at());
    let mode = match (shadow, canary) {
        (Some(Mode::Shadow), Some(_)) => {
            findings.error(at("canary"), "canary: a shadow decides nothing; write one of `mode` and `canary`");
            Mode::Shadow
        }
        (_, Some(share)) => Mode::Canary(share),
        (shadow, None) => shadow.unwrap_or_default(),
    };
    // What could not be read may have been meant for one of them.
    let is_rival = mode != Mode::Decides || ["mode", "canary"].iter().any(|key| section.position(key).is_some());
    if instead_of.is_some() && !is_rival {
        let message = "instead_of: has a meaning only beside mode = \"shadow\" or a `canary`; a plugin that decides \
                       everything takes another's place in its section";
        findings.error(at("instead_of"), message);
    }
    let at = at("instead_of");
    Rivalry { mode, instead_of: instead_of.map(|name| (name, at)) }
}

fn mode(text: &str) -> Result<Mode, String> {
    match text {
        "decide" => Ok(Mode::Decides),
        "shadow" => Ok(Mode::Shadow),
        other => Err(format!("'{other}' is neither \"decide\" nor \"shadow\"")),
    }
}

fn share(text: &str) -> Result<Share, String> {
    let percent = text.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
    let hundredths = percent.filter(|percent| (0.0..=100.0).contains(percent)).map(|percent| percent * 100.0);
    let whole = hundredths.filter(|hundredths| (hundredths - hundredths.round()).abs() < 1e-6);
    let share = whole.and_then(|hundredths| Share::new(hundredths.round() as u16));
    share.ok_or_else(|| format!("'{text}' is not a share from '0%' to '100%', to a hundredth of a percent"))
}

/// Gives each rival the phase of the plugin whose place it wants, and says what cannot be.
pub(super) fn settle(plugins: &mut [PluginConfig], findings: &mut Findings) {
    let deciding: Vec<(String, Phase)> = plugins
        .iter()
        .filter(|plugin| plugin.rivalry.mode == Mode::Decides)
        .map(|plugin| (plugin.name.clone(), plugin.phase))
        .collect();
    let mut taken: Vec<String> = Vec::new();
    for plugin in plugins {
        let Some((name, at)) = &plugin.rivalry.instead_of else { continue };
        let error = match deciding.iter().find(|(known, _)| known == name) {
            None => {
                let near = nearest(name, deciding.iter().map(|(known, _)| known.as_str()));
                let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                Some(format!("instead_of: no plugin '{name}' decides here{hint}"))
            }
            Some(_) if taken.contains(name) => Some(format!("instead_of: another plugin is tried instead of '{name}'")),
            Some((_, phase)) => {
                plugin.phase = *phase;
                let opens = plugin.phase == Phase::Queue && plugin.on_failure == OnFailure::Skip;
                opens.then(|| {
                    format!("instead_of: '{name}' authorises, so on_failure = \"skip\" is not for this plugin")
                })
            }
        };
        taken.push(name.clone());
        if let Some(message) = error {
            findings.error(*at, message);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tollgate_config::Table;

    use super::*;

    /// Returns what is wrong with these plugins beside a stock one, which is in the queue phase.
    fn said(plugins: &str) -> Vec<String> {
        let stock = "[[plugin]]\nname = 'q'\ncomponent = 'builtin:queue-helper'\n";
        let mut findings = Findings::new("t.toml");
        let table = Table::parse_toml(&format!("{stock}{plugins}"), &mut findings);
        let mut top = Section::new(&table, Position { line: 1, column: 1 }, "");
        super::super::plugin::plugins(&mut top, Path::new("/"), &mut findings);
        findings.into_sorted().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_rival_has_somebody_to_rival_decides_in_one_way_and_opens_nothing() {
        let plugin = |keys: &str| format!("[[plugin]]\nname = 'n'\ncomponent = 'n.wasm'\n{keys}\n");

        let said = [
            "instead_of = 'q'\ncanary = '5%'",
            "instead_of = 'q'\ncanary = '5%'\non_failure = 'skip'",
            "instead_of = 'x'\nmode = 'shadow'",
            "instead_of = 'q'",
            "mode = 'shadow'\ncanary = '5%'",
        ]
        .map(|keys| said(&plugin(keys)).concat());

        let expected = [
            "",
            "t.toml:7:1 instead_of: 'q' authorises, so on_failure = \"skip\" is not for this plugin",
            "t.toml:7:1 instead_of: no plugin 'x' decides here",
            "t.toml:7:1 instead_of: has a meaning only beside mode = \"shadow\" or a `canary`; a plugin that decides \
             everything takes another's place in its section",
            "t.toml:8:1 canary: a shadow decides nothing; write one of `mode` and `canary`",
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn shares_are_read_to_a_hundredth_of_a_percent() {
        let read = ["5%", "0.25 %", "100%", "0%", "101%", "0.001%", "5"].map(|text| share(text).ok());

        let expected = [Some(500), Some(25), Some(10_000), Some(0), None, None, None];
        assert_eq!(read, expected.map(|hundredths| hundredths.and_then(Share::new)));
    }
}
