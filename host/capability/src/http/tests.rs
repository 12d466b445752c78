//! Fetching over real sockets: what comes through, and what is never connected to.

use std::sync::Mutex;

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;
use tollgate_dns::Settings;
use tollgate_testdns::Server;

use super::*;

/// A server that gives one answer to everybody and keeps what it was sent.
struct Peer {
    address: SocketAddr,
    got: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Peer {
    async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        Self::start(answer, None).await
    }

    /// Returns one that speaks TLS, as `api.example`.
    async fn secure(answer: impl Into<Vec<u8>>) -> Self {
        let certificate = CertificateDer::from(&include_bytes!("certificates/api.example.der")[..]);
        let key = PrivatePkcs8KeyDer::from(&include_bytes!("certificates/api.example.key.der")[..]);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = versions.with_no_client_auth();
        let config = config.with_single_cert(vec![certificate], PrivateKeyDer::Pkcs8(key)).unwrap();
        Self::start(answer, Some(Arc::new(config).into())).await
    }

    async fn start(answer: impl Into<Vec<u8>>, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, answer) = (listener.local_addr().unwrap(), answer.into());
        let got: Arc<Mutex<Vec<String>>> = Arc::default();
        let kept = Arc::clone(&got);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                match &tls {
                    None => serve(stream, &answer, &kept).await,
                    Some(tls) => match tls.accept(stream).await {
                        Ok(stream) => serve(stream, &answer, &kept).await,
                        Err(_) => kept.lock().unwrap().push("no TLS".to_owned()),
                    },
                }
            }
        });
        Self { address, got, task }
    }

    fn got(&self) -> Vec<String> {
        self.got.lock().unwrap().clone()
    }
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: &[u8], kept: &Mutex<Vec<String>>) {
    let mut octets = vec![0; 4096];
    let length = stream.read(&mut octets).await.unwrap_or(0);
    kept.lock().unwrap().push(String::from_utf8_lossy(&octets[..length]).into_owned());
    if answer.is_empty() {
        // Silent for as long as the other side waits.
        drop(stream.read(&mut octets).await);
    }
    drop(stream.write_all(answer).await);
    drop(stream.shutdown().await);
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn client(allow: &[&str], resolver: Option<&Server>) -> Client {
    let settings = |server: &Server| Settings { nameservers: vec![server.address()], ..Settings::default() };
    Client {
        allowed: Arc::new(allow.iter().map(|text| text.parse::<Pattern>().unwrap()).collect()),
        listeners: Arc::new([]),
        resolver: resolver.map(|server| Resolver::new(settings(server)).unwrap()),
        trust: Trust::only([CertificateDer::from(&include_bytes!("certificates/authority.der")[..])]),
        largest: 1 << 16,
    }
}

fn get(url: impl Into<String>) -> Request {
    Request { method: "GET".to_owned(), url: url.into(), ..Request::default() }
}

fn denied(outcome: Result<Response, Refused>) -> String {
    match outcome {
        Err(Refused::Denied(text)) => text,
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn a_request_reaches_an_address_that_the_operator_lists_and_the_response_comes_back_whole() {
    let peer =
        Peer::answering("HTTP/1.1 201 Created\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n")
            .await;
    let to = peer.address.to_string();
    let request = Request {
        method: "POST".to_owned(),
        url: format!("http://{to}/a?b"),
        fields: vec![("X-Token".to_owned(), "t".to_owned())],
        body: b"body".to_vec(),
        timeout: None,
    };

    let response = client(&[&to], None).fetch(request).await.unwrap();

    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!((response.status, response.body.as_slice()), (201, &b"hi"[..]));
    assert_eq!(response.fields, [field("x-a", "1"), field("transfer-encoding", "chunked")]);
    let sent =
        format!("POST /a?b HTTP/1.1\r\nhost: {to}\r\nconnection: close\r\nx-token: t\r\ncontent-length: 4\r\n\r\nbody");
    assert_eq!(peer.got(), [sent]);
}

#[tokio::test]
async fn a_host_that_is_not_listed_is_neither_looked_up_nor_connected_to() {
    let server = Server::start().await;
    let client = client(&["api.example"], Some(&server));

    let told = [
        denied(client.fetch(get("http://other.example/")).await),
        denied(client.fetch(get("http://api.example:8080/")).await),
        denied(client.fetch(get("http://127.0.0.1/")).await),
    ];

    let text = |host: &str| format!("{host} is not in `allow` of the plugin's section [http]");
    assert_eq!(told, ["other.example:80", "api.example:8080", "127.0.0.1:80"].map(text));
    assert_eq!(server.asked(), []);
}

#[tokio::test]
async fn a_name_that_leads_inside_is_not_connected_to() {
    let server = Server::start().await;
    for (name, address) in
        [("v4.example", "127.0.0.1"), ("meta.example", "169.254.169.254"), ("net.example", "10.1.2.3")]
    {
        server.address_of(name, address.parse().unwrap());
    }
    server.aaaa("v6.example", "::1").aaaa("mapped.example", "::ffff:127.0.0.1").aaaa("nat.example", "64:ff9b::7f00:1");
    let client = client(&["*.example"], Some(&server));

    let mut told = Vec::new();
    for name in ["v4", "meta", "net", "v6", "mapped", "nat"] {
        told.push(denied(client.fetch(get(format!("http://{name}.example/"))).await));
    }

    let inside =
        |(name, to): (&str, &str)| format!("{name}.example leads to {to}, which is inside; it is not connected to");
    let expected = [
        ("v4", "127.0.0.1"),
        ("meta", "169.254.169.254"),
        ("net", "10.1.2.3"),
        ("v6", "::1"),
        ("mapped", "127.0.0.1"),
        ("nat", "64:ff9b::7f00:1"),
    ];
    assert_eq!(told, expected.map(inside));
}

/// What is judged is what is connected to: the name is asked for once, so a second answer cannot differ.
#[tokio::test]
async fn a_name_is_looked_up_once_for_a_request() {
    let (server, peer) = (Server::start().await, Peer::answering("HTTP/1.1 204 No Content\r\n\r\n").await);
    server.ttl(0).a("api.example", [127, 0, 0, 1]);
    let (port, to) = (peer.address.port(), peer.address.to_string());
    let client = client(&[&format!("api.example:{port}"), &to], Some(&server));

    let status = client.fetch(get(format!("http://api.example:{port}/"))).await.map(|response| response.status);

    let questions = server.count("api.example", tollgate_testdns::RecordType::A);
    assert_eq!((status, questions, peer.got().len()), (Ok(204), 1, 1));
}

#[tokio::test]
async fn a_redirect_is_a_response_and_nobody_follows_it() {
    let inside = Peer::answering("HTTP/1.1 200 OK\r\n\r\nsecret").await;
    let moved = format!("HTTP/1.1 302 Found\r\nLocation: http://{}/\r\nContent-Length: 0\r\n\r\n", inside.address);
    let peer = Peer::answering(moved).await;
    let to = peer.address.to_string();

    let response = client(&[&to], None).fetch(get(format!("http://{to}/"))).await.unwrap();

    assert_eq!((response.status, response.body.len(), inside.got()), (302, 0, Vec::new()));
}

#[tokio::test]
async fn a_door_of_the_program_is_not_connected_to_whatever_leads_there() {
    let door = Peer::answering("").await;
    // As if 127.0.0.1 were a public address of this machine: a listener at all addresses is known by its port.
    let [everywhere, exact] =
        ["0.0.0.0", "127.0.0.1"].map(|ip| SocketAddr::new(ip.parse().unwrap(), door.address.port()));
    let mut client = client(&[], None);
    let stream = TcpStream::connect(door.address).await.unwrap();

    let judged = [everywhere, exact].map(|listener| {
        client.listeners = Arc::new([listener]);
        (client.is_elsewhere(&stream), client.may_reach(listener))
    });
    client.listeners = Arc::new(["192.0.9.1:25".parse().unwrap()]);
    let public = ["192.0.9.1:25", "192.0.9.1:80"].map(|to| client.may_reach(to.parse().unwrap()));

    assert_eq!((judged, public), ([(false, false), (true, false)], [false, true]));
}

#[tokio::test]
async fn what_is_too_large_or_no_response_is_not_handed_on() {
    let large = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat((1 << 16) + 1));
    let fields: String = (0..200).map(|n| format!("x-{n}: v\r\n")).collect();
    let answers = [large, "220 mta.example\r\n".to_owned(), format!("HTTP/1.1 200 OK\r\n{fields}\r\n")];

    let mut outcomes = Vec::new();
    for answer in answers {
        let peer = Peer::answering(answer).await;
        let to = peer.address.to_string();
        outcomes.push(client(&[&to], None).fetch(get(format!("http://{to}/"))).await.map_err(
            |refused| match refused {
                Refused::Unavailable(text) => {
                    text.replace(&to, "TO").split(" from ").next().unwrap_or_default().to_owned()
                }
                other => other.to_string(),
            },
        ));
    }

    assert_eq!(outcomes, ["more than 65536", "what came", "what came"].map(|text| Err(text.to_owned())));
}

#[tokio::test]
async fn nobody_is_waited_for_longer_than_the_request_says() {
    let peer = Peer::answering("").await;
    let to = peer.address.to_string();
    let request = Request { timeout: Some(Duration::from_millis(50)), ..get(format!("http://{to}/")) };

    let outcome = client(&[&to], None).fetch(request).await;

    assert_eq!(outcome, Err(Refused::Unavailable("no answer from 127.0.0.1 within 50 ms".to_owned())));
}

#[tokio::test]
async fn over_tls_a_request_reaches_whoever_proves_to_be_the_host() {
    let peer = Peer::secure("HTTP/1.1 200 OK\r\n\r\nhi").await;
    let server = Server::start().await;
    server.a("api.example", [127, 0, 0, 1]);
    let port = peer.address.port();
    let (name, address) = (format!("api.example:{port}"), format!("127.0.0.1:{port}"));
    let client = client(&[&name, &address], Some(&server));

    let bodies = [
        client.fetch(get(format!("https://{name}/a"))).await.map(|response| response.body),
        client.fetch(get(format!("https://{address}/a"))).await.map(|response| response.body),
    ];

    assert_eq!(bodies, [Ok(b"hi".to_vec()), Ok(b"hi".to_vec())]);
    let got = peer.got();
    assert!(got[0].starts_with(&format!("GET /a HTTP/1.1\r\nhost: {name}\r\n")), "{got:?}");
}

#[tokio::test]
async fn whoever_does_not_prove_to_be_the_host_is_sent_nothing() {
    let peer = Peer::secure("HTTP/1.1 200 OK\r\n\r\nhi").await;
    let server = Server::start().await;
    server.a("api.example", [127, 0, 0, 1]).a("other.example", [127, 0, 0, 1]);
    let port = peer.address.port();
    let (name, other, address) =
        (format!("api.example:{port}"), format!("other.example:{port}"), format!("127.0.0.1:{port}"));
    let trusting = client(&[&name, &other, &address], Some(&server));
    let strict = Client { trust: Trust::only([]), ..trusting.clone() };

    let refused =
        [trusting.fetch(get(format!("https://{other}/"))).await, strict.fetch(get(format!("https://{name}/"))).await]
            .map(|outcome| outcome.err().map(|refused| refused.to_string()).unwrap_or_default());

    assert!(refused[0].starts_with("no TLS with other.example: "), "{refused:?}");
    assert!(refused[1].starts_with("no TLS with api.example: "), "{refused:?}");
    let got = peer.got();
    assert!(got.iter().all(|got| got == "no TLS"), "{got:?}");
}

#[tokio::test]
async fn tls_with_whoever_speaks_none_fails_and_so_does_none_with_whoever_speaks_tls() {
    let (plain, secure) = (Peer::answering("HTTP/1.1 200 OK\r\n\r\nhi").await, Peer::secure("").await);
    let hosts = [&plain, &secure].map(|peer| peer.address.to_string());
    let client = client(&hosts.each_ref().map(String::as_str), None);

    let refused = [format!("https://{}/", hosts[0]), format!("http://{}/", hosts[1])].map(|url| client.fetch(get(url)));

    for refused in refused {
        assert!(matches!(refused.await, Err(Refused::Unavailable(_))));
    }
}
