// The first page: the latest alerts and the state of each camera, live.
//
// Reads everything once from /api/state, then follows /api/events; on `resync`, and after a lost connection, it reads everything
// anew. Text goes into the page as text, never as markup.

const SEVERITY = { info: ["提示", "info"], warning: ["注意", "warning"], major: ["重要", "major"], critical: ["紧急", "critical"] };
const STATE = {
  online: ["在线", "online"], degraded: ["异常", "degraded"], offline: ["离线", "offline"],
  maintenance: ["检修", "maintenance"], unknown: ["连接中", "connecting"],
};
const REASON = {
  auth: ["密码错误", "wrong password"], refused: ["拒绝连接", "refused"], timeout: ["无响应", "no answer"],
  "no-keyframe": ["无关键帧", "no key frame"], "fps-low": ["帧率过低", "frame rate low"], frozen: ["画面冻结", "frozen"],
  covered: ["被遮挡", "covered"], moved: ["被移动", "moved"], dark: ["过暗", "dark"], bright: ["过亮", "too bright"],
  blurred: ["模糊", "blurred"], clock: ["时钟偏差", "clock is off"], undecodable: ["无法解码", "cannot be decoded"],
};
const LEVEL = { ring: ["圈", "ring"], block: ["块", "block"], line: ["线", "line"], point: ["点", "point"] };
const LIFE = {
  raised: ["待确认", "nobody has answered"], acknowledged: ["已确认", "acknowledged"], escalated: ["已升级，无人认领", "escalated, nobody goes"],
  claimed: ["处置中", "somebody goes"], resolved: ["已处置", "resolved"], dismissed: ["已排除", "dismissed"], expired: ["超时未处置", "expired"],
};
const ALERTS_MAX = 100;

const shown = { zone: "UTC", alerts: new Map(), cameras: new Map() };
const at = (id) => document.getElementById(id);

/** An element of class `cls` with children; texts become text nodes. */
function element(tag, cls, ...children) {
  const made = document.createElement(tag);
  if (cls) made.className = cls;
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** Chinese first, English smaller. */
function both([zh, en], tag = "span", cls = "") {
  return element(tag, cls, zh, " ", english(en));
}

function english(text) {
  const made = element("small", "", text);
  made.lang = "en";
  return made;
}

function clockTime(iso) {
  return new Intl.DateTimeFormat("zh-CN", { timeZone: shown.zone, hour12: false, hour: "2-digit", minute: "2-digit", second: "2-digit" })
    .format(new Date(iso));
}

function duration(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return [`${s}秒`, `${s} s`];
  const m = Math.floor(s / 60);
  return m < 60 ? [`${m}分`, `${m} min`] : [`${Math.floor(m / 60)}小时${m % 60}分`, `${Math.floor(m / 60)} h ${m % 60} min`];
}

function ago(iso) {
  const [zh, en] = duration(Date.now() - Date.parse(iso));
  return [`${zh}前`, `${en} ago`];
}

/** What crossed a line was over at once; what stayed somewhere lasted. */
function over(alert) {
  const ms = Date.parse(alert.ended_at) - Date.parse(alert.occurred_at);
  if (ms < 1000) return ["已结束", "over"];
  const [zh, en] = duration(ms);
  return [`已结束，持续${zh}`, `over after ${en}`];
}

function picture(alert) {
  // A neighbour's pictures are the neighbour's: they are not fetched.
  if (alert.home) return element("div", "picture missing", both(["图片在邻站", "the picture is the neighbour's"]));
  if (!alert.snapshot) return element("div", "picture missing", both(["无图片", "no picture"]));
  const image = element("img", "");
  image.src = alert.snapshot.boxed_url;
  image.alt = `${alert.explain.zh} ${alert.explain.en}`;
  image.loading = "lazy";
  const link = element("a", "picture", image);
  link.href = alert.snapshot.url;
  link.target = "_blank";
  link.rel = "noopener";
  return link;
}

/** How far its life is, who has it in hand, and who was told. */
function answered(alert) {
  const life = alert.life ?? {};
  const actor = life.closed?.by ?? life.claim?.by ?? (alert.state === "acknowledged" ? life.acknowledged?.by : null);
  const posts = [...new Set((life.told ?? []).flatMap((told) => told.posts))];
  const line = element("p", `answered ${alert.state}`, both(LIFE[alert.state] ?? [alert.state, alert.state]));
  if (actor) line.append(` · ${actor.who}（${actor.unit}）`);
  if (posts.length > 0) line.append(" · ", both(["已通知", "told"]), ` ${posts.join("、")}`);
  if (alert.drill) line.append(" · ", both(["演练", "drill"], "strong"));
  return line;
}

function alertCard(alert) {
  const life = alert.ended_at ? both(over(alert), "span", "life") : both(["正在发生", "going on"], "span", "life live");
  const age = both(ago(alert.occurred_at), "span", "age");
  age.dataset.since = alert.occurred_at;
  const card = element("li", `alert ${alert.severity}`,
    picture(alert),
    element("div", "facts",
      element("p", "head", both(SEVERITY[alert.severity] ?? [alert.severity, alert.severity], "span", "severity"),
        element("time", "", clockTime(alert.occurred_at)), age, life,
        alert.home ? both([`邻站 ${alert.home}`, `of ${alert.home}`], "span", "home") : ""),
      element("p", "zh", alert.explain.zh),
      english(alert.explain.en),
      element("p", "place", alert.camera.name.zh, " ", english(`${alert.camera.name.en} · `),
        both(LEVEL[alert.camera.level] ?? ["", alert.camera.level])),
      answered(alert)));
  card.dataset.id = alert.alert_id;
  return card;
}

function showAlert(alert) {
  const before = at("alerts").querySelector(`[data-id="${CSS.escape(alert.alert_id)}"]`);
  shown.alerts.set(alert.alert_id, alert);
  const card = alertCard(alert);
  if (before) {
    before.replaceWith(card);
  } else {
    at("alerts").prepend(card);
    card.classList.add("new");
    while (at("alerts").children.length > ALERTS_MAX) {
      shown.alerts.delete(at("alerts").lastElementChild.dataset.id);
      at("alerts").lastElementChild.remove();
    }
  }
  at("no-alerts").hidden = shown.alerts.size > 0;
}

function cameraRow(camera) {
  const health = camera.health;
  const state = health?.state ?? "unknown";
  const reasons = (health?.reasons ?? []).map((reason) => both(REASON[reason] ?? [reason, reason], "span", "reason"));
  const facts = health && (state === "online" || state === "degraded")
    ? element("span", "rate", `${health.fps.toFixed(1)} fps · ${Math.round(health.kbps)} kbit/s`) : null;
  const since = health ? both(ago(health.since), "span", "age") : null;
  if (since) since.dataset.since = health.since;
  const row = element("li", `camera ${state}`,
    element("p", "name", camera.name.zh, " ", english(camera.name.en)),
    element("p", "place", both([camera.village.zh, camera.village.en])),
    element("p", "state", both(STATE[state] ?? [state, state], "span", "word"), since, ...reasons, facts),
    health?.detail ? element("p", "detail", health.detail) : null);
  row.dataset.id = camera.id;
  return row;
}

function showCamera(camera) {
  const before = at("cameras").querySelector(`[data-id="${CSS.escape(camera.id)}"]`);
  shown.cameras.set(camera.id, camera);
  const row = cameraRow(camera);
  if (before) before.replaceWith(row);
  else at("cameras").append(row);
}

function countCameras() {
  const states = [...shown.cameras.values()].map((camera) => camera.health?.state ?? "unknown");
  const inService = states.filter((state) => state !== "maintenance").length;
  const up = states.filter((state) => state === "online" || state === "degraded").length;
  lamp("lamp-cameras", up === inService ? "good" : "bad", [`摄像机 ${up}/${inService}`, `cameras ${up} of ${inService}`]);
}

function lamp(id, cls, [zh, en]) {
  if (at(id).className === cls && at(id).textContent === `${zh} ${en}`) return;
  at(id).className = cls;
  at(id).replaceChildren(zh, " ", english(en));
}

function showBroker(connected) {
  lamp("lamp-broker", connected ? "good" : "bad",
    connected ? ["告警通道正常", "broker connected"] : ["告警通道中断，告警已保存", "broker away, alerts are kept"]);
}

function showStore(trouble) {
  lamp("lamp-store", trouble ? "bad" : "good",
    trouble ? ["告警无法保存", `alerts cannot be kept: ${trouble}`] : ["告警保存正常", "store writes"]);
}

/** News that came while everything was being read; it may be newer than what was read. */
let held = null;
const HELD_MAX = 1000;
const READ_AGAIN_MS = 3000;

async function readAll() {
  held = [];
  const answer = await fetch("/api/state");
  if (!answer.ok) throw new Error(`/api/state: ${answer.status}`);
  const all = await answer.json();
  shown.zone = all.time_zone;
  at("station").replaceChildren(all.station.zh, " ", english(all.station.en));
  at("alerts").replaceChildren();
  shown.alerts.clear();
  for (const alert of all.alerts.toReversed()) showAlert(alert);
  for (const card of at("alerts").children) card.classList.remove("new");
  at("cameras").replaceChildren();
  shown.cameras.clear();
  for (const camera of all.cameras) showCamera(camera);
  countCameras();
  showBroker(all.broker_connected);
  showStore(all.store_trouble);
  at("no-alerts").hidden = shown.alerts.size > 0;
  const news = held ?? [];
  held = null;
  for (const show of news) show();
}

/** Shows news now, or once everything was read. */
function hear(show) {
  if (!held) show();
  else if (held.length < HELD_MAX) held.push(show);
}

/** One reading at a time; who asks meanwhile is answered by another one after it. */
let reading = "no";

async function refresh() {
  if (reading !== "no") {
    reading = "again";
    return;
  }
  reading = "yes";
  try {
    await readAll();
    lamp("lamp-page", "good", ["实时更新中", "page live"]);
  } catch {
    lamp("lamp-page", "bad", ["页面读取失败，正在重试", "page cannot read the state, trying again"]);
    setTimeout(refresh, READ_AGAIN_MS);
  }
  const again = reading === "again";
  reading = "no";
  if (again) refresh();
}

function follow() {
  const events = new EventSource("/api/events");
  events.addEventListener("open", refresh);
  events.addEventListener("resync", refresh);
  events.addEventListener("error", () => lamp("lamp-page", "bad", ["页面已断开，正在重连", "page disconnected, trying again"]));
  events.addEventListener("alert", (event) => hear(() => showAlert(JSON.parse(event.data))));
  events.addEventListener("broker", (event) => hear(() => showBroker(JSON.parse(event.data))));
  events.addEventListener("store", (event) => hear(() => showStore(JSON.parse(event.data))));
  events.addEventListener("camera", (event) => hear(() => {
    const health = JSON.parse(event.data);
    const camera = shown.cameras.get(health.camera);
    if (camera) showCamera({ ...camera, health });
    countCameras();
  }));
}

function tick() {
  at("clock").textContent = clockTime(new Date().toISOString());
  for (const age of document.querySelectorAll("[data-since]")) {
    const [zh, en] = ago(age.dataset.since);
    age.replaceChildren(zh, " ", english(en));
  }
}

setInterval(tick, 1000);
follow();
