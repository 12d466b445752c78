//! Plugins that may wait: what they get of the disk, of name servers and of others, and for how long.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use tokio::net::TcpListener;
use tollgate_capability::{
    Capability, Grants,
    http::{Pattern, Trust},
    kv::Stores,
};
use tollgate_dns::Resolver;
use tollgate_message::Draft;
use tollgate_policy::{Placement, Plugin};
use tollgate_testdns::{Fault, Server};
use tollgate_testkit::{guest, received};
use tollgate_wasm::{
    Compiler, ConfigFile, Instances, Limits, LoadError, Outside, Runtime, Services, Setup, StartError, WasmPlugin,
};

/// Everything that may wait.
fn grants() -> Grants {
    [Capability::Kv, Capability::Dns, Capability::HttpClient].into_iter().collect()
}

fn limits() -> Limits {
    Limits { wall: Duration::from_secs(20), ..Limits::default() }
}

/// The world as a plugin finds it.
#[derive(Default)]
struct World {
    services: Services,
    hosts: Vec<Pattern>,
    files: Vec<ConfigFile>,
}

impl World {
    fn keeping(folder: &Path) -> Self {
        let stores = Some(Arc::new(Stores::new(folder.to_owned())));
        Self { services: Services { stores, outside: None }, ..Self::default() }
    }

    fn asking(server: &Server, allow: &[&str]) -> Self {
        let settings = tollgate_dns::Settings { nameservers: vec![server.address()], ..Default::default() };
        let resolver = Some(Resolver::new(settings).expect("a resolver"));
        let outside = Some(Outside { resolver, listeners: Arc::new([]), trust: Trust::default() });
        let hosts = allow.iter().map(|text| text.parse().expect("a host")).collect();
        Self { services: Services { stores: None, outside }, hosts, ..Self::default() }
    }

    fn start(self, limits: Limits) -> Result<Arc<WasmPlugin>, StartError> {
        let runtime = Runtime::new(None, Compiler::Here).expect("an engine");
        let component = runtime.load_granted(guest::ERRAND, &limits, grants()).expect("a component");
        let setup = Setup {
            name: "errand".to_owned(),
            files: self.files,
            limits,
            instances: Instances::Fresh,
            services: self.services,
            hosts: Arc::new(self.hosts.into_iter().collect()),
            ..Setup::default()
        };
        WasmPlugin::start(component, setup).map(|(plugin, _)| Arc::new(plugin))
    }

    fn plugin(self, limits: Limits) -> Arc<WasmPlugin> {
        self.start(limits).expect("a plugin")
    }
}

fn draft(wish: &str) -> Draft {
    Draft::new(received(format!("X-Do: {wish}\r\n\r\nbody\r\n")))
}

/// Has a plugin do something on this thread, and returns what the host answered it, or how it failed.
fn told_here(plugin: &WasmPlugin, wish: &str) -> String {
    let draft = draft(wish);
    match plugin.message_received(&draft.received, draft.edits) {
        Ok((_, Ok(verdict))) => format!("{verdict:?}"),
        Ok((_, Err(refusal))) => refusal.reply().text().to_owned(),
        Err(failure) => failure.detail,
    }
}

/// Does so where the plugin runs.
async fn told(plugin: &Arc<WasmPlugin>, wish: &str) -> String {
    let Placement::Room(room) = plugin.placement() else { panic!("a plugin that may wait has a room") };
    let (plugin, wish) = (Arc::clone(plugin), wish.to_owned());
    room.run(move || told_here(&plugin, &wish)).await.expect("room").0
}

async fn all_told<const N: usize>(plugin: &Arc<WasmPlugin>, wishes: [&str; N]) -> Vec<String> {
    let mut answers = Vec::new();
    for wish in wishes {
        answers.push(told(plugin, wish).await);
    }
    answers
}

/// A server that takes connections and never says a word.
async fn black_hole() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

#[tokio::test]
async fn values_outlive_the_instance_and_the_program() {
    let folder = tempfile::tempdir().expect("a folder");
    let plugin = World::keeping(folder.path()).plugin(limits());
    let first = all_told(&plugin, ["get k", "set k one", "get k", "set k two", "set l three", "delete l"]).await;
    drop(plugin);

    let plugin = World::keeping(folder.path()).plugin(limits());

    let then = all_told(&plugin, ["get k", "get l", "delete l"]).await;
    assert_eq!(first, ["None", "()", "Some(\"one\")", "()", "()", "true"]);
    assert_eq!(then, ["Some(\"two\")", "None", "false"]);
}

#[tokio::test]
async fn a_plugin_keeps_no_more_than_its_quota() {
    let folder = tempfile::tempdir().expect("a folder");
    let plugin = World::keeping(folder.path()).plugin(Limits { kv_bytes: 200_000, ..limits() });

    let answers = all_told(&plugin, ["fill k", "get k3", "delete k0", "set k3 v", "get k3"]).await;

    assert_eq!(answers, ["PolicyError::TooLarge(200000)", "None", "true", "()", "Some(\"v\")"]);
}

#[tokio::test]
async fn names_are_looked_up() {
    let server = Server::start().await;
    server.a("host.example", [192, 0, 2, 1]).aaaa("host.example", "2001:db8::1").txt("host.example", &["a", "b"]);
    server
        .mx("host.example", 20, "b.example")
        .mx("host.example", 10, "a.example")
        .ptr("1.2.0.192.in-addr.arpa", "p.example");
    let plugin = World::asking(&server, &[]).plugin(limits());

    let wishes = [
        "addresses host.example",
        "texts host.example",
        "exchangers host.example",
        "names 192.0.2.1",
        "texts no.example",
    ];
    let answers = all_told(&plugin, wishes).await;

    let expected =
        ["[\"192.0.2.1\", \"2001:db8::1\"]", "[\"ab\"]", "[[\"a.example\"], [\"b.example\"]]", "[\"p.example\"]", "[]"];
    assert_eq!(answers, expected);
}

#[tokio::test]
async fn attack_14_a_name_server_that_says_nothing_costs_the_event_its_time_and_no_more() {
    let server = Server::start().await;
    server.fail("silent.example", Fault::NoAnswer).txt("host.example", &["t"]);
    let plugin = World::asking(&server, &[]).plugin(Limits { wall: Duration::from_millis(500), ..limits() });

    let answers = all_told(&plugin, ["texts silent.example", "texts host.example"]).await;

    assert_eq!(answers, ["more than 500ms of wall-clock time (limits.wall)", "[\"t\"]"]);
}

#[tokio::test]
async fn attack_14_a_web_server_that_says_nothing_costs_the_event_its_time_and_no_more() {
    let (_listener, address) = black_hole().await;
    let (server, allow) = (Server::start().await, address.to_string());
    let world = World::asking(&server, &[&allow]);
    let plugin = world.plugin(Limits { wall: Duration::from_millis(500), ..limits() });

    let wishes = [format!("fetch http://{address}/"), format!("hurry http://{address}/")];
    let answers = all_told(&plugin, wishes.each_ref().map(String::as_str)).await;

    let hurried = "PolicyError::Unavailable(\"no answer from 127.0.0.1 within 50 ms\")";
    assert_eq!(answers, ["more than 500ms of wall-clock time (limits.wall)", hurried]);
}

#[tokio::test]
async fn attack_6_a_loop_of_a_plugin_that_may_wait_ends_at_its_cpu_time() {
    let plugin = World::default().plugin(limits());

    assert_eq!(told(&plugin, "spin").await, "more than 20ms of CPU time (limits.cpu)");
}

#[tokio::test]
async fn attack_19_a_name_that_leads_inside_is_not_reached() {
    let (listener, address) = black_hole().await;
    let server = Server::start().await;
    server.a("inside.example", [127, 0, 0, 1]).a("metadata.example", [169, 254, 169, 254]);
    let port = address.port();
    let allow = [format!("inside.example:{port}"), "metadata.example".to_owned()];
    let plugin = World::asking(&server, &allow.each_ref().map(String::as_str)).plugin(limits());

    let wishes = [
        format!("fetch http://inside.example:{port}/"),
        "fetch http://metadata.example/latest/".to_owned(),
        format!("fetch http://127.0.0.1:{port}/"),
        format!("fetch https://inside.example:{port}/"),
        "fetch ftp://inside.example/".to_owned(),
    ];
    let answers = all_told(&plugin, wishes.each_ref().map(String::as_str)).await;

    let expected = [
        "PolicyError::Denied(\"inside.example leads to 127.0.0.1, which is inside; it is not connected to\")"
            .to_owned(),
        "PolicyError::Denied(\"metadata.example leads to 169.254.169.254, which is inside; it is not connected to\")"
            .to_owned(),
        format!("PolicyError::Denied(\"127.0.0.1:{port} is not in `allow` of the plugin's section [http]\")"),
        "PolicyError::Denied(\"inside.example leads to 127.0.0.1, which is inside; it is not connected to\")"
            .to_owned(),
        "PolicyError::Invalid(\"'ftp://inside.example/' is no URL such as 'https://api.example/path?query'\")"
            .to_owned(),
    ];
    assert_eq!(answers, expected);
    let came = tokio::time::timeout(Duration::ZERO, listener.accept()).await;
    assert!(came.is_err(), "nobody connected");
}

#[tokio::test]
async fn attack_29_what_names_carry_out_has_a_rate() {
    let server = Server::start().await;
    let plugin = World::asking(&server, &[]).plugin(Limits { dns_queries: 5, ..limits() });

    let answer = told(&plugin, "leak out.example").await;

    let late = "PolicyError::Unavailable(\"more than 5 questions in a second (limits.dns_queries)\")";
    assert_eq!((answer.as_str(), server.asked().len() % 5), (late, 0));
}

#[tokio::test]
async fn what_may_wait_is_not_called_where_others_wait() {
    let server = Server::start().await;
    let plugin = World::asking(&server, &[]).plugin(limits());

    let answer = told_here(&plugin, "addresses host.example");

    assert_eq!(answer, "PolicyError::Unavailable(\"nothing is waited for here\")");
}

#[tokio::test]
async fn a_program_that_serves_nobody_keeps_nothing_and_asks_nobody() {
    let plugin = World::default().plugin(limits());

    let answers = all_told(&plugin, ["get k", "texts host.example", "fetch http://host.example/"]).await;

    let text = |name: &str| format!("there is no {name} here, where nothing is kept and nobody is asked");
    assert_eq!(
        answers,
        ["kv", "dns", "http-client"].map(|name| format!("PolicyError::Unavailable(\"{}\")", text(name)))
    );
}

#[tokio::test]
async fn nothing_is_waited_for_while_a_plugin_is_configured() {
    let server = Server::start().await;
    let file = ConfigFile { name: "name".to_owned(), content: b"host.example".to_vec() };
    let world = World { files: vec![file], ..World::asking(&server, &[]) };

    let Err(StartError::Failed(failure)) = world.start(limits()) else { panic!("it starts") };

    assert!(failure.detail.starts_with("dns.addresses cannot be called while the plugin is configured"), "{failure}");
    assert_eq!(server.asked(), []);
}

#[tokio::test]
async fn a_plugin_that_may_wait_starts_from_a_snapshot_like_any_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let plugin = World::keeping(folder.path()).plugin(limits());
    told(&plugin, "set k before").await;

    plugin.take_snapshot().expect("a snapshot");

    assert_eq!(
        all_told(&plugin, ["get k", "set k after", "get k"]).await,
        ["Some(\"before\")", "()", "Some(\"after\")"]
    );
}

#[test]
fn each_capability_is_granted_by_itself() {
    let runtime = Runtime::new(None, Compiler::Here).expect("an engine");
    let grants = Grants::default().with(Capability::Kv);

    let Err(LoadError::Misfit(misfit)) = runtime.load_granted(guest::ERRAND, &limits(), grants) else {
        panic!("loaded")
    };

    let told = misfit.to_string();
    let lines: Vec<&str> = told.lines().map(str::trim).filter(|line| line.contains("not granted;")).collect();
    let expected = [
        "tollgate:policy/dns          0.1.0  not granted; write grants = [\"kv\", \"dns\"] in its section",
        "tollgate:policy/http-client  0.1.0  not granted; write grants = [\"kv\", \"http-client\"] in its section",
    ];
    assert_eq!(lines, expected);
}
