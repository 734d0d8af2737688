//! Who may what, from outside: the first account, each role at each path, scopes, the record of who acted.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    os::unix::fs::PermissionsExt,
};

use cunkou::{
    account::{Permission, Role},
    console::{Needs, Route, routes},
};
use serde_json::{Value, json};

use crate::{
    DEADLINE,
    broker::free_port,
    http::{self, Answer, Events, ask_as},
    need_model,
    program::Program,
    recordings::conforms,
    station::Station,
    until,
};

const PASSWORD: &str = "correct horse battery";

/// Somebody at a page.
struct Somebody {
    page: SocketAddr,
    cookie: String,
}

impl Somebody {
    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        ask_as(self.page, method, path, &[&self.cookie], body)
    }

    fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, None)
    }

    fn account(&self) -> Value {
        self.get("/api/v1/session").json()["account"].take()
    }
}

/// The cookie that an answer sets, as a browser sends it back.
fn cookie(answer: &Answer) -> String {
    let line = answer.headers.lines().find_map(|line| line.strip_prefix("set-cookie: "));
    let line = line.unwrap_or_else(|| panic!("{} {}: {}", answer.status, answer.text(), answer.headers));
    for attribute in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(line.contains(attribute), "{line}");
    }
    assert!(!line.contains("Secure"), "plain HTTP, and no address that is not: {line}");
    format!("Cookie: {}", line.split(';').next().expect("a first part"))
}

fn sign_in_with(page: SocketAddr, login: &str, password: &str) -> Answer {
    ask_as(page, "POST", "/api/v1/session", &[], Some(&json!({ "login": login, "password": password })))
}

fn sign_in(page: SocketAddr, login: &str) -> Somebody {
    let answer = sign_in_with(page, login, PASSWORD);
    assert_eq!(answer.status, 200, "{login}: {}", answer.text());
    assert_eq!(answer.json()["account"]["login"], login);
    Somebody { page, cookie: cookie(&answer) }
}

/// The first account, made with the code.
fn set_up(page: SocketAddr, station: &Station) -> Somebody {
    let code = fs::read_to_string(station.path("data/access/setup-code")).expect("there is a code");
    let wanted = json!({ "code": code.trim(), "login": "admin", "name": "管理员", "unit": "柳庄派出所", "password": PASSWORD });
    conforms("setup", &wanted);
    let made = ask_as(page, "POST", "/api/v1/setup", &[], Some(&wanted));
    assert_eq!(made.status, 201, "{}", made.text());
    Somebody { page, cookie: cookie(&made) }
}

fn account(login: &str, role: Role, scope: &Value) -> Value {
    json!({
        "login": login, "name": login.to_uppercase(), "unit": "柳庄派出所", "role": role, "also": [], "scope": scope,
        "password": PASSWORD,
    })
}

/// A station of two villages with a camera, that is never there, and a button each.
fn station() -> Station {
    let nowhere = |camera| format!("rtsp://127.0.0.1:{}/{camera}", free_port());
    let (station, broker) = (Station::new(&[("gate", nowhere("gate"))], 1), free_port());
    station.change("[village.upper]\n", &format!(
        "[village.lower]\n[entry_point.bridge]\nvillage = \"lower\"\n[camera.bridge]\nentry_point = \"bridge\"\nmain = \"{}\"\n\
         [button.low]\nvillage = \"lower\"\ncameras = [\"bridge\"]\n[button.up]\nvillage = \"upper\"\ncameras = [\"gate\"]\n[village.upper]\n",
        nowhere("bridge")
    ));
    station.change(
        "kind = \"external\"\nhost = \"127.0.0.1\"\nport = 1\n",
        &format!("kind = \"embedded\"\nlisten = \"127.0.0.1:{broker}\"\n"),
    );
    station
}

#[test]
fn the_first_account_is_made_with_the_code_and_once() {
    need_model();
    let station = station();
    let (program, page) = Program::run(&station.file);
    let session = ask_as(page, "GET", "/api/v1/session", &[], None).json();
    conforms("session", &session);
    assert_eq!((&session["setup"], &session["account"]), (&json!(true), &Value::Null));
    assert_eq!((&session["station"]["id"], &session["time_zone"]), (&json!("town"), &json!("Asia/Shanghai")));

    let file = station.path("data/access/setup-code");
    let code = fs::read_to_string(&file).expect("there").trim().to_owned();
    assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
    assert!(program.log().iter().any(|line| line.contains(&code)), "whoever starts it is told");
    let set_up_with = |code: &str, password: &str| {
        let wanted =
            json!({ "code": code, "login": "admin", "name": "Li", "unit": "station", "password": password });
        ask_as(page, "POST", "/api/v1/setup", &[], Some(&wanted))
    };
    assert_eq!(set_up_with("00000000", PASSWORD).status, 403);
    assert_eq!(set_up_with(&code, "short").status, 400);
    let made = set_up_with(&code.to_lowercase(), PASSWORD);
    assert_eq!((made.status, &made.json()["account"]["role"]), (201, &json!("administrator")));
    assert!(!file.exists());
    assert_eq!(set_up_with(&code, PASSWORD).status, 409);
    let admin = Somebody { page, cookie: cookie(&made) };
    assert_eq!(admin.account()["may"].as_array().expect("a list").len(), Permission::ALL.len());

    // What the session is for.
    assert_eq!(admin.get("/api/v1/clips").status, 403, "nobody has said what for");
    let purpose = json!({ "purpose": "寻找走失老人", "case": "A-1" });
    assert_eq!(
        admin.ask("PUT", "/api/v1/session/purpose", Some(&json!({ "purpose": "x", "case": "" }))).status,
        400
    );
    let told = admin.ask("PUT", "/api/v1/session/purpose", Some(&purpose));
    assert_eq!((told.status, &told.json()["purpose"]), (200, &purpose));
    assert_eq!(admin.get("/api/v1/clips").status, 200);
    assert_eq!(admin.get("/api/v1/clips?purpose=theft&case=B-2&who=nobody").status, 200);
    let log = admin.get("/api/v1/audit?action=search").json();
    let of = |at: usize| {
        ["who", "purpose", "case"].map(|name| log["entries"][at][name].as_str().expect("a text").to_owned())
    };
    assert_eq!(of(0), ["Li", "theft", "B-2"], "an address says it otherwise, but not who it is");
    assert_eq!(of(1), ["Li", "寻找走失老人", "A-1"]);
    assert_eq!(admin.ask("DELETE", "/api/v1/session/purpose", None).status, 204);
    assert_eq!(admin.get("/api/v1/clips").status, 403);

    // Accounts, the last administrator, passwords.
    let li = account("li", Role::Operator, &Value::Null);
    conforms("new_account", &li);
    assert_eq!(admin.ask("POST", "/api/v1/accounts", Some(&li)).status, 201);
    assert_eq!(admin.ask("POST", "/api/v1/accounts", Some(&li)).status, 409);
    assert_eq!(admin.ask("DELETE", "/api/v1/accounts/admin", None).status, 409);
    assert_eq!(admin.ask("DELETE", "/api/v1/accounts/wu", None).status, 404);
    let (one, other) = (sign_in(page, "li"), sign_in(page, "li"));
    let new = json!({ "old": PASSWORD, "new": "another horse battery" });
    assert_eq!(
        one.ask(
            "PUT",
            "/api/v1/session/password",
            Some(&json!({ "old": "x", "new": "another horse battery" }))
        )
        .status,
        403
    );
    assert_eq!(one.ask("PUT", "/api/v1/session/password", Some(&new)).status, 204);
    assert_eq!((one.get("/api/state").status, other.get("/api/state").status), (200, 401));
    let language = one.ask("PUT", "/api/v1/session/language", Some(&json!({ "language": "en" }))).json();
    assert_eq!(language["account"]["language"], "en");
    assert_eq!(sign_in_with(page, "li", PASSWORD).status, 401);
    let mut disabled = li.clone();
    disabled.as_object_mut().expect("an object").retain(|name, _| name != "login" && name != "password");
    disabled["disabled"] = json!(true);
    conforms("account_change", &disabled);
    assert_eq!(admin.ask("PUT", "/api/v1/accounts/li", Some(&disabled)).json()["disabled"], true);
    assert_eq!(one.get("/api/state").status, 401);
    assert_eq!(sign_in_with(page, "li", "another horse battery").status, 401);

    // Sessions outlive the daemon.
    program.signal("TERM");
    assert_eq!(program.ended().code, Some(0));
    let (_program, page) = Program::run(&station.file);
    assert_eq!(page, admin.page);
    assert!(!file.exists(), "there are accounts");
    assert_eq!(admin.ask("DELETE", "/api/v1/session", None).status, 204);
    assert_eq!(admin.get("/api/state").status, 401);
    let admin = sign_in(page, "admin");
    conforms("session", &admin.get("/api/v1/session").json());
    admin
        .get("/api/v1/accounts")
        .json()
        .as_array()
        .expect("a list")
        .iter()
        .for_each(|one| conforms("account", one));
    assert_eq!(admin.ask("DELETE", "/api/v1/accounts/li", None).status, 204);
    let log = admin.get("/api/v1/audit?limit=500");
    assert!(!log.text().contains("horse"), "no password is written down");
    let log = log.json();
    conforms("audit_page", &log);
    assert_eq!(log["whole"], true);
    let actions: BTreeSet<&str> = log["entries"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| entry["action"].as_str().expect("a text"))
        .collect();
    for action in
        ["signed-in", "sign-in-failed", "signed-out", "account-made", "account-changed", "account-removed"]
    {
        assert!(actions.contains(action), "{action}: {actions:?}");
    }
}

/// A path with something in each place that nobody has.
fn filled(route: &Route) -> String {
    let mut path = route.path.to_owned();
    for (name, value) in [
        ("{camera}", "none"),
        ("{clip}", "01M86693Y1D2E1D8EZZP34MACM"),
        ("{alert}", "01M86693Y1D2E1D8EZZP34MACM"),
        ("{hold}", "01M86693Y1D2E1D8EZZP34MACM"),
        ("{request}", "01M86693Y1D2E1D8EZZP34MACM"),
        ("{verb}", "ack"),
        ("{button}", "none"),
        ("{login}", "nobody"),
        ("{name}", "01M86693Y1D2E1D8EZZP34MACM.jpg"),
        ("{pack}", "none"),
        ("{file}", "none"),
        ("{secret}", "none"),
    ] {
        path = path.replace(name, value);
    }
    assert!(!path.contains('{'), "{path}: say what stands in for it");
    path
}

/// The status alone: some answers never end.
fn status(page: SocketAddr, route: &Route, headers: &[&str]) -> u16 {
    let (method, path) = (route.method.to_uppercase(), filled(route));
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {page}\r\nConnection: close\r\n");
    headers.iter().for_each(|line| request += &format!("{line}\r\n"));
    let body = if method == "GET" || method == "DELETE" {
        ""
    } else {
        "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    };
    let end = if body.is_empty() { "\r\n" } else { "" };
    let mut socket = TcpStream::connect(page).expect("it listens");
    socket.set_read_timeout(Some(DEADLINE)).expect("a socket has timeouts");
    socket.write_all(format!("{request}{body}{end}").as_bytes()).expect("it takes a request");
    let mut line = String::new();
    BufReader::new(socket).read_line(&mut line).expect("it answers");
    line.split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .unwrap_or_else(|| panic!("{method} {path}: {line}"))
}

#[test]
fn each_path_is_open_to_those_who_may_and_to_nobody_else() {
    need_model();
    let station = station();
    let (_program, page) = Program::run(&station.file);
    let admin = set_up(page, &station);
    let mut visitors = Vec::new();
    for role in Role::ALL {
        for (ending, scope) in
            [("", Value::Null), ("-of-upper", json!({ "villages": ["upper"], "cameras": [] }))]
        {
            let login = format!("{}{ending}", role.as_str());
            let made = admin.ask("POST", "/api/v1/accounts", Some(&account(&login, role, &scope)));
            assert_eq!(made.status, 201, "{}", made.text());
            let visitor = sign_in(page, &login);
            let purpose = json!({ "purpose": "寻找走失老人", "case": "A-1" });
            assert_eq!(visitor.ask("PUT", "/api/v1/session/purpose", Some(&purpose)).status, 200);
            visitors.push((role, !ending.is_empty(), visitor));
        }
    }
    let all = routes();
    assert!(all.len() > 50, "{}", all.len());
    for route in &all {
        let stranger = status(page, route, &[]);
        let wrong = status(page, route, &["Authorization: Bearer 0000", "Cookie: cunkou_session=xyz"]);
        if route.needs == Needs::Nothing {
            // A password or a code of nobody's is another matter.
            assert!(stranger != 401 && wrong != 401, "{route:?}: {stranger} {wrong}");
            continue;
        }
        assert_eq!((stranger, wrong), (401, 401), "{route:?}");
        // They would end, or take the purpose from, the session that asks.
        if route.method == "delete" && route.path.starts_with("/api/v1/session") {
            continue;
        }
        let local = status(page, route, &[http::bearer(page).trim()]);
        // A program says who, unit, purpose and case each time: without them it gets 403.
        assert_ne!(local, 401, "{route:?}");
        for (role, is_scoped, visitor) in &visitors {
            let may = match route.needs {
                Needs::Nothing | Needs::Account => true,
                Needs::One(permission) => role.permissions().has(permission),
                Needs::Whole(permission) => role.permissions().has(permission) && !is_scoped,
            };
            let status = status(page, route, &[&visitor.cookie]);
            assert_ne!(status, 401, "{route:?} {role:?}");
            assert_eq!(status != 403, may, "{route:?} {role:?}, scoped: {is_scoped}: {status}");
        }
    }
    let refused = admin.get("/api/v1/audit?action=access-refused&who=MAINTAINER&limit=500").json();
    let paths: Vec<&str> = refused["entries"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|entry| entry["what"]["path"].as_str())
        .collect();
    assert!(paths.contains(&"/api/v1/clips") && paths.contains(&"/api/v1/cameras/none/live"), "{paths:?}");
    let count = paths.iter().filter(|path| **path == "/api/v1/alerts").count();
    assert_eq!(count, 2, "once of each of the two who tried: {paths:?}");
}

#[test]
fn outside_of_a_scope_nothing_exists_and_who_acts_is_who_signed_in() {
    need_model();
    let station = station();
    let (_program, page) = Program::run(&station.file);
    let admin = set_up(page, &station);
    let scope = json!({ "villages": ["lower"], "cameras": [] });
    for (login, role, scope) in [("li", Role::Operator, &scope), ("mei", Role::Maintainer, &Value::Null)] {
        assert_eq!(admin.ask("POST", "/api/v1/accounts", Some(&account(login, role, scope))).status, 201);
    }
    let bad = account("wu", Role::Operator, &json!({ "villages": ["lowre"], "cameras": [] }));
    assert_eq!(admin.ask("POST", "/api/v1/accounts", Some(&bad)).status, 400, "no such village");
    let (li, mei) = (sign_in(page, "li"), sign_in(page, "mei"));
    let mut seen_by_li = Events::listen_as(page, "/api/events", &li.cookie);
    let mut seen_by_mei = Events::listen_as(page, "/api/events", &mei.cookie);

    let press = |button: &str| {
        let path = format!("/api/v1/buttons/{button}");
        ask_as(page, "POST", &path, &[], None).json()["alert"].as_str().expect("an alert").to_owned()
    };
    let (up, low) = (press("up"), press("low"));
    assert_eq!(
        seen_by_li.next("alert")["alert_id"],
        low.as_str(),
        "the other one was told before, to others"
    );

    let cameras = |somebody: &Somebody| {
        let state = somebody.get("/api/state").json();
        let ids = |list: &Value, name: &str| {
            list.as_array()
                .expect("a list")
                .iter()
                .map(|it| it[name].as_str().expect("an id").to_owned())
                .collect::<Vec<_>>()
        };
        (ids(&state["cameras"], "id"), ids(&state["alerts"], "alert_id"))
    };
    assert_eq!(cameras(&li), (vec!["bridge".to_owned()], vec![low.clone()]));
    assert_eq!(
        cameras(&mei),
        (vec!["bridge".to_owned(), "gate".to_owned()], vec![]),
        "a maintainer sees no alerts"
    );
    assert_eq!(cameras(&admin).1, [low.clone(), up.clone()]);
    let listed = |question: &str| {
        li.get(&format!("/api/v1/alerts{question}")).json()["alerts"].as_array().expect("a list").len()
    };
    assert_eq!((listed(""), listed("?camera=gate"), listed("?camera=gate,bridge")), (1, 0, 1));
    let range = "from=2026-03-09T00:00:00Z&to=2026-03-10T00:00:00Z";
    for (path, status) in [
        (format!("/api/v1/alerts/{up}"), 404),
        (format!("/api/v1/alerts/{low}"), 200),
        (format!("/api/v1/cameras/gate/timeline?{range}"), 404),
        (format!("/api/v1/cameras/bridge/timeline?{range}"), 200),
        (format!("/api/v1/gaps?{range}&camera=gate"), 200),
        ("/api/v1/analysis?camera=gate".to_owned(), 200),
        ("/api/v1/cameras/gate/live.mp4".to_owned(), 404),
        (format!("/snapshots/{up}.jpg"), 404),
        (format!("/api/v1/alerts/{up}/playback.mp4"), 404),
        ("/api/v1/report?span=day".to_owned(), 403),
    ] {
        let answer = li.get(&path);
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
    }
    // Nothing is recorded; that it is looked for is the alert's own purpose.
    let film = li.get(&format!("/api/v1/alerts/{low}/playback.mp4"));
    assert_eq!(film.status, 404, "{}", film.text());
    assert_eq!(li.get("/api/v1/devices").json().as_array().map(Vec::len), Some(1));

    let order = |alert: &str, verb: &str, body: &Value| {
        li.ask("POST", &format!("/api/v1/alerts/{alert}/{verb}"), Some(body))
    };
    let acknowledged = order(&low, "ack", &json!({}));
    assert_eq!(acknowledged.status, 200, "{}", acknowledged.text());
    assert_eq!(
        acknowledged.json()["alert"]["life"]["acknowledged"]["by"],
        json!({ "who": "LI", "unit": "柳庄派出所" })
    );
    let claimed = order(&low, "claim", &json!({ "actor": { "who": "somebody else", "unit": "x" } })).json();
    assert_eq!(claimed["alert"]["life"]["claim"]["by"]["who"], "LI", "whatever he says");
    assert_eq!(order(&up, "ack", &json!({})).status, 404);

    // Pages of others, forms, and bodies of another kind.
    let path = format!("/api/v1/alerts/{low}/release");
    let elsewhere =
        ask_as(page, "POST", &path, &[&li.cookie, "Origin: http://elsewhere.example"], Some(&json!({})));
    assert_eq!(elsewhere.status, 403, "{}", elsewhere.text());
    let form = ask_as(
        page,
        "POST",
        &path,
        &[&li.cookie, "Content-Type: text/plain", "Content-Length: 2", "", "{}"],
        None,
    );
    assert_eq!(form.status, 415, "{}", form.text());
    let own = ask_as(page, "POST", &path, &[&li.cookie, &format!("Origin: http://{page}")], Some(&json!({})));
    assert_eq!(own.status, 200, "{}", own.text());

    // Who has failed too often waits, and is told for how long.
    let waits = until("somebody to wait", || {
        let answer = sign_in_with(page, "li", "not the password");
        (answer.status != 401).then_some(answer)
    });
    assert!(waits.status == 429 && waits.headers.contains("retry-after: "), "{}", waits.headers);
    assert_eq!(sign_in_with(page, "li", PASSWORD).status, 429, "the right one as well");
    assert_eq!(sign_in_with(page, "mei", PASSWORD).status, 200, "nobody else");

    // The end of an account ends what it watches.
    assert_eq!(admin.ask("DELETE", "/api/v1/accounts/mei", None).status, 204);
    assert_eq!(seen_by_mei.next("signed-out"), Value::Null);
    assert_eq!(mei.get("/api/state").status, 401);
}
