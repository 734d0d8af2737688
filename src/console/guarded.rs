//! Paths, each with what it needs.
//!
//! Owns the one way in which a path is added to the page's server: with what somebody must be allowed for it. There is no other, so that none is forgotten.
//! Who a visitor is, was found out before ([`super::access`]).

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    handler::Handler,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{self, MethodRouter},
};

use super::visitor::Visitor;
use crate::account::Permission;

/// What somebody must be allowed, or have, to ask for a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: anybody who reaches the server.
    Nothing,
    /// An account, whatever it allows; the answer is the visitor's own.
    Account,
    /// This.
    One(Permission),
    /// This, and the whole station in his scope: the answer is about all of it.
    Whole(Permission),
}

impl From<Permission> for Needs {
    fn from(permission: Permission) -> Self {
        Self::One(permission)
    }
}

/// A path that is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// `get`, `post`, `put` or `delete`.
    pub method: &'static str,
    /// As the router has it: `/api/v1/alerts/{alert}`.
    pub path: &'static str,
    /// What it needs.
    pub needs: Needs,
}

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unlet {
    /// Nobody knows who he is.
    Stranger,
    /// His account does not allow it.
    Lacks(Permission),
    /// His account has a part of the station alone.
    Part(Permission),
}

impl Needs {
    /// Whether a visitor is let in.
    pub(super) fn judge(self, visitor: Option<&Visitor>) -> Result<(), Unlet> {
        let known = visitor.ok_or(Unlet::Stranger);
        match self {
            Self::Nothing => Ok(()),
            Self::Account => known.map(|_| ()),
            Self::One(permission) if known?.may(permission) => Ok(()),
            Self::Whole(permission) if known?.may(permission) => match known?.sight().is_everything() {
                true => Ok(()),
                false => Err(Unlet::Part(permission)),
            },
            Self::One(permission) | Self::Whole(permission) => Err(Unlet::Lacks(permission)),
        }
    }
}

impl IntoResponse for Unlet {
    fn into_response(self) -> Response {
        let mut response = match self {
            Self::Stranger => {
                let words = "请先登录 · sign in first (a program sends the station's local token)\n";
                let challenge = [(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))];
                (StatusCode::UNAUTHORIZED, challenge, words).into_response()
            }
            Self::Lacks(permission) => {
                let words = format!(
                    "您的账号没有此权限（{0}） · your account does not allow this ({0})\n",
                    permission.as_str()
                );
                (StatusCode::FORBIDDEN, words).into_response()
            }
            Self::Part(_) => {
                let words = "您的账号只能看到部分摄像机，此项涉及全站 · your account has a part of the station, and this is about all of it\n";
                (StatusCode::FORBIDDEN, words).into_response()
            }
        };
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response.extensions_mut().insert(self);
        response
    }
}

/// A router whose every path says what it needs.
pub(super) struct Guarded<S> {
    router: Router<S>,
    routes: Vec<Route>,
}

impl<S: Clone + Send + Sync + 'static> Guarded<S> {
    pub(super) fn new() -> Self {
        Self { router: Router::new(), routes: Vec::new() }
    }

    /// Adds `GET` (and `HEAD`).
    pub(super) fn get<H, T>(self, path: &'static str, needs: impl Into<Needs>, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        self.on("get", path, needs.into(), routing::get(handler))
    }

    /// Adds `POST`.
    pub(super) fn post<H, T>(self, path: &'static str, needs: impl Into<Needs>, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        self.on("post", path, needs.into(), routing::post(handler))
    }

    /// Adds `PUT`.
    pub(super) fn put<H, T>(self, path: &'static str, needs: impl Into<Needs>, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        self.on("put", path, needs.into(), routing::put(handler))
    }

    /// Adds `DELETE`.
    pub(super) fn delete<H, T>(self, path: &'static str, needs: impl Into<Needs>, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        self.on("delete", path, needs.into(), routing::delete(handler))
    }

    fn on(
        mut self,
        method: &'static str,
        path: &'static str,
        needs: Needs,
        methods: MethodRouter<S>,
    ) -> Self {
        let check = middleware::from_fn(move |request, next| check(needs, request, next));
        self.router = self.router.route(path, methods.route_layer(check));
        self.routes.push(Route { method, path, needs });
        self
    }

    /// Bodies of at most so many bytes.
    pub(super) fn body_max(mut self, bytes: usize) -> Self {
        self.router = self.router.layer(DefaultBodyLimit::max(bytes));
        self
    }

    /// With what its handlers answer from.
    pub(super) fn with_state(self, state: S) -> Guarded<()> {
        Guarded { router: self.router.with_state(state), routes: self.routes }
    }

    /// Every path.
    pub(super) fn routes(self) -> Vec<Route> {
        self.routes
    }
}

impl Guarded<()> {
    /// These paths and those.
    pub(super) fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.routes.extend(other.routes);
        self
    }

    /// What is served.
    pub(super) fn into_router(self) -> Router {
        self.router
    }
}

async fn check(needs: Needs, request: Request, next: Next) -> Response {
    if let Err(unlet) = needs.judge(request.extensions().get()) {
        return unlet.into_response();
    }
    if needs != Needs::Nothing && has_body(request.headers()) && !is_json(request.headers()) {
        let words = "send it as content-type: application/json\n";
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, words).into_response();
    }
    next.run(request).await
}

fn has_body(headers: &HeaderMap) -> bool {
    let is_empty = headers.get(header::CONTENT_LENGTH).is_none_or(|len| len.as_bytes() == b"0");
    !is_empty || headers.contains_key(header::TRANSFER_ENCODING)
}

/// Whether a body says that it is JSON. A page elsewhere can make a browser send a form here, but not JSON without asking first, which is refused.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim();
    ["application/json", "application/cloudevents+json"].iter().any(|json| media.eq_ignore_ascii_case(json))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{Permissions, Role, Scope, Sight};

    fn visitor(role: Role, sight: Sight) -> Visitor {
        Visitor::of_test(role.permissions(), sight)
    }

    #[test]
    fn each_need_lets_in_who_has_it_and_nobody_else() {
        let part = || Sight::Within(Scope::default().into(), crate::account::Places::default().into());
        for permission in Permission::ALL {
            for role in Role::ALL {
                let may = role.permissions().has(permission);
                let expected = if may { Ok(()) } else { Err(Unlet::Lacks(permission)) };
                let whole = visitor(role, Sight::Everything);
                assert_eq!(Needs::One(permission).judge(Some(&whole)), expected, "{permission:?} {role:?}");
                assert_eq!(Needs::Whole(permission).judge(Some(&whole)), expected, "{permission:?} {role:?}");
                let scoped = visitor(role, part());
                assert_eq!(Needs::One(permission).judge(Some(&scoped)), expected, "{permission:?} {role:?}");
                let expected = if may { Err(Unlet::Part(permission)) } else { expected };
                assert_eq!(
                    Needs::Whole(permission).judge(Some(&scoped)),
                    expected,
                    "{permission:?} {role:?}"
                );
            }
            assert_eq!(Needs::One(permission).judge(None), Err(Unlet::Stranger));
        }
        let nobody = Visitor::of_test(Permissions::default(), part());
        assert_eq!(Needs::Account.judge(Some(&nobody)), Ok(()));
        assert_eq!(Needs::Account.judge(None), Err(Unlet::Stranger));
        assert_eq!(Needs::Nothing.judge(None), Ok(()));
    }

    #[test]
    fn a_form_of_another_page_is_no_json() {
        let says = |media: &str| {
            is_json(&HeaderMap::from_iter([(header::CONTENT_TYPE, media.parse().expect("a value"))]))
        };
        assert!(says("application/json") && says("Application/JSON; charset=utf-8"));
        for form in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "text/plain; application/json",
        ] {
            assert!(!says(form), "{form}");
        }
        assert!(!is_json(&HeaderMap::new()));
        for (name, value, there) in [
            ("content-length", "0", false),
            ("content-length", "2", true),
            ("transfer-encoding", "chunked", true),
        ] {
            let headers: HeaderMap =
                [(name.parse().expect("a name"), value.parse().expect("a value"))].into_iter().collect();
            assert_eq!(has_body(&headers), there, "{name}: {value}");
        }
    }
}
