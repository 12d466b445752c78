//! A component of an author's, on his desk: with its files and grants, and no server.

use std::{
    io,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use tempfile::TempDir;
use tollgate_capability::{Capability, Grants};
use tollgate_config::{Finding, Position};
use tollgate_desk::contract::Subject;
use tollgate_policy::{OnFailure, Phase, Plugin, scope::Scope};
use tollgate_wasm::{Instances, Limits};

use super::{
    super::{explain::user_cache, finding, terminal::Colour},
    change::unasked,
    project,
};
use crate::{
    config::{ComponentSource, PluginConfig, PluginFile, Rivalry},
    policy::Loader,
};

/// What a component is tried with.
#[derive(clap::Args, Debug)]
pub(super) struct Given {
    /// The component; without it, that of the project in this folder, with the files and grants that its plugin.toml says.
    #[arg(value_name = "COMPONENT")]
    file: Option<PathBuf>,
    /// A file of its configuration; may be repeated.
    #[arg(long, short, value_name = "FILE")]
    config: Vec<PathBuf>,
    /// What it is granted, such as counters or kv; may be repeated.
    #[arg(long = "grant", value_name = "NAME", value_parser = capability)]
    grants: Vec<Capability>,
}

/// A component, and what it is tried with.
pub(super) struct Component {
    pub(super) file: PathBuf,
    config: Vec<PathBuf>,
    grants: Vec<Capability>,
}

impl Given {
    /// Returns what is meant, with what the project in this folder says where no component is named.
    ///
    /// # Errors
    /// The exit code where there is no project, or none that is right.
    pub(super) fn component(&self) -> Result<Component, ExitCode> {
        let (config, grants) = (self.config.clone(), self.grants.clone());
        if let Some(file) = &self.file {
            return Ok(Component { file: file.clone(), config, grants });
        }
        let project = project::open(Path::new(""))?;
        if !project.component().is_file() {
            let file = project.component();
            return Err(unasked(&format!("{} is not there yet; `tollgate plugin build` makes it", file.display())));
        }
        let wished = project.metadata.grants.keys().filter_map(|name| Capability::named(name));
        Ok(Component {
            file: project.component(),
            config: if config.is_empty() { project.config.clone() } else { config },
            grants: if grants.is_empty() { wished.collect() } else { grants },
        })
    }
}

/// A component that runs on the desk. What it was granted to keep lies in a folder that goes with this.
pub(super) struct Running {
    pub(super) plugin: Arc<dyn Plugin>,
    _values: Option<TempDir>,
}

/// A component that is ready to be run in one way or another.
pub(super) struct Waiting {
    pub(super) subject: Subject,
    _values: Option<TempDir>,
}

fn capability(name: &str) -> Result<Capability, String> {
    let all = || Capability::ALL.map(Capability::name).join(", ");
    Capability::named(name).ok_or_else(|| format!("nothing that can be granted; there are {}", all()))
}

impl Component {
    /// Returns findings with their places in files that people read: in the component there are no lines.
    pub(super) fn in_words(&self, findings: Vec<Finding>) -> Vec<Finding> {
        let component = self.file.display().to_string();
        let place = |finding: Finding| match finding.file.as_ref() == Some(&component) {
            true => Finding { at: None, ..finding },
            false => finding,
        };
        findings.into_iter().map(place).collect()
    }

    /// Loads and configures it, and prints what is to be said about that.
    ///
    /// # Errors
    /// The exit code where a host would not take it.
    pub(super) fn load(&self, color: Colour) -> Result<Running, ExitCode> {
        let (mut loader, values) = self.loader()?;
        let (plugin, findings) = loader.alone(&self.section());
        self.tell(findings, color);
        let plugin = plugin.ok_or(ExitCode::FAILURE)?;
        Ok(Running { plugin, _values: values })
    }

    /// Loads it and reads its files, and prints what is wrong with them.
    ///
    /// # Errors
    /// The exit code where a host would not take it.
    pub(super) fn subject(&self, color: Colour) -> Result<Waiting, ExitCode> {
        let (mut loader, values) = self.loader()?;
        let loaded = loader.unstarted(&self.section());
        let (component, setup) = loaded.map_err(|findings| {
            self.tell(findings, color);
            ExitCode::FAILURE
        })?;
        Ok(Waiting { subject: Subject { component, setup }, _values: values })
    }

    /// Returns another component with the same grants, and with these files or the same.
    pub(super) fn other(&self, file: &Path, config: &[PathBuf]) -> Self {
        let config = if config.is_empty() { self.config.clone() } else { config.to_vec() };
        Self { file: file.to_owned(), config, grants: self.grants.clone() }
    }

    fn loader(&self) -> Result<(Loader, Option<TempDir>), ExitCode> {
        let failed = |reason: io::Error| unasked(&format!("no engine: {reason}"));
        let mut loader = Loader::new(user_cache().as_deref()).map_err(failed)?;
        let keeps = self.grants.contains(&Capability::Kv);
        let values = keeps.then(tempfile::tempdir).transpose().map_err(failed)?;
        values.iter().for_each(|folder| loader.keep(folder.path().to_owned()));
        Ok((loader, values))
    }

    fn tell(&self, findings: Vec<Finding>, color: Colour) {
        let mut err = io::stderr();
        finding::print(&self.in_words(findings), Path::new(""), color.ink(&err), &mut err);
    }

    /// Returns what a section of `tollgate.toml` with nothing else in it would say.
    pub(super) fn section(&self) -> PluginConfig {
        let grants: Grants = self.grants.iter().copied().collect();
        let (file, at) = (self.file.display().to_string(), Position { line: 1, column: 1 });
        let name = self.file.file_stem().map_or_else(|| file.clone(), |stem| stem.to_string_lossy().into_owned());
        let config =
            self.config.iter().map(|path| PluginFile { name: path.display().to_string(), path: path.clone(), at });
        PluginConfig {
            name,
            component: ComponentSource::File(self.file.clone()),
            config: config.collect(),
            phase: Phase::Received,
            on_failure: OnFailure::Defer,
            instances: Instances::Fresh,
            limits: Limits::of(grants),
            grants,
            hosts: Arc::default(),
            rivalry: Rivalry::default(),
            scope: Scope::Operator,
            core_dumps: None,
            origin: (file, at),
            component_at: at,
        }
    }
}
