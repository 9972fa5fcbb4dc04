//! Limits the tokens that a visitor may use. An answer reserves its longest length, and returns
//! what it did not use, however it ends.

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

/// The largest number of visitors. Beyond it, the oldest is forgotten and gets a new quota. So does
/// anybody who deletes the cookie.
const MAX_VISITORS: usize = 10_000;

const NAME: &str = "visitor";

/// A visitor, identified by a browser's cookie. All windows of the browser share one quota.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Visitor {
    id: u128,
    is_new: bool,
}

impl Visitor {
    /// Sends the response, and the cookie if the visitor is new.
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
    /// The visitors, in the order in which their accounts expire.
    visitors: VecDeque<u128>,
}

/// The account of a visitor. The first answer opens it, and it expires after one period; the next
/// answer then opens another one. Answers still running return their tokens to the expired account,
/// and not to the new one.
struct Account {
    expires: Instant,
    balance: Mutex<Balance>,
}

/// The balance of an account, in tokens.
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

/// The state of a quota, as the page shows it.
#[derive(Serialize)]
pub struct Standing {
    limit: usize,
    left: usize,
    /// The tokens reserved by answers in progress.
    reserved: usize,
    /// The seconds until the quota is whole again; `null` if it is whole.
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

    /// Reserves tokens from the visitor's quota until the reservation is dropped.
    pub fn reserve(&self, visitor: Visitor, tokens: usize) -> Result<Reservation, Exhausted> {
        let account = self.account(visitor);
        let mut balance = account.balance();
        let Some(left) = balance.left.checked_sub(tokens) else {
            // Answers in progress may return enough, and much sooner than the next period.
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

/// Returns the seconds until an account expires, rounded up so that a client does not come back too
/// early.
fn seconds(account: &Account) -> u64 {
    account.expires.saturating_duration_since(Instant::now()).as_secs() + 1
}

/// The tokens that an answer may still use. Dropping it returns them.
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

/// The error when a visitor's quota is too small for another answer.
pub struct Exhausted {
    /// The number of tokens that the answer would reserve.
    tokens: usize,
    standing: Balance,
    /// The time after which to ask again, in seconds.
    retry_after: u64,
}

/// Responds with 429 rather than an event: no stream has begun, clients and proxies know the
/// status, and `Retry-After` says when to ask again.
impl IntoResponse for Exhausted {
    fn into_response(self) -> Response {
        let Self { tokens, standing: Balance { left, reserved }, retry_after } = self;
        let held = if reserved > 0 {
            format!(", and {reserved} are reserved for answers in progress")
        } else {
            String::new()
        };
        let message = format!("an answer needs up to {tokens} tokens; you have {left} left{held}");
        (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, retry_after)], message).into_response()
    }
}
