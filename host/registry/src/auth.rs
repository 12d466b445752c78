//! Who asks: what the environment says, else what `docker login` left.

use std::{env, fs, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use oci_client::secrets::RegistryAuth;

/// Returns the credentials for a registry.
pub(crate) fn of(registry: &str) -> RegistryAuth {
    if let (Ok(user), Ok(password)) = (env::var("TOLLGATE_REGISTRY_USER"), env::var("TOLLGATE_REGISTRY_PASSWORD")) {
        return RegistryAuth::Basic(user, password);
    }
    let left = file().and_then(|path| fs::read(path).ok()).and_then(|text| of_docker(&text, registry));
    left.map_or(RegistryAuth::Anonymous, |(user, password)| RegistryAuth::Basic(user, password))
}

fn file() -> Option<PathBuf> {
    let folder = env::var_os("DOCKER_CONFIG").map(PathBuf::from);
    let folder = folder.or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".docker")))?;
    Some(folder.join("config.json"))
}

/// Reads `auths.REGISTRY.auth`: user and password with a colon between, in base 64.
fn of_docker(text: &[u8], registry: &str) -> Option<(String, String)> {
    let file: serde_json::Value = serde_json::from_slice(text).ok()?;
    let auths = file.get("auths")?;
    let found = auths.get(registry).or_else(|| auths.get(format!("https://{registry}")))?;
    let plain = STANDARD.decode(found.get("auth")?.as_str()?).ok()?;
    let (user, password) = std::str::from_utf8(&plain).ok()?.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_docker_login_left_is_found_for_its_registry_alone() {
        let text = br#"{"auths":{"r.example:5000":{"auth":"c2NvdHQ6dGlnZXI6MQ=="},"other":{}}}"#;

        let told = ["r.example:5000", "other", "third"].map(|registry| of_docker(text, registry));

        assert_eq!(told, [Some(("scott".to_owned(), "tiger:1".to_owned())), None, None]);
    }
}
