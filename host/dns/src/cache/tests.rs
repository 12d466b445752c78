use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, advance};

use super::Cache;

const MINUTE: Duration = Duration::from_secs(60);

/// Asks for names and counts the questions; the answer to the nth is n.
#[derive(Default)]
struct Source(AtomicU32);

impl Source {
    async fn get(&self, cache: &Cache<u32>, name: &str) -> u32 {
        let ask = || {
            let number = self.0.fetch_add(1, Ordering::Relaxed) + 1;
            async move { (number, MINUTE) }
        };
        cache.get(name, ask).await.unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_kept_for_its_time_and_no_longer() {
    let (cache, source) = (Cache::new(10), Source::default());

    let mut answers = vec![source.get(&cache, "a").await];
    advance(MINUTE - Duration::from_millis(1)).await;
    answers.push(source.get(&cache, "a").await);
    advance(Duration::from_millis(1)).await;
    answers.push(source.get(&cache, "a").await);

    assert_eq!(answers, [1, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn of_too_many_answers_the_least_recently_used_is_forgotten() {
    let (cache, source) = (Cache::new(2), Source::default());

    for name in ["a", "b", "a", "c", "a", "b"] {
        source.get(&cache, name).await;
    }

    // Four questions: a, b, c, and b again, which gave way to c.
    assert_eq!((source.0.into_inner(), cache.sizes()), (4, (2, 0)));
}

#[tokio::test]
async fn a_thousand_names_leave_no_more_than_the_bound() {
    let (cache, source) = (Cache::new(100), Source::default());

    for number in 0..1000 {
        source.get(&cache, &number.to_string()).await;
    }

    assert_eq!(cache.sizes(), (100, 0));
}

#[tokio::test]
async fn whoever_asks_meanwhile_waits_for_the_same_answer() {
    let (cache, source, go) = (Cache::new(10), Arc::new(Source::default()), Arc::new(Notify::new()));
    let asker = || {
        let (cache, source, go) = (cache.clone(), Arc::clone(&source), Arc::clone(&go));
        async move {
            let ask = || async move {
                go.notified().await;
                (source.0.fetch_add(1, Ordering::Relaxed) + 1, MINUTE)
            };
            cache.get("a", ask).await
        }
    };

    let askers: Vec<_> = (0..100).map(|_| tokio::spawn(asker())).collect();
    tokio::task::yield_now().await;
    go.notify_one();
    let mut answers = Vec::new();
    for asker in askers {
        answers.push(asker.await.unwrap());
    }

    assert_eq!(answers, vec![Some(1); 100]);
}

#[tokio::test]
async fn an_asker_that_leaves_does_not_take_the_question_along() {
    let (cache, go) = (Cache::new(10), Arc::new(Notify::new()));
    let waits = Arc::clone(&go);
    let first = cache.clone();
    let first = tokio::spawn(async move {
        let ask = || async move {
            waits.notified().await;
            (1, MINUTE)
        };
        first.get("a", ask).await
    });
    tokio::task::yield_now().await;

    first.abort();
    let gone = first.await.unwrap_err().is_cancelled();
    go.notify_one();
    let answer = cache.get("a", || async { (2, MINUTE) }).await;

    assert_eq!((gone, answer), (true, Some(1)));
}

#[tokio::test]
async fn a_question_that_panics_is_put_again_by_the_next_asker() {
    let cache: Cache<u32> = Cache::new(10);

    let lost = cache.get("a", || async { panic!("told to") }).await;
    let answer = cache.get("a", || async { (2, MINUTE) }).await;

    assert_eq!((lost, answer, cache.sizes()), (None, Some(2), (1, 0)));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_holds_no_time_still_reaches_all_who_wait() {
    let cache = Cache::new(10);
    let start = Instant::now();
    let ask = || async { (Instant::now(), Duration::ZERO) };

    let (one, other) = tokio::join!(cache.get("a", ask), cache.get("a", ask));

    assert_eq!((one, other), (Some(start), Some(start)));
}
