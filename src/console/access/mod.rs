//! Who asks: cookies, tokens, signing in and out, accounts, the audit log.
//!
//! ```text
//! cookie ─▶ Register ─▶ Person ─┐
//! Bearer ─▶ local token ────────┴▶ Visitor (an extension of the request) ─▶ what the path needs ─▶ handler
//! ```
//! Owns how a request becomes a [`Visitor`], and what is written down of it. What an account allows belongs to [`crate::account`], what a path needs to the
//! path.

mod accounts;
mod audit;
mod data;
mod doors;
mod draw;
mod files;
mod session;
mod setup;

use std::{
    collections::BTreeSet,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio::time::sleep;

use self::{doors::Doors, files::SetupCode};
pub use self::{
    files::{AccessFileError, LOCAL_TOKEN},
    setup::First,
};
use super::{
    answer::{Answer, Refusal},
    guarded::{Guarded, Needs, Unlet},
    journal::Journal,
    visitor::{Person, Visitor},
};
use crate::{
    account::{
        Account, Change, Password, Permission, Places, Register, RegisterError, Role, Sight, Standing, Token,
        TokenHash, Unhashed,
    },
    config::Config,
    device::Device,
    evidence::{Action, Actor, Purpose},
    id::{CameraId, Login},
    time::Clock,
};

/// The session's cookie.
pub const COOKIE: &str = "cunkou_session";
/// How often it is looked whether somebody who watches still may.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(5);
/// Longest body, bytes: an account with a scope of every camera is some 40 KiB.
const BODY_LEN_MAX: usize = 128 << 10;
/// Longest path that is written down of a refusal, in characters.
const PATH_CHARS_MAX: usize = 200;

/// Who may in, and who is.
pub struct Access {
    register: Register,
    places: Arc<Places>,
    /// The machine's own token.
    local: TokenHash,
    journal: Journal,
    clock: Clock,
    config: Arc<Config>,
    doors: Doors,
    /// While nobody has an account. Guards the code, for a moment.
    setup: Mutex<Option<SetupCode>>,
    /// As the code is told to whoever starts the daemon.
    code: Option<String>,
}

impl Access {
    /// Opens the folder `access` of the station's data: the machine's token, and a code where nobody has an account.
    pub fn open(
        config: Arc<Config>,
        register: Register,
        journal: Journal,
        clock: Clock,
    ) -> Result<Self, AccessFileError> {
        let data = &config.paths.data;
        let local = match files::local_token(data) {
            Ok(token) => token.hash(),
            Err(error) => {
                // A disk that is full keeps nobody from his alerts.
                tracing::error!(%error, "the machine's own token cannot be kept: programs of this machine are not answered until the daemon is started again");
                files::passing_token(data)?.hash()
            }
        };
        let (setup, code) = match register.is_empty() {
            true => SetupCode::make(data).map(|(setup, code)| (Some(setup), Some(code)))?,
            false => {
                SetupCode::clear(data);
                (None, None)
            }
        };
        let places = Arc::new(Places::of(&config));
        let (doors, setup) = (Doors::default(), Mutex::new(setup));
        Ok(Self { register, places, local, journal, clock, config, doors, setup, code })
    }

    /// The code that makes the first account, while there is none: for whoever starts the daemon.
    pub fn setup_code(&self) -> Option<&str> {
        self.code.as_deref().filter(|_| self.register.is_empty())
    }

    /// Where the station is reached, where that was configured.
    pub(super) fn address(&self) -> Option<&url::Url> {
        self.config.console.address.as_ref()
    }

    /// What is written down of those who ask.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Makes an account with a password of this start, or gives one that is there a new one: for a demonstration. Gives the password.
    ///
    /// # Errors
    /// It cannot be kept, or the system gives no random bytes.
    pub async fn demonstrate(&self, role: Role, login: Login, name: &str, unit: &str) -> io::Result<String> {
        let word = || files::letters(4).map(|word| word.to_ascii_lowercase());
        let text = [word()?, word()?, word()?].join("-");
        let hash =
            self.register.hasher().hash(Password::new(text.clone())).await.map_err(io::Error::other)?;
        let (known, now) = (self.register.account(&login), self.clock.now().wall);
        let what = json!({ "login": login, "role": role });
        let action = if known.is_some() { Action::AccountChanged } else { Action::AccountMade };
        let purpose = Purpose::of_the_station("accounts of a demonstration");
        let written = self.journal.write_down(&Actor::daemon(), &purpose, action, what, Vec::new()).await;
        written.map_err(|Refusal(_, why)| io::Error::other(why))?;
        let done = match known {
            Some(_) => self.register.alter(&login, None, |account| account.password = hash).await,
            None => {
                let account = Account {
                    login,
                    name: name.to_owned(),
                    unit: unit.to_owned(),
                    role,
                    also: BTreeSet::new(),
                    scope: None,
                    password: hash,
                    standing: Standing::Enabled,
                    language: None,
                    made_at: now,
                };
                self.register.change(Change::Make(account)).await
            }
        };
        done.map_err(io::Error::other)?;
        self.forget_code();
        Ok(text)
    }

    /// Who asks; `None`: nobody knows.
    fn visitor(&self, headers: &HeaderMap) -> Option<Visitor> {
        let text = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        if let Some(bearer) = text.and_then(|text| text.strip_prefix("Bearer ")) {
            let is_local = Token::read(bearer.trim()).is_some_and(|token| token.hash() == self.local);
            return is_local.then(Visitor::machine);
        }
        self.of_session(session::cookie(headers)?.hash())
    }

    fn of_session(&self, session: TokenHash) -> Option<Visitor> {
        let known = self.register.recognise(session, self.clock.now().wall)?;
        let actor = known.account.actor().ok()?;
        let sight = match &known.account.scope {
            None => Sight::Everything,
            Some(scope) => Sight::Within(Arc::new(scope.clone()), Arc::clone(&self.places)),
        };
        let person = Person { actor, session, purpose: known.purpose, account: known.account };
        Some(Visitor::person(person, sight))
    }

    /// The same visitor as he is by now; `None` once his session is over. Whoever watches is at work: his session lasts the longer by it.
    pub(super) fn again(&self, visitor: &Visitor) -> Option<Visitor> {
        match visitor.as_person() {
            None => Some(visitor.clone()),
            Some(person) => self.of_session(person.session),
        }
    }

    /// Whether a device exists for a visitor: the first of its cameras, at which its alerts are, does.
    pub(super) fn sees_device(&self, visitor: &Visitor, device: &Device) -> bool {
        let cameras = match device {
            Device::Button(id) => self.config.buttons.get(id).map(|button| &button.cameras),
            Device::Sensor(id) => self.config.sensors.get(id).map(|sensor| &sensor.cameras),
        };
        let first = cameras.and_then(|cameras| cameras.first());
        first.map_or(visitor.sight().is_everything(), |camera| visitor.may_see(camera))
    }

    /// Returns once a visitor may not watch this camera any more.
    pub(super) async fn over(&self, visitor: &Visitor, permission: Permission, camera: &CameraId) {
        let may = |visitor: Visitor| visitor.may(permission) && visitor.may_see(camera);
        while self.again(visitor).is_some_and(may) {
            sleep(LOOKED_AT_EVERY).await;
        }
    }

    /// Writes down what was done with accounts and sessions: for no case.
    async fn write_down(&self, actor: &Actor, purpose: &str, action: Action, what: Value) -> Answer<()> {
        let purpose = Purpose::of_the_station(purpose);
        self.journal.write_down(actor, &purpose, action, what, Vec::new()).await
    }

    /// Writes down that somebody was refused what shows people, once in a while.
    pub(super) async fn write_refusal(
        &self,
        visitor: &Visitor,
        method: &str,
        path: &str,
        permission: Permission,
    ) {
        let Some(person) = visitor.as_person() else { return };
        let path: String = path.chars().take(PATH_CHARS_MAX).collect();
        let what = json!({ "login": person.account.login, "method": method, "path": path, "permission": permission });
        let purpose = Purpose::of_the_station("somebody asked for what his account does not allow");
        // He sees nothing in either case; that it cannot be written is told where it is tried.
        let _ =
            self.journal.write_once(&person.actor, &purpose, Action::AccessRefused, what, Vec::new()).await;
    }

    fn is_set_up(&self) -> bool {
        self.setup.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }
}

/// Finds out who asks, and writes down who was refused.
pub(super) async fn recognise(
    State(access): State<Arc<Access>>,
    mut request: Request,
    next: Next,
) -> Response {
    let visitor = access.visitor(request.headers());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    if let Some(visitor) = &visitor {
        request.extensions_mut().insert(visitor.clone());
    }
    let response = next.run(request).await;
    if let (Some(visitor), Some(Unlet::Lacks(permission) | Unlet::Part(permission))) =
        (visitor, response.extensions().get().copied())
        && permission.shows_people()
    {
        access.write_refusal(&visitor, method.as_str(), &path, permission).await;
    }
    response
}

/// Every path of accounts and sessions.
pub(super) fn routes() -> Guarded<Arc<Access>> {
    let whole = Needs::Whole;
    Guarded::new()
        .get("/api/v1/session", Needs::Nothing, session::show)
        .post("/api/v1/session", Needs::Nothing, session::sign_in)
        .delete("/api/v1/session", Needs::Account, session::sign_out)
        .put("/api/v1/session/purpose", Needs::Account, session::set_purpose)
        .delete("/api/v1/session/purpose", Needs::Account, session::clear_purpose)
        .put("/api/v1/session/password", Needs::Account, session::set_password)
        .put("/api/v1/session/language", Needs::Account, session::set_language)
        .post("/api/v1/setup", Needs::Nothing, setup::make_first)
        .get("/api/v1/accounts", whole(Permission::Accounts), accounts::list)
        .post("/api/v1/accounts", whole(Permission::Accounts), accounts::make)
        .put("/api/v1/accounts/{login}", whole(Permission::Accounts), accounts::alter)
        .delete("/api/v1/accounts/{login}", whole(Permission::Accounts), accounts::remove)
        .get("/api/v1/audit", whole(Permission::Audit), audit::show)
        .body_max(BODY_LEN_MAX)
}

impl From<RegisterError> for Refusal {
    fn from(error: RegisterError) -> Self {
        use crate::account::NotChanged;
        let status = match error {
            RegisterError::NotChanged(NotChanged::Unknown(_)) => StatusCode::NOT_FOUND,
            RegisterError::NotChanged(_) => StatusCode::CONFLICT,
            RegisterError::NotKept(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self(status, error.to_string())
    }
}

impl From<Unhashed> for Refusal {
    fn from(unhashed: Unhashed) -> Self {
        let status = match unhashed {
            Unhashed::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Unhashed::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self(status, unhashed.to_string())
    }
}

/// That somebody has to wait before he tries again.
fn too_soon(wait: Duration) -> Response {
    // The whole of the last second as well.
    let seconds = wait.as_secs() + 1;
    let words = format!("尝试过多，请在 {seconds} 秒后再试 · too many failures: try again in {seconds} s\n");
    (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, seconds.to_string())], words).into_response()
}
