//! How many tokens a visitor may have made: an answer reserves the longest that it can become, and
//! gives back what it did not use, however it ends.

use std::{
    collections::{HashMap, VecDeque},
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use axum::{
    extract::FromRequestParts,
    http::{
        HeaderValue, StatusCode,
        header::{COOKIE, RETRY_AFTER, SET_COOKIE},
        request::Parts,
    },
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// Beyond this many, the oldest is forgotten and gets a new quota, as does anybody who drops the cookie.
const MAX_VISITORS: usize = 10_000;

const NAME: &str = "visitor";

/// Whom a browser's cookie names. All its windows have the same quota.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Visitor {
    id: u128,
    is_new: bool,
}

impl Visitor {
    /// Gives a new visitor a name.
    pub fn respond(self, response: impl IntoResponse) -> Response {
        let mut response = response.into_response();
        if self.is_new {
            let cookie = format!("{NAME}={:032x}; Path=/; HttpOnly; SameSite=Lax", self.id);
            let cookie = HeaderValue::try_from(cookie).expect("visible ASCII");
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        response
    }
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let cookies = parts.headers.get_all(COOKIE).iter();
        let known = cookies.filter_map(|cookies| cookies.to_str().ok()).find_map(|cookies| {
            let mut cookies = cookies.split(';').filter_map(|cookie| cookie.trim().split_once('='));
            let (_, id) = cookies.find(|(name, _)| *name == NAME)?;
            u128::from_str_radix(id, 16).ok()
        });
        Ok(known.map_or_else(
            || Self { id: rand::random(), is_new: true },
            |id| Self { id, is_new: false },
        ))
    }
}

/// The quotas of all visitors.
#[derive(Clone)]
pub struct Quotas {
    limit: usize,
    period: Duration,
    accounts: Arc<Mutex<Accounts>>,
}

#[derive(Default)]
struct Accounts {
    by_visitor: HashMap<u128, Arc<Account>>,
    /// In the order in which they expire.
    visitors: VecDeque<u128>,
}

/// What a visitor has, from the first answer on. It expires after a period, and the next answer opens
/// another one. Answers that still hold this one give back to it, and not to the next.
struct Account {
    expires: Instant,
    balance: Mutex<Balance>,
}

/// In tokens.
#[derive(Clone, Copy)]
struct Balance {
    left: usize,
    reserved: usize,
}

impl Account {
    fn balance(&self) -> MutexGuard<'_, Balance> {
        self.balance.lock().expect("no thread panics with the lock")
    }
}

/// What the page shows.
#[derive(Serialize)]
pub struct Standing {
    limit: usize,
    left: usize,
    /// By answers under way.
    reserved: usize,
    /// Seconds until it is whole again; `null` if it is.
    renewed_in: Option<u64>,
}

impl Quotas {
    pub fn new(limit: usize, period: Duration) -> Self {
        Self { limit, period, accounts: Arc::default() }
    }

    pub fn standing(&self, visitor: Visitor) -> Standing {
        let mut accounts = self.accounts();
        accounts.expire(Instant::now());
        let Some(account) = accounts.by_visitor.get(&visitor.id) else {
            return Standing { limit: self.limit, left: self.limit, reserved: 0, renewed_in: None };
        };
        let Balance { left, reserved } = *account.balance();
        Standing { limit: self.limit, left, reserved, renewed_in: Some(seconds(account)) }
    }

    /// Takes so many tokens from the visitor's quota until the reservation is dropped.
    pub fn reserve(&self, visitor: Visitor, tokens: usize) -> Result<Reservation, Exhausted> {
        let account = self.account(visitor);
        let mut balance = account.balance();
        let Some(left) = balance.left.checked_sub(tokens) else {
            // If enough may come back from answers under way, that is sooner than the next period.
            let is_held = balance.left + balance.reserved >= tokens;
            let retry_after = if is_held { 1 } else { seconds(&account) };
            return Err(Exhausted { tokens, standing: *balance, retry_after });
        };
        *balance = Balance { left, reserved: balance.reserved + tokens };
        drop(balance);
        Ok(Reservation { account, tokens })
    }

    fn account(&self, visitor: Visitor) -> Arc<Account> {
        let now = Instant::now();
        let mut accounts = self.accounts();
        accounts.expire(now);
        if let Some(account) = accounts.by_visitor.get(&visitor.id) {
            return account.clone();
        }
        if accounts.visitors.len() == MAX_VISITORS {
            accounts.forget_oldest();
        }
        let account = Arc::new(Account {
            expires: now + self.period,
            balance: Mutex::new(Balance { left: self.limit, reserved: 0 }),
        });
        accounts.visitors.push_back(visitor.id);
        accounts.by_visitor.insert(visitor.id, account.clone());
        account
    }

    fn accounts(&self) -> MutexGuard<'_, Accounts> {
        self.accounts.lock().expect("no thread panics with the lock")
    }
}

impl Accounts {
    fn expire(&mut self, now: Instant) {
        while self.visitors.front().is_some_and(|id| self.by_visitor[id].expires <= now) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some(id) = self.visitors.pop_front() {
            self.by_visitor.remove(&id);
        }
    }
}

/// Rounded up, so that it is not too early.
fn seconds(account: &Account) -> u64 {
    account.expires.saturating_duration_since(Instant::now()).as_secs() + 1
}

/// Tokens that an answer may still use. Dropping it gives them back.
pub struct Reservation {
    account: Arc<Account>,
    tokens: usize,
}

impl Reservation {
    /// Uses a token.
    pub fn spend(&mut self) {
        let spent = self.tokens.min(1);
        self.tokens -= spent;
        self.account.balance().reserved -= spent;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut balance = self.account.balance();
        balance.reserved -= self.tokens;
        balance.left += self.tokens;
    }
}

/// The visitor's quota is too small for another answer.
pub struct Exhausted {
    /// What the answer would reserve.
    tokens: usize,
    standing: Balance,
    /// In seconds.
    retry_after: u64,
}

/// 429 rather than an event: the status comes before a stream begins, clients and proxies know it, and
/// `Retry-After` says when to ask again.
impl IntoResponse for Exhausted {
    fn into_response(self) -> Response {
        let Self { tokens, standing: Balance { left, reserved }, retry_after } = self;
        let held = if reserved > 0 {
            format!(", and {reserved} are reserved for answers under way")
        } else {
            String::new()
        };
        let message = format!("an answer needs up to {tokens} tokens; you have {left} left{held}");
        (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, retry_after)], message).into_response()
    }
}
