//! Whether a password is right, at a bounded price.
//!
//! argon2 is slow on purpose, so it runs on blocking threads and a few at a time, and a password found right is
//! remembered for a minute: as a keyed hash, with a key that lives as long as the process. A wrong one is never
//! remembered. A name nobody has costs as much as one with a wrong password, so names cannot be found by time.
//!
//! Rules: RFC 9106 (argon2), the PHC string format.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use argon2::password_hash::{PasswordHashString, PasswordVerifier as _};
use argon2::{ARGON2ID_IDENT, Argon2};
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// How long a password found right is remembered.
const REMEMBERED: Duration = Duration::from_secs(60);

/// Runs of argon2 at a time; each takes the memory that the hash asks for, often 19 MiB.
const AT_ONCE: usize = 2;

/// Most passwords remembered; there is one for each user in good times.
const MAX_REMEMBERED: usize = 1024;

type Fingerprint = [u8; 32];

/// A password hash that is none. The operator's to mend.
#[derive(Debug, thiserror::Error)]
#[error("the password hash of user {user} is not an argon2id PHC string")]
pub struct BadPasswordHash {
    /// Whose.
    pub user: String,
}

/// The users and their passwords.
pub struct Passwords {
    users: HashMap<String, PasswordHashString>,
    room: Semaphore,
    key: [u8; 32],
    remembered: Mutex<HashMap<Fingerprint, Instant>>,
}

impl Passwords {
    /// Takes the users with their argon2id PHC strings.
    ///
    /// # Errors
    /// [`BadPasswordHash`] for the first hash that is not one.
    pub fn new(users: impl IntoIterator<Item = (String, String)>) -> Result<Self, BadPasswordHash> {
        let parse = |(user, hash): (String, String)| match PasswordHashString::new(&hash) {
            Ok(hash) if hash.algorithm() == ARGON2ID_IDENT => Ok((user, hash)),
            _ => Err(BadPasswordHash { user }),
        };
        Ok(Self {
            users: users.into_iter().map(parse).collect::<Result<_, _>>()?,
            room: Semaphore::new(AT_ONCE),
            key: random_key(),
            remembered: Mutex::default(),
        })
    }

    /// Returns whether there is a user of this name.
    #[must_use]
    pub(super) fn has(&self, user: &str) -> bool {
        self.users.contains_key(user)
    }

    /// Returns whether this is the user's password.
    ///
    /// # Cancel safety
    /// Cancel safe; a run that has begun goes on to its end.
    pub async fn verify(&self, user: &str, password: &str) -> bool {
        let known = self.users.get(user);
        // Whose hash an unknown name is compared with does not matter, as long as the work is done.
        let Some(hash) = known.or_else(|| self.users.values().next()) else { return false };
        let fingerprint = self.fingerprint(user, password);
        if known.is_some() && self.is_remembered(&fingerprint) {
            return true;
        }
        let right = self.compute(hash.clone(), password.to_owned()).await && known.is_some();
        if right {
            self.remember(fingerprint);
        }
        right
    }

    async fn compute(&self, hash: PasswordHashString, password: String) -> bool {
        let Ok(_permit) = self.room.acquire().await else { return false };
        let verify = move || Argon2::default().verify_password(password.as_bytes(), &hash.password_hash()).is_ok();
        tokio::task::spawn_blocking(verify).await.unwrap_or(false)
    }

    fn fingerprint(&self, user: &str, password: &str) -> Fingerprint {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        // The length keeps ("ab", "c") and ("a", "bc") apart.
        hasher.update(&(user.len() as u64).to_be_bytes()).update(user.as_bytes()).update(password.as_bytes());
        *hasher.finalize().as_bytes()
    }

    fn is_remembered(&self, fingerprint: &Fingerprint) -> bool {
        self.remembered().get(fingerprint).is_some_and(|until| Instant::now() < *until)
    }

    fn remember(&self, fingerprint: Fingerprint) {
        let now = Instant::now();
        let mut remembered = self.remembered();
        remembered.retain(|_, until| now < *until);
        if remembered.len() < MAX_REMEMBERED {
            remembered.insert(fingerprint, now + REMEMBERED);
        }
    }

    /// Whatever panicked with the lock held left a map that is still whole.
    fn remembered(&self) -> MutexGuard<'_, HashMap<Fingerprint, Instant>> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Names only: hashes do not belong in a log.
impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passwords").field("users", &self.users.keys()).finish_non_exhaustive()
    }
}

/// The standard library seeds its hashers from the system's randomness; four of them fill a key.
fn random_key() -> [u8; 32] {
    let mut key = [0; 32];
    for (index, part) in key.chunks_exact_mut(8).enumerate() {
        part.copy_from_slice(&RandomState::new().hash_one(index).to_be_bytes());
    }
    key
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::{PasswordHasher as _, SaltString};
    use argon2::{Algorithm, Params, Version};

    use super::*;

    fn hash(algorithm: Algorithm, password: &str) -> String {
        let salt = SaltString::from_b64("c2FsdHNhbHQ").unwrap();
        let cheap = Argon2::new(algorithm, Version::V0x13, Params::new(8, 1, 1, None).unwrap());
        cheap.hash_password(password.as_bytes(), &salt).unwrap().to_string()
    }

    #[tokio::test]
    async fn only_the_users_own_password_is_right_however_often_it_is_asked() {
        let users = [("scott", "tiger"), ("ada", "engine")];
        let users = users.map(|(user, password)| (user.to_owned(), hash(Algorithm::Argon2id, password)));
        let passwords = Passwords::new(users).unwrap();

        let mut seen = Vec::new();
        for (user, password) in
            [("scott", "tiger"), ("scott", "tiger"), ("scott", "engine"), ("scottt", "iger"), ("nobody", "tiger")]
        {
            seen.push(passwords.verify(user, password).await);
        }

        assert_eq!(seen, [true, true, false, false, false]);
    }

    #[test]
    fn hashes_of_other_kinds_are_refused() {
        let seen = [hash(Algorithm::Argon2i, "x"), "x".to_owned(), String::new()]
            .map(|hash| Passwords::new([("scott".to_owned(), hash)]).is_ok());

        assert_eq!(seen, [false, false, false]);
    }
}
