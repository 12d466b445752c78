//! Configuration that changes while mail waits.

use std::{net::SocketAddr, time::Duration};

use crate::kit::{Mta, Sink, free_address, line, queues, send, wait_until};

const MESSAGE: &str = "Subject: x\r\n\r\n";

fn wait_for_generation(mta: &Mta, number: u64) {
    wait_until(&format!("generation {number}"), || mta.metric("config_generation") == number.to_string());
}

/// Retries that come in a second, to somewhere.
fn quick(to: SocketAddr) -> String {
    queues(to, "retry_interval = '1s'")
}

#[test]
fn waiting_mail_takes_the_new_route_at_its_next_attempt_and_keeps_its_due_time() {
    let (old, new) = (Sink::start(&["rcpt=* reply=450 4.2.0 later"]), Sink::start(&[]));
    let mta = Mta::start(&queues(old.address, "retry_interval = '4s'"));
    send(mta.smtp(), &["a@example.com"], MESSAGE);
    let records = mta.wait_for_records("TransientFailure", 1);

    mta.write("queues.toml", queues(new.address, "retry_interval = '4s'"));

    wait_for_generation(&mta, 2);
    let arrived = new.wait_for(1);
    let records = [records, mta.wait_for_records("Delivery", 1)].concat();
    let due: jiff::Timestamp = records[1]["next_due"].as_str().unwrap().parse().unwrap();
    let late = arrived[0].at.duration_since(due);
    mta.terminate();
    assert!(late >= jiff::SignedDuration::ZERO && late < jiff::SignedDuration::from_secs(1), "{late:?} after its time");
    assert_eq!(
        line(records.last().unwrap()),
        "Delivery a@example.com in default-tenant@example.com by pool-1/ip-1 #2: 250 2.0.0 Taken"
    );
}

#[test]
fn a_file_with_errors_is_refused_whole_and_said_so_and_mended_it_counts() {
    let (old, new) = (Sink::start(&[]), Sink::start(&[]));
    let mta = Mta::start(&quick(old.address));
    let broken = format!("{}\n[queue.'x.example']\nretry_intervall = '1h'\n", quick(new.address));

    mta.write("queues.toml", broken);
    wait_until("the refusal", || mta.metric("config_refused") == "1");
    send(mta.smtp(), &["a@example.com"], MESSAGE);
    old.wait_for(1);
    let refused = (mta.metric("config_generation"), mta.stderr("retry_intervall"));
    mta.write("queues.toml", quick(new.address));
    wait_for_generation(&mta, 2);
    send(mta.smtp(), &["b@example.com"], MESSAGE);
    new.wait_for(1);

    let outcomes =
        ["applied", "refused"].map(|outcome| mta.metric(&format!("config_reloads_total{{outcome=\"{outcome}\"}}")));
    let refused_now = mta.metric("config_refused");
    mta.terminate();
    assert_eq!(refused.0, "1");
    assert!(refused.1[0].starts_with("queues.toml:12:1 error: "), "{:?}", refused.1);
    assert_eq!((outcomes, refused_now), (["1".to_owned(), "1".to_owned()], "0".to_owned()));
}

#[test]
fn sighup_reads_everything_again_though_no_file_has_changed() {
    let mta = Mta::start(&quick(free_address()));

    mta.signal("HUP");

    wait_for_generation(&mta, 2);
    mta.terminate();
}

#[test]
fn a_pool_that_comes_with_a_reload_is_used_and_one_whose_source_moves_sends_from_there() {
    let sink = Sink::start(&[]);
    let mta = Mta::start(&quick(sink.address));
    send(mta.smtp(), &["a@example.com"], MESSAGE);
    sink.wait_for(1);

    let more = "[source.ip-9]\nsource_address = '127.0.0.19'\nehlo_domain = 'out9.example'\n[pool.pool-9.ip-9]\n";
    mta.rewrite("tollgate.toml", |text| format!("{text}{more}"));
    wait_for_generation(&mta, 2);
    mta.write("queues.toml", quick(sink.address).replace("'pool-1'", "'pool-9'"));
    wait_for_generation(&mta, 3);
    send(mta.smtp(), &["b@example.com"], MESSAGE);

    let senders = crate::kit::senders(&sink.wait_for(2));
    mta.terminate();
    assert_eq!(senders, ["127.0.0.11 out1.example", "127.0.0.19 out9.example"]);
}

#[test]
fn who_may_relay_changes_and_where_we_listen_waits_for_the_next_start() {
    let sink = Sink::start(&[]);
    let mta = Mta::start(&quick(sink.address));
    let before = send(mta.smtp(), &["a@example.com"], MESSAGE);

    mta.rewrite("tollgate.toml", |text| {
        let text = text.replace("relay_hosts = [\"127.0.0.0/8\"]", "relay_hosts = []");
        text.replace("records = \"log\"", "records = \"elsewhere\"")
    });
    wait_for_generation(&mta, 2);
    let after = send(mta.smtp(), &["b@example.com"], MESSAGE);

    let later = mta.stderr("take effect at the next start").len();
    mta.terminate();
    assert_eq!((before[0].as_str(), &after[0][..9], later), ("250 2.0.0 OK", "550 5.7.1", 1));
}

#[test]
fn under_ttl_a_queue_takes_new_values_when_its_interval_is_over() {
    let (old, new) = (Sink::start(&[]), Sink::start(&[]));
    let ttl = "refresh_strategy = 'Ttl'\nrefresh_interval = '3s'";
    let mta = Mta::start(&queues(old.address, ttl));
    send(mta.smtp(), &["a@example.com"], MESSAGE);
    old.wait_for(1);

    mta.write("queues.toml", queues(new.address, ttl));
    wait_for_generation(&mta, 2);
    let mut count = 0;
    wait_until("mail goes the new way", || {
        count += 1;
        send(mta.smtp(), &[&format!("b{count}@example.com")], MESSAGE);
        std::thread::sleep(Duration::from_millis(100));
        !new.arrived().is_empty()
    });

    mta.wait_until_empty();
    mta.terminate();
    assert_eq!(old.arrived().len() + new.arrived().len(), count + 1);
}

#[test]
fn under_ttl_mail_that_waits_takes_the_new_route_when_the_interval_is_over() {
    let (old, new) = (Sink::start(&["rcpt=* reply=450 4.2.0 later"]), Sink::start(&[]));
    let ttl = "refresh_strategy = 'Ttl'\nrefresh_interval = '2s'\nretry_interval = '1s'\nmax_retry_interval = '1s'";
    let mta = Mta::start(&queues(old.address, ttl));
    send(mta.smtp(), &["a@example.com"], MESSAGE);
    mta.wait_for_records("TransientFailure", 1);

    mta.write("queues.toml", queues(new.address, ttl));

    let arrived = new.wait_for(1).len();
    mta.terminate();
    assert_eq!((arrived, old.arrived().len()), (1, 0));
}

#[test]
fn a_reload_that_adds_a_file_watches_it_from_then_on() {
    let (old, new) = (Sink::start(&[]), Sink::start(&[]));
    let mta = Mta::start(&quick(old.address));
    // With the ports that were found the file is another already.
    wait_for_generation(&mta, 2);

    mta.write("more.toml", "[queue.'b.example']\nmax_age = '1h'\n");
    mta.rewrite("tollgate.toml", |text| text.replace("[\"queues.toml\"]", "[\"queues.toml\", \"more.toml\"]"));
    wait_for_generation(&mta, 3);
    mta.write("more.toml", format!("[queue.'b.example']\nprotocol.smtp.mx_list = ['{}']\n", new.address));
    wait_for_generation(&mta, 4);
    send(mta.smtp(), &["u@b.example"], MESSAGE);

    let arrived = new.wait_for(1).len();
    mta.terminate();
    assert_eq!((arrived, old.arrived().len()), (1, 0));
}

#[test]
fn a_file_that_only_a_refused_configuration_names_is_watched_until_it_is_mended() {
    let sink = Sink::start(&[]);
    let mta = Mta::start(&quick(sink.address));
    mta.write("more.toml", "[queue.'b.example']\nmax_aeg = '1h'\n");
    mta.rewrite("tollgate.toml", |text| text.replace("[\"queues.toml\"]", "[\"queues.toml\", \"more.toml\"]"));
    wait_until("the refusal", || mta.metric("config_refused") == "1");

    mta.write("more.toml", "[queue.'b.example']\nmax_age = '1h'\n");

    wait_until("the mended configuration is in force", || mta.metric("config_refused") == "0");
    mta.terminate();
}

#[test]
fn check_says_that_the_server_refused_what_it_read_last() {
    let mta = Mta::start(&quick(free_address()));
    // A copy, which the server does not watch.
    mta.write("copy.toml", mta.read("tollgate.toml").replace("queues.toml", "fine.toml"));
    mta.write("fine.toml", mta.read("queues.toml"));
    let told = format!("warning: the server that runs at {} refused the configuration that it read last", mta.http);
    let says = || mta.check("copy.toml").contains(&told);

    let before = says();
    mta.write("queues.toml", "max_aeg = '1h'\n");
    wait_until("the refusal", || mta.metric("config_refused") == "1");
    let refused = says();
    mta.write("queues.toml", mta.read("fine.toml"));
    wait_until("the mended configuration is in force", || mta.metric("config_refused") == "0");
    let mended = says();

    mta.terminate();
    assert_eq!((before, refused, mended), (false, true, false));
}
