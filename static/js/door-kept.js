// Tickets that were scanned without a network: kept on this phone, and checked when it is back.
const door = document.querySelector("[data-door]");
const place = door.querySelector("[data-kept]");
const waiting = place.querySelector("[data-kept-waiting]");
const news = place.querySelector("[data-kept-news]");
const token = door.querySelector("[data-find]").elements.csrf_token?.value;
const PATIENCE = 6000; // milliseconds until an answer is given up, as in door.js
const KEPT = `kept ${door.dataset.door}`;
const TOLD = `told ${door.dataset.door}`;

// A browser that forbids storage forgets them with the page, and not before.
function stored(name) {
  try { return JSON.parse(localStorage.getItem(name)) ?? []; } catch { return []; }
}

function store(name, list) {
  try { localStorage.setItem(name, JSON.stringify(list)); } catch { /* in this page alone */ }
}

let kept = stored(KEPT); // tickets
let told = stored(TOLD); // what became of those who were not let in, until it is read

function keep(tickets, lines = told) {
  [kept, told] = [tickets, lines];
  store(KEPT, kept);
  store(TOLD, told);
  show();
}

function show() {
  waiting.hidden = !kept.length;
  waiting.textContent = waiting.dataset.keptWaiting.replace("{}", kept.length);
  place.hidden = waiting.hidden && !told.length;
}

door.addEventListener("unreached", ({ detail }) => {
  const [key, value] = detail.fields.has("attendee") ? ["attendee", detail.fields.get("attendee")] : ["q", code(detail.fields.get("q"))];
  detail.kept.again = kept.some((one) => one.key === key && one.value === value);
  if (!detail.kept.again) keep([...kept, { key, value, at: detail.asked }]);
});

// The code alone: a ticket is the same whether it is scanned or typed.
function code(text) {
  return text.trim().replace(/\/$/, "").replace(/[\s-]/g, "").slice(-8).toUpperCase();
}

let sending = false;

async function send() {
  if (sending || !token || !kept.length) return;
  sending = true;
  let sent = false;
  try {
    while (kept.length) {
      const [{ key, value, at }] = kept;
      const fields = new FormData();
      for (const [name, text] of Object.entries({ csrf_token: token, scan: "y", [key]: value, ago: (Date.now() - at) / 1000 })) fields.set(name, text);
      const answer = await fetch(door.dataset.door, { method: "POST", body: fields, headers: { "X-Requested-With": "fetch" }, signal: AbortSignal.timeout(PATIENCE) });
      // Signed out meanwhile, or the server is not well: they stay kept.
      if (answer.redirected || !answer.ok) break;
      // A phone's clock may be wrong: what is said is by that of the server.
      const wrong = Date.now() - Date.parse(answer.headers.get("Date")) || 0;
      const line = outcome(await answer.text(), value, at - wrong);
      keep(kept.filter((one) => one.key !== key || one.value !== value), line ? [...told, line] : told);
      if (line) tell(line);
      sent = true;
    }
  } catch { /* no network yet */ } finally {
    sending = false;
  }
  if (sent) door.dispatchEvent(new Event("sent"));
}

// Who was let in is counted; whoever else came is said, until it is read.
function outcome(html, value, at) {
  const said = new DOMParser().parseFromString(html, "text/html").querySelector("[data-outcome]");
  if (said.dataset.kind === "in") return undefined;
  // English is written as on the page: "a.m." rather than "AM".
  const when = new Date(at).toLocaleTimeString(document.documentElement.lang, { hour: "numeric", minute: "2-digit", timeZone: place.dataset.zone })
    .replace(/\b([AP])M\b/, (_, half) => `${half.toLowerCase()}.m.`);
  const who = said.querySelector("strong")?.textContent ?? value;
  const what = [when, said.querySelector("h2").textContent.trim(), said.querySelector("p:last-of-type")?.textContent.trim()].filter(Boolean).join(" · ");
  return { who, what };
}

function tell({ who, what }) {
  const line = place.querySelector("template").content.cloneNode(true);
  line.querySelector("bdi").textContent = who;
  line.querySelector("[data-what]").textContent = what;
  line.querySelector(".sr").textContent = ` ${who}`;
  news.append(line);
}

news.addEventListener("click", (event) => {
  const line = event.target.closest("button")?.closest("li");
  if (!line) return;
  const read = [...news.children].indexOf(line);
  line.remove();
  keep(kept, told.filter((_, number) => number !== read));
});
// Another tab of this door: a ticket is in one list, whichever tab has scanned it.
// It is not stored again from here: what that tab scans meanwhile would go.
addEventListener("storage", ({ key }) => {
  if (key !== KEPT && key !== TOLD) return;
  [kept, told] = [stored(KEPT), stored(TOLD)];
  news.replaceChildren();
  told.forEach(tell);
  show();
});
addEventListener("online", send);
door.addEventListener("reached", send);
told.forEach(tell);
show();
send();
