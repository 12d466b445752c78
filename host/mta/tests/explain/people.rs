//! What people read of a message that goes on, and of a queue.

use std::fs;

use crate::kit::{QUEUES, TOLLGATE, explain, person, person_with, sections};

#[test]
fn people_read_the_verdict_the_edits_the_queue_and_the_story_of_every_value() {
    let message = ["--to", "u@a.com", "--header", "X-Tenant: t", "--header", "Subject: hello"];

    let answer = person(&[&["--config", "tollgate.toml", "--now", "2026-05-01T12:00:00Z"], &message[..]].concat());

    let expected = "\
Message    <> to u@a.com, by SMTP, 2026-05-01 12:00:00Z

Verdict    accept
  queue-helper  accept  tollgate.toml:6

Header     1 removed, 0 added, 1 untouched
  - X-Tenant:  t

Queue      t@a.com
  tenant  t      header X-Tenant
  domain  a.com  recipient u@a.com

Due        at once

Settings
  retry_interval      20m         default
  max_retry_interval  none        default
  max_age             1h 30m      queues.toml:10  [queue.'a.com']
  egress_pool         pool-1      queues.toml:5   [tenant.t]
  max_message_rate    10/s        queues.toml:11  [queue.'a.com']
  protocol            SMTP by MX  default
  provider_name       none        default
  reap_interval       10m         default
  refresh_strategy    Epoch       default
  refresh_interval    1m          default

Layers     each overrides those above it
  1  [queue.default]
     max_age           2h      queues.toml:8   overridden by 2
  2  [queue.'a.com']
     max_age           1h 30m  queues.toml:10
     max_message_rate  10/s    queues.toml:11
  3  [tenant.t]
     egress_pool       pool-1  queues.toml:5

Retries    3 attempts if all fail; it expires 2026-05-01 13:00:00Z
  attempt  wait  age      time (UTC)
        1        at once  2026-05-01 12:00:00Z
        2  20m   +20m     2026-05-01 12:20:00Z
        3  40m   +1h      2026-05-01 13:00:00Z
  attempt 4 would be at the age of 2h 20m, past max_age 1h 30m (queues.toml:10)
  each wait is up to 30s shorter or longer, by chance

Throttles  a message passes when all of them let it
  scope   bucket   rate
  tenant  t        100/s  at most 100 at once, then one every 10ms
  queue   t@a.com  10/s   at most 10 at once, then one every 100ms

Route      by the mail exchangers of a.com

Pool       pool-1  tollgate.toml:13
  source  weight  share  from address  EHLO name
  ip-1         2  100 %  127.0.0.1     out1.example

Limits     for each source of the pool, at the site
  connection_limit               32    default
  max_deliveries_per_connection  1024  default
  max_ready                      1024  default
  max_message_rate               none  default
  max_connection_rate            none  default
";
    assert_eq!(answer, (Some(0), expected.to_owned(), String::new()));
}

#[test]
fn every_layer_of_a_queue_is_told_in_order_with_what_overrides_it() {
    let queues = "[queue.default]\nmax_age = '1h'\n[queue.'*.a.com']\nmax_age = '2h'\n[tenant.t]\nmax_age = '3h'\n\
                  [tenant.t.campaigns.c]\nmax_age = '4h'\n[queue.'*.a.com'.t]\nmax_age = '5h'\nretry_interval = '1m'\n\
                  [queue.'*.a.com'.t.c]\nmax_age = '6h'\n";

    let seen = sections(queues, &["--queue", "c:t@x.a.com"], &["Layers"]);

    let expected = "\
Layers     each overrides those above it
  1  [queue.default]
     max_age         1h  more.toml:2   overridden by 2
  2  [queue.'*.a.com']
     max_age         2h  more.toml:4   overridden by 3
  3  [tenant.t]
     max_age         3h  more.toml:6   overridden by 4
  4  [tenant.t.campaigns.c]
     max_age         4h  more.toml:8   overridden by 5
  5  [queue.'*.a.com'.t]
     max_age         5h  more.toml:10  overridden by 6
     retry_interval  1m  more.toml:11
  6  [queue.'*.a.com'.t.c]
     max_age         6h  more.toml:13";
    assert_eq!(seen, expected);
}

#[test]
fn layers_that_one_line_holds_are_told_apart_by_their_columns() {
    let queues = r#"{"queue": {"default": {"max_age": "1h"}, "a.com": {"max_age": "2h", "retry_interval": "1m"}}}"#;

    let seen = sections(queues, &["--queue", "a.com"], &["Layers"]);

    let expected = "\
Layers     each overrides those above it
  1  [queue.default]
     max_age         1h  more.toml:1  overridden by 2
  2  [queue.'a.com']
     max_age         2h  more.toml:1
     retry_interval  1m  more.toml:1";
    assert_eq!(seen, expected);
}

#[test]
fn scheduled_mail_is_told_with_its_windows_in_the_time_of_who_asks() {
    let schedule = r#"X-Schedule: {"first_attempt":"2026-05-02T00:00:00Z","dow":"Mon,Fri","tz":"Europe/Berlin","start":"09:00:00","end":"10:00:00","expires":"2026-05-08T07:30:00Z"}"#;
    let mut command = explain();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("queues.toml"), QUEUES).unwrap();
    command.current_dir(folder.path()).env("TZ", "Europe/Berlin").args([
        "--queues",
        "queues.toml",
        "--header",
        schedule,
    ]);
    command.args(["--to", "u@b.com", "--now", "2026-05-01T12:00:00.123Z"]);

    let said = String::from_utf8(command.output().unwrap().stdout).unwrap();

    let seen: Vec<&str> =
        said.split("\n\n").filter(|section| section.starts_with("Due") || section.starts_with("Retries")).collect();
    let due = "\
Due        2026-05-04 07:00:00Z, Mon 2026-05-04 09:00:00 +02:00, in 2days 19h
  not before  2026-05-02 00:00:00Z
  only        Mon, Fri, 09:00:00 to 10:00:00, Europe/Berlin
  expires     2026-05-08 07:30:00Z; max_age has no say";
    let retries = "\
Retries    3 attempts if all fail; it expires 2026-05-08 07:00:00Z
  attempt  wait           age             time (UTC)            Europe/Berlin
        1  2days 19h      +2days 19h      2026-05-04 07:00:00Z  Mon 2026-05-04 09:00:00 +02:00
        2  20m            +2days 19h 20m  2026-05-04 07:20:00Z  Mon 2026-05-04 09:20:00 +02:00
        3  3days 23h 40m  +6days 19h      2026-05-08 07:00:00Z  Fri 2026-05-08 09:00:00 +02:00  as its window opens
  attempt 4 would be 2026-05-08 08:20:00Z, and its schedule ends 2026-05-08 07:30:00Z
  each wait is up to 30s shorter or longer, by chance";
    assert_eq!(seen, [due, retries]);
}

#[test]
fn what_sources_keep_on_the_way_is_told_with_its_lines() {
    let egress =
        "[egress.default]\nconnection_limit = 9\n[egress.'*.slow.com']\nmax_message_rate = '2/s,max_burst=1'\n";
    let more = format!("{TOLLGATE}{egress}");
    let line = |text: &str| more.lines().position(|known| known == text).unwrap() + 1;

    let (_, said, _) = person_with(&more, &["--config", "more.toml", "--queue", "a.slow.com"]);

    let seen: Vec<&str> =
        said.split("\n\n").filter(|part| part.starts_with("Throttles") || part.starts_with("Limits")).collect();
    let throttles = "\
Throttles
  scope   bucket                                  rate
  source  [egress.'*.slow.com'] max_message_rate  2/s,max_burst=1  at most 1 at once, then one every 500ms";
    let limits = format!(
        "\
Limits     for each source of the pool, at the site
  connection_limit               9                more.toml:{}  [egress.default]
  max_deliveries_per_connection  1024             default
  max_ready                      1024             default
  max_message_rate               2/s,max_burst=1  more.toml:{}  [egress.'*.slow.com']
  max_connection_rate            none             default
",
        line("connection_limit = 9"),
        line("max_message_rate = '2/s,max_burst=1'")
    );
    assert_eq!(seen, [throttles, limits.as_str()]);
}

#[test]
fn of_a_long_plan_the_beginning_and_the_end_are_told() {
    let queues = "[queue.default]\nmax_age = '1h'\nretry_interval = '1m'\nmax_retry_interval = '2m'\n";
    let now = "2026-05-01T12:00:00Z";

    let seen = sections(queues, &["--queue", "a.com", "--now", now], &["Retries"]);

    let expected = "\
Retries    31 attempts if all fail; it expires 2026-05-01 12:59:00Z
  attempt  wait     age      time (UTC)
        1           at once  2026-05-01 12:00:00Z
        2  1m       +1m      2026-05-01 12:01:00Z
        3  2m       +3m      2026-05-01 12:03:00Z
        4  2m       +5m      2026-05-01 12:05:00Z
        5  2m       +7m      2026-05-01 12:07:00Z
        6  2m       +9m      2026-05-01 12:09:00Z
        7  2m       +11m     2026-05-01 12:11:00Z
        8  2m       +13m     2026-05-01 12:13:00Z
        9  2m       +15m     2026-05-01 12:15:00Z
       10  2m       +17m     2026-05-01 12:17:00Z
        …  20 more
       31  2m       +59m     2026-05-01 12:59:00Z
  attempt 32 would be at the age of 1h 1m, past max_age 1h (more.toml:2)
  each wait is up to 1s shorter or longer, by chance";
    assert_eq!(seen, expected);
}

#[test]
fn the_route_says_where_mail_goes() {
    let queues = "[queue.'a.com']\nprotocol.smtp.mx_list = ['127.0.0.1:2526', {name = 'mx', addr = '10.0.0.1'}]\n";

    let seen = ["a.com", "b.com![10.0.0.1]:2525", "b.com!c.com"]
        .map(|queue| sections(queues, &["--queue", queue], &["Route"]));

    let expected = [
        "Route      by mx_list, in this order; no mail exchanger is looked up\n  1  127.0.0.1:2526\n  2  10.0.0.1",
        "Route      straight to [10.0.0.1]:2525; no mail exchanger is looked up\n  routing_domain stands in for b.com",
        "Route      by the mail exchangers of c.com\n  routing_domain stands in for b.com",
    ];
    assert_eq!(seen, expected);
}

#[test]
fn the_example_of_the_guide_fits_a_terminal() {
    let guide = include_str!("../../../../plugins/queue-helper/queues.toml");
    let headers = ["--header", "X-Tenant: mytenant", "--header", "X-Campaign: welcome-campaign"];

    let (_, said, _) =
        person_with(guide, &[&["--queues", "more.toml", "--to", "ann@gmail.com"], &headers[..]].concat());

    let widest = said.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(90), "{widest:?}\n{said}");
}
