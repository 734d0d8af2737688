//! What people want done with alerts, over MQTT, HTTP and the command line.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use cunkou::{
    alert::{Change, Earnest, Judged, Kind, Object, Occurrence, Severity},
    config,
    daemon::clerk::Clerk,
    detect::Class,
    geometry::UnitBox,
    id::{AlertId, Mint, TrackId},
    mqtt::payload::ModelData,
    store::{Outbox, SledLedger},
    time::{Clock, Wall},
};
use rumqttc::v5::{
    AsyncClient, Event, EventLoop, Incoming, MqttOptions,
    mqttbytes::{QoS, v5::PublishProperties},
};
use serde_json::{Value, json};
use tokio::{runtime::Runtime, sync::Barrier, time::timeout};

use crate::{
    DEADLINE,
    broker::{Mosquitto, Subscriber},
    http, need_model,
    payload::checked,
    program::{Program, cunkou},
    station::Station,
    until,
};

/// A station that has promised so many alerts, each of which leads an incident of its own, oldest first.
fn with_alerts(broker: &Mosquitto, count: usize) -> (Station, Vec<AlertId>) {
    let station = Station::blind(broker.port);
    station.change("[village.upper]", "[notice]\nincident_s = 1\n[village.upper]");
    let config = config::load(&station.file).expect("it is valid");
    let camera = config.cameras.first().expect("one");
    let rule = camera.rules.first().expect("one");
    let mut outbox =
        Outbox::open(SledLedger::open(&config.paths.data.join("store")).expect("opens")).expect("opens");
    let model = ModelData { name: "none".into(), sha256: "0".repeat(64) };
    let (mut clerk, mut mint) = (Clerk::new(&config, model, Mint::from_os()), Mint::from_os());
    let now = Clock::start().now().wall.unix_ms();
    let ids = (0..count).map(|n| {
        let at = Wall::from_unix_ms(now - 1500 * (count - n) as i64);
        let id = mint.alert(at);
        let occurrence = Occurrence {
            id,
            kind: Kind::ZoneEnter,
            severity: Severity::Critical,
            camera: Arc::clone(camera),
            others: Vec::new(),
            judged: Judged::Rule { id: rule.id.clone(), version: rule.version.clone() },
            direction: None,
            occurred_at: at,
            ended_at: None,
            objects: vec![Object {
                class: Class::Person,
                confidence: 0.9,
                bbox: UnitBox::new(0.1, 0.2, 0.3, 0.4),
                track: TrackId(1),
            }],
            earnest: Earnest::Real,
            explain: rule.name.clone(),
        };
        let assigned = clerk.assign(at, Change::Raised, &occurrence);
        let draft = clerk.draft(at, Change::Raised, &occurrence, None, assigned).expect("it is new");
        outbox.promise(draft.writes, &draft.messages).expect("the disk works");
        id
    });
    (station, ids.collect())
}

/// Somebody with a device of his own.
struct Client {
    name: String,
    mqtt: AsyncClient,
    events: EventLoop,
}

impl Client {
    async fn connect(port: u16, name: &str) -> Self {
        let mut options = MqttOptions::new(name, "127.0.0.1", port);
        options.set_clean_start(true);
        let (mqtt, mut events) = AsyncClient::new(options, 200);
        mqtt.try_subscribe(format!("cunkou/v1/town/answer/{name}"), QoS::AtLeastOnce).expect("there is room");
        while !matches!(
            events.poll().await.expect("the broker is there"),
            Event::Incoming(Incoming::SubAck(_))
        ) {}
        Self { name: name.to_owned(), mqtt, events }
    }

    fn say(&self, alert: AlertId, verb: &str, correlation: &str, command: &Value) {
        let properties = PublishProperties {
            response_topic: Some(format!("cunkou/v1/town/answer/{}", self.name)),
            correlation_data: Some(correlation.to_owned().into()),
            ..PublishProperties::default()
        };
        let topic = format!("cunkou/v1/town/command/alert/{alert}/{verb}");
        let payload = command.to_string();
        let said = self.mqtt.try_publish_with_properties(topic, QoS::AtLeastOnce, false, payload, properties);
        said.expect("there is room");
    }

    /// The next answer, and the correlation data that came with it.
    async fn answer(&mut self) -> (String, Value) {
        let answer = timeout(DEADLINE, async {
            loop {
                if let Event::Incoming(Incoming::Publish(publish)) =
                    self.events.poll().await.expect("it is there")
                {
                    let correlation = publish.properties.and_then(|p| p.correlation_data).unwrap_or_default();
                    let envelope: Value = serde_json::from_slice(&publish.payload).expect("JSON");
                    assert_eq!(envelope["type"], "cunkou.command.answer.v1");
                    return (String::from_utf8_lossy(&correlation).into_owned(), envelope["data"].clone());
                }
            }
        });
        answer.await.expect("an answer in time")
    }
}

fn by(mint: &mut Mint, who: &str) -> Value {
    json!({ "id": mint.command(Clock::start().now().wall).to_string(), "actor": { "who": who, "unit": who } })
}

fn connected(page: std::net::SocketAddr) {
    until("the broker is connected", || {
        (http::get(page, "/api/state").json()["broker_connected"] == true).then_some(())
    });
}

const CLIENTS: usize = 50;
const ALERTS: usize = 100;
/// Commands of one client that wait for their answers.
const AT_ONCE: usize = 10;

#[test]
fn fifty_who_claim_a_hundred_alerts_at_once_are_told_each_whose_it_is() {
    let Some(broker) = Mosquitto::start() else { return };
    need_model();
    let (station, alerts) = with_alerts(&broker, ALERTS);
    let (_program, page) = Program::run(&station.file);
    connected(page);
    let runtime = Runtime::new().expect("a runtime");
    let began = std::time::Instant::now();
    let outcomes: Vec<(String, AlertId, Value)> = runtime.block_on(async {
        let start = Arc::new(Barrier::new(CLIENTS));
        let clients = (0..CLIENTS).map(|nth| {
            let (alerts, start, port) = (alerts.clone(), Arc::clone(&start), broker.port);
            tokio::spawn(async move {
                let name = format!("client-{nth}");
                let (mut client, mut mint) = (Client::connect(port, &name).await, Mint::from_os());
                start.wait().await;
                // Each begins with another one.
                let order: Vec<AlertId> = (0..ALERTS).map(|n| alerts[(n * 7 + nth * 2) % ALERTS]).collect();
                let (mut said, mut outcomes) = (0, Vec::new());
                while outcomes.len() < ALERTS {
                    while said < ALERTS && said < outcomes.len() + AT_ONCE {
                        client.say(order[said], "claim", &said.to_string(), &by(&mut mint, &name));
                        said += 1;
                    }
                    let (nth, answer) = client.answer().await;
                    outcomes.push((name.clone(), order[nth.parse::<usize>().expect("ours")], answer));
                }
                outcomes
            })
        });
        let mut all = Vec::new();
        for client in clients.collect::<Vec<_>>() {
            all.extend(client.await.expect("no panic"));
        }
        all
    });
    println!("{} commands answered in {:?}", outcomes.len(), began.elapsed());
    let mut owners: BTreeMap<AlertId, &str> = BTreeMap::new();
    for (who, alert, answer) in &outcomes {
        if answer["result"] == "ok" {
            assert_eq!(owners.insert(*alert, who), None, "one owner each");
        }
    }
    assert_eq!(owners.len(), ALERTS);
    for (who, alert, answer) in &outcomes {
        let owner = owners[alert];
        assert_eq!(
            answer["alert"]["life"]["claim"]["by"]["who"], *owner,
            "{who} is told whose {alert} is: {answer}"
        );
        assert!(answer["result"] == "ok" || answer["result"] == "conflict", "{answer}");
    }
}

#[test]
fn a_command_is_answered_alike_over_mqtt_http_and_the_command_line() {
    let Some(broker) = Mosquitto::start() else { return };
    need_model();
    let (station, alerts) = with_alerts(&broker, 4);
    let (_program, page) = Program::run(&station.file);
    connected(page);
    let states = Subscriber::start(&broker, "cunkou/v1/town/#");
    let runtime = Runtime::new().expect("a runtime");
    let mut mint = Mint::from_os();

    // Said twice, it is done once.
    let claim = by(&mut mint, "li");
    let (first, again, nobody) = runtime.block_on(async {
        let mut client = Client::connect(broker.port, "phone").await;
        client.say(alerts[0], "claim", "one", &claim);
        let (correlation, first) = client.answer().await;
        assert_eq!(correlation, "one");
        client.say(alerts[0], "claim", "two", &claim);
        let (correlation, again) = client.answer().await;
        assert_eq!(correlation, "two");
        client.say(alerts[0], "claim", "three", &json!("nonsense"));
        (first, again, client.answer().await.1)
    });
    assert_eq!(first["result"], "ok", "{first}");
    assert_eq!((&again["result"], &again["rev"]), (&first["result"], &first["rev"]), "{again}");
    assert_eq!(nobody["result"], "invalid", "{nobody}");
    let topic = format!("cunkou/v1/town/alert-state/{}", alerts[0]);
    let (state, _) = states.wait("the claim is told", &topic, |state| state["data"]["state"] == "claimed");
    checked(&state);
    let (answer, _) = states.wait("an answer", "cunkou/v1/town/answer/phone", |_| true);
    checked(&answer);

    let path = format!("/api/v1/alerts/{}", alerts[0]);
    let post =
        |verb: &str, media: &str, body: &Value| http::post(page, &format!("{path}/{verb}"), media, body);
    let other = post("claim", "application/json", &json!({ "actor": { "who": "wang", "unit": "other" } }));
    assert_eq!((other.status, other.json()["result"].as_str()), (409, Some("conflict")));
    assert_eq!(other.json()["alert"]["life"]["claim"]["by"]["who"], "li");
    let strange = json!({ "actor": { "who": "wang", "unit": "other" } });
    assert_eq!(post("resolve", "application/json", &strange).status, 403);
    assert_eq!(post("resolve", "text/plain", &strange).status, 415);
    assert_eq!(post("fly", "application/json", &strange).status, 404);
    assert_eq!(post("ack", "application/json", &json!({})).status, 400);
    let old = json!({ "actor": { "who": "li", "unit": "li" }, "at": "2026-03-09T18:04:05Z" });
    assert_eq!(post("resolve", "application/json", &old).status, 410);
    assert_eq!(http::get(page, &path).json()["state"], "claimed");

    // Newest first, page by page.
    let open = http::get(page, "/api/v1/alerts?state=open&limit=3").json();
    let listed = |page: &Value| -> Vec<String> {
        page["alerts"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|a| a["alert_id"].as_str().expect("an id").into())
            .collect()
    };
    let newest: Vec<String> = alerts.iter().rev().map(AlertId::to_string).collect();
    assert_eq!(listed(&open), newest[..3]);
    let rest =
        http::get(page, &format!("/api/v1/alerts?state=open&after={}", open["next"].as_str().expect("more")))
            .json();
    assert_eq!((listed(&rest), &rest["next"]), (newest[3..].to_vec(), &Value::Null));
    assert_eq!(http::get(page, "/api/v1/alerts?state=done").status, 400);

    let at = format!("http://{page}");
    let id = alerts[1].to_string();
    let alert = |more: &[&str]| {
        cunkou(&[&["alert"], more, &["--at", &at, "--who", "li", "--unit", "patrol"]].concat())
    };
    let dismissed = alert(&["dismiss", &id, "--reason", "harmless", "--note", "a dog"]);
    assert_eq!(dismissed.code, Some(0), "{:?}", dismissed.log);
    assert_eq!(alert(&["claim", &id]).code, Some(1), "closed stays closed");
    assert_eq!(alert(&["dismiss", &newest[0]]).code, Some(2), "it needs a reason");
    let closed = cunkou(&["alerts", "--at", &at, "--state", "dismissed", "--json"]);
    assert_eq!((closed.code, closed.out.len()), (Some(0), 1), "{:?}", closed.out);
    assert!(closed.out[0].contains(&id));
}

#[test]
fn what_is_said_while_the_daemon_is_killed_is_done_after_the_start_unless_it_is_old() {
    let Some(broker) = Mosquitto::start() else { return };
    need_model();
    let (station, alerts) = with_alerts(&broker, 4);
    let (program, page) = Program::run(&station.file);
    connected(page);
    let runtime = Runtime::new().expect("a runtime");
    let mut mint = Mint::from_os();
    let mut client = runtime.block_on(Client::connect(broker.port, "phone"));
    let ready = by(&mut mint, "li");
    client.say(alerts[3], "ack", "ready", &ready);
    assert_eq!(runtime.block_on(client.answer()).1["result"], "ok");
    program.kill();
    let ago = |seconds: i64| {
        let now = Clock::start().now().wall.unix_ms();
        Value::from(Wall::from_unix_ms(now - 1000 * seconds).to_string())
    };
    let with = |mut command: Value, at: Option<Value>| {
        command["at"] = at.unwrap_or(Value::Null);
        command
    };
    client.say(alerts[0], "claim", "new", &with(by(&mut mint, "li"), Some(ago(0))));
    client.say(alerts[1], "claim", "old", &with(by(&mut mint, "li"), Some(ago(31))));
    client.say(alerts[2], "claim", "unknown", &by(&mut mint, "li"));
    runtime.block_on(async {
        // The client has to send it.
        let _ = timeout(Duration::from_secs(3), async {
            loop {
                let _ = client.events.poll().await;
            }
        })
        .await;
    });
    let (_program, page) = Program::run(&station.file);
    let mut answers = BTreeMap::new();
    while answers.len() < 3 {
        let (correlation, answer) = runtime.block_on(client.answer());
        answers.insert(correlation, answer["result"].as_str().expect("a result").to_owned());
    }
    let told = |of: &str| answers[of].as_str();
    assert_eq!((told("new"), told("old"), told("unknown")), ("ok", "expired", "expired"));
    assert_eq!(http::get(page, &format!("/api/v1/alerts/{}", alerts[0])).json()["state"], "claimed");
}
