//! `tollgate plugin push` and `pull`, against Debian's docker-registry, and a server that runs what is pinned.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
#![allow(clippy::print_stdout, reason = "a test that cannot run says so")]

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tollgate_testkit::guest::{HELLO, KEEPER};

/// A registry on this machine, which ends with this.
struct Registry {
    child: Child,
    address: String,
    _folder: TempDir,
}

impl Drop for Registry {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Of a registry that asks who one is: user scott, password tiger.
const PASSWORDS: &str = "scott:$2b$05$8/KIClY5bCViPNBB.zgtJe4IKjo99ZyLblXlM4XD8jMvomXEOblKK\n";

/// Starts a registry that anybody may use; nothing where there is none to be started.
fn registry() -> Option<Registry> {
    start("")
}

/// Starts a registry that asks for a password.
fn closed_registry() -> Option<Registry> {
    start("auth:\n  htpasswd:\n    realm: here\n    path: FOLDER/passwords\n")
}

fn start(auth: &str) -> Option<Registry> {
    let folder = tempfile::tempdir().unwrap();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    fs::write(folder.path().join("passwords"), PASSWORDS).unwrap();
    let auth = auth.replace("FOLDER", &folder.path().display().to_string());
    let config = format!(
        "{auth}version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: {address}\n",
        folder.path().join("data").display()
    );
    fs::write(folder.path().join("config.yml"), config).unwrap();
    let mut command = Command::new("docker-registry");
    command.arg("serve").arg(folder.path().join("config.yml")).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(child) = command.spawn() else {
        println!("skipped: docker-registry is not installed (apt-get install docker-registry)");
        return None;
    };
    let registry = Registry { child, address, _folder: folder };
    let until = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(&registry.address).is_err() {
        assert!(Instant::now() < until, "the registry does not listen");
        thread::sleep(Duration::from_millis(20));
    }
    Some(registry)
}

/// Runs the program; returns the exit code and what was printed, on both streams.
fn tollgate(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    command.args(arguments).current_dir(folder).env("XDG_CACHE_HOME", folder.join("cache")).env("HOME", folder);
    command.env_remove("TOLLGATE_LOG");
    let output = command.output().unwrap();
    let text = |octets: Vec<u8>| String::from_utf8(octets).unwrap().trim_end().to_owned();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn configuration(component: &str) -> String {
    format!(
        "[spool]\npath = 'spool'\n[smtp.listener.main]\nlisten = '127.0.0.1:0'\nhostname = 'mta.example'\n\
         [[plugin]]\nname = 'hello'\ncomponent = '{component}'\n"
    )
}

#[test]
fn what_was_pushed_is_pulled_runs_without_the_registry_and_a_tag_that_moved_is_refused() {
    let Some(registry) = registry() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("hello.wasm"), HELLO).unwrap();
    fs::write(path.join("keeper.wasm"), KEEPER).unwrap();
    let name = format!("{}/policies/hello:1", registry.address);

    let (pushed, pinned, said) = tollgate(path, &["plugin", "push", "hello.wasm", &name]);
    assert_eq!((pushed, said.as_str()), (Some(0), ""));
    assert!(pinned.starts_with(&format!("{name}@sha256:")), "{pinned}");

    let pulled = tollgate(path, &["plugin", "pull", &name, "--output", "again.wasm"]);
    assert_eq!(pulled, (Some(0), pinned.clone(), String::new()));
    assert_eq!(fs::read(path.join("again.wasm")).unwrap(), HELLO);

    // Somebody moves the tag. What is pinned and was pulled runs on; where it was not, it is refused.
    let (_, moved, _) = tollgate(path, &["plugin", "push", "keeper.wasm", &name]);
    fs::write(path.join("tollgate.toml"), configuration(&pinned)).unwrap();
    let known = tollgate(path, &["check", "--config", "tollgate.toml"]);
    assert_eq!(known.0, Some(0), "{known:?}");
    // A tenant's component comes from there as well.
    let tenant = format!("[tenant.one]\nidentities = ['net:192.0.2.0/24']\ncomponent = '{pinned}'\n");
    fs::write(path.join("tenant.toml"), configuration("hello.wasm") + &tenant).unwrap();
    let of_tenant = tollgate(path, &["check", "--config", "tenant.toml"]);
    assert_eq!((of_tenant.0, of_tenant.1.contains("error")), (Some(0), false), "{of_tenant:?}");
    fs::rename(path.join("cache"), path.join("kept")).unwrap();
    let (code, out, err) = tollgate(path, &["check", "--config", "tollgate.toml"]);
    let said = format!("{out}{err}");
    let digest = |pinned: &str| pinned.rsplit('@').next().unwrap().to_owned();
    assert_ne!(code, Some(0), "{said}");
    assert!(
        said.contains("tollgate.toml:8:") && said.contains(&digest(&pinned)) && said.contains(&digest(&moved)),
        "{said}"
    );

    // Without the registry what was pulled is there, and a name that is not pinned is no component.
    drop(registry);
    fs::remove_dir_all(path.join("cache")).unwrap();
    fs::rename(path.join("kept"), path.join("cache")).unwrap();
    assert_eq!(tollgate(path, &["check", "--config", "tollgate.toml"]).0, Some(0));
    fs::write(path.join("tollgate.toml"), configuration(&format!("oci://{name}"))).unwrap();
    let (code, out, err) = tollgate(path, &["check", "--config", "tollgate.toml"]);
    assert!(code == Some(2) && format!("{out}{err}").contains("is not pinned by a digest"), "{code:?} {out}{err}");
}

#[test]
fn a_registry_that_asks_who_one_is_gets_what_docker_login_left() {
    let Some(registry) = closed_registry() else { return };
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("hello.wasm"), HELLO).unwrap();
    let name = format!("{}/policies/hello:1", registry.address);

    let stranger = tollgate(folder.path(), &["plugin", "push", "hello.wasm", &name]);
    fs::create_dir(folder.path().join(".docker")).unwrap();
    let auths = format!("{{\"auths\":{{\"{}\":{{\"auth\":\"c2NvdHQ6dGlnZXI=\"}}}}}}", registry.address);
    fs::write(folder.path().join(".docker/config.json"), auths).unwrap();
    let pushed = tollgate(folder.path(), &["plugin", "push", "hello.wasm", &name]);
    let pulled = tollgate(folder.path(), &["plugin", "pull", &name]);

    assert_eq!([stranger.0, pushed.0, pulled.0], [Some(1), Some(0), Some(0)], "{stranger:?} {pushed:?} {pulled:?}");
    assert!(stranger.2.contains("`docker login`"), "{stranger:?}");
    assert_eq!(pulled.1, pushed.1);
}

#[test]
fn what_is_not_there_is_told() {
    let Some(registry) = registry() else { return };
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("junk.wasm"), "no component").unwrap();
    let name = format!("{}/policies/absent:1", registry.address);

    let told = [
        tollgate(folder.path(), &["plugin", "pull", &name]),
        tollgate(folder.path(), &["plugin", "push", "junk.wasm", &name]),
        tollgate(folder.path(), &["plugin", "pull", "127.0.0.1:1/nobody/there:1"]),
        tollgate(folder.path(), &["plugin", "pull", "no-registry"]),
    ];

    let codes = told.each_ref().map(|(code, ..)| *code);
    assert_eq!(codes, [Some(1), Some(1), Some(1), Some(2)], "{told:?}");
    assert!(told[0].2.contains("there is no such component in the registry"), "{told:?}");
    assert!(told[1].2.contains("not a WebAssembly file"), "{told:?}");
}

/// Answers every request as a registry that lies: a manifest with a layer of this size, and other octets than it announced.
fn liar(size: u64) -> String {
    use std::io::{Read as _, Write as _};
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            thread::spawn(move || {
                let mut request = [0; 4096];
                let read = stream.read(&mut request).unwrap_or(0);
                let request = String::from_utf8_lossy(&request[..read]).into_owned();
                let manifest = format!(
                    r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{"mediaType":"application/vnd.wasm.config.v0+json","digest":"sha256:{0}","size":2}},"layers":[{{"mediaType":"application/wasm","digest":"sha256:{0}","size":{size}}}]}}"#,
                    "a".repeat(64)
                );
                let (kind, body) = match request.contains("/manifests/") {
                    true => ("application/vnd.oci.image.manifest.v1+json", manifest.into_bytes()),
                    false if request.contains("/blobs/") => ("application/octet-stream", vec![0; 100_000]),
                    false => ("application/json", b"{}".to_vec()),
                };
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                drop(stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body)));
            });
        }
    });
    address
}

#[test]
fn a_registry_that_lies_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();

    let told = [10, 1 << 40].map(|size| {
        let name = format!("{}/policies/mine:1", liar(size));
        tollgate(folder.path(), &["plugin", "pull", &name])
    });

    assert_eq!(told.each_ref().map(|(code, ..)| *code), [Some(1), Some(1)], "{told:?}");
    assert!(told[0].2.contains("digest"), "{told:?}");
    assert!(told[1].2.contains("1099511627776 octets, and a component has 33554432 at the most"), "{told:?}");
}
