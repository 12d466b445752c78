//! The doors of a running server, as far as a reload can change them: who may relay or inject, users, tokens, limits of a
//! transaction. Sockets, spool and the folder of records stay as they were bound and opened.

use std::{net::SocketAddr, path::PathBuf};

use tollgate_inbound::{
    http::{BadPasswordHash, HttpHandle, HttpServer},
    smtp::{Listener, ListenerHandle},
};
use tollgate_spool::Durability;

use crate::config::Config;

/// What can be changed of the doors, and what was fixed when they were opened.
#[derive(Clone)]
pub(crate) struct Doors {
    listeners: Vec<ListenerHandle>,
    http: Option<HttpHandle>,
    fixed: Fixed,
}

/// What stays until the program is started anew.
#[derive(Clone, PartialEq, Eq)]
struct Fixed {
    spool: (PathBuf, Durability),
    records: Option<PathBuf>,
    http: Option<(SocketAddr, usize)>,
    smtp: Vec<(String, SocketAddr, usize)>,
}

impl Doors {
    pub(crate) fn of(config: &Config, listeners: &[Listener], http: Option<&HttpServer>) -> Self {
        let listeners = listeners.iter().map(Listener::handle).collect();
        Self { listeners, http: http.map(HttpServer::handle), fixed: Fixed::of(config) }
    }

    /// Puts what can be changed in force, and returns what cannot: the names of sections that wait for the next start.
    ///
    /// # Errors
    /// A user whose password hash is none; then nothing has changed.
    pub(crate) fn replace(&self, config: &Config) -> Result<Vec<&'static str>, BadPasswordHash> {
        if let (Some(handle), Some(http)) = (&self.http, &config.http) {
            handle.replace(http)?;
        }
        for handle in &self.listeners {
            let bound = handle.config();
            if let Some(config) = config.listeners.iter().find(|config| config.name == bound.name) {
                handle.replace(config.clone());
            }
        }
        Ok(self.fixed.differs_from(&Fixed::of(config)))
    }
}

impl Fixed {
    fn of(config: &Config) -> Self {
        let smtp = config.listeners.iter().map(|smtp| (smtp.name.clone(), smtp.listen, smtp.max_connections));
        Self {
            spool: (config.spool.path.clone(), config.spool.durability),
            records: config.records.clone(),
            http: config.http.as_ref().map(|http| (http.listen, http.max_body)),
            smtp: smtp.collect(),
        }
    }

    fn differs_from(&self, other: &Self) -> Vec<&'static str> {
        let sections = [
            (self.spool != other.spool, "[spool]"),
            (self.smtp != other.smtp, "where [smtp] listens and max_connections"),
            (self.http != other.http, "where [http] listens and max_body"),
            (self.records != other.records, "[log]"),
        ];
        sections.into_iter().filter(|(differs, _)| *differs).map(|(_, name)| name).collect()
    }
}
