//! Requests over HTTP.

use std::time::Duration;

use tollgate_capability::http::{Request, Response};

use crate::{
    bindings::{host::tollgate::policy::types::PolicyError, waiting::tollgate::policy::http_client as wit},
    state::HostState,
};

impl From<wit::Request> for Request {
    fn from(request: wit::Request) -> Self {
        let wit::Request { method, url, headers, body, timeout_ms } = request;
        Self { method, url, fields: headers, body, timeout: timeout_ms.map(Duration::from_millis) }
    }
}

impl From<Response> for wit::Response {
    fn from(response: Response) -> Self {
        let Response { status, fields, body } = response;
        Self { status, headers: fields, body }
    }
}

impl wit::Host for HostState {
    fn fetch(&mut self, request: wit::Request) -> wasmtime::Result<Result<wit::Response, PolicyError>> {
        self.charge_in_event("http-client.fetch")?;
        let client = match self.given().http() {
            Ok(client) => client,
            Err(refused) => return Ok(Err(refused.into())),
        };
        let fetched = self.wait(async move { client.fetch(request.into()).await })?;
        Ok(fetched.map(wit::Response::from))
    }
}
