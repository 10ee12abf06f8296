// Tickets that were scanned without a network: kept on this phone, and checked when it is back.
const door = document.querySelector("[data-door]");
const place = door.querySelector("[data-kept]");
const waiting = place.querySelector("[data-kept-waiting]");
const news = place.querySelector("[data-kept-news]");
const token = door.querySelector("[data-find]").elements.csrf_token.value;
const NAME = `kept ${door.dataset.door}`;

// A browser that forbids storage forgets them with the page, and not before.
let kept = [];
try { kept = JSON.parse(localStorage.getItem(NAME)) ?? []; } catch { /* as if there were none */ }

function keep(changed) {
  kept = changed;
  try { localStorage.setItem(NAME, JSON.stringify(kept)); } catch { /* in this page alone */ }
  waiting.hidden = !kept.length;
  waiting.textContent = waiting.dataset.keptWaiting.replace("{}", kept.length);
  place.hidden = waiting.hidden && !news.children.length;
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
  if (sending || !kept.length) return;
  sending = true;
  let sent = false;
  try {
    while (kept.length) {
      const [{ key, value, at }] = kept;
      const fields = new FormData();
      for (const [name, text] of Object.entries({ csrf_token: token, scan: "y", [key]: value, ago: (Date.now() - at) / 1000 })) fields.set(name, text);
      const answer = await fetch(door.dataset.door, { method: "POST", body: fields, headers: { "X-Requested-With": "fetch" }, signal: AbortSignal.timeout(6000) });
      // Signed out meanwhile, or the server is not well: they stay kept.
      if (answer.redirected || !answer.ok) break;
      tell(await answer.text(), value, at);
      keep(kept.slice(1));
      sent = true;
    }
  } catch { /* no network yet */ } finally {
    sending = false;
  }
  if (sent) door.dispatchEvent(new Event("sent"));
}

// Who was let in is counted; whoever else came is said, until it is read.
function tell(html, value, at) {
  const said = new DOMParser().parseFromString(html, "text/html").querySelector("[data-outcome]");
  if (said.dataset.kind === "in") return;
  const line = place.querySelector("template").content.cloneNode(true);
  // English is written as on the page: "a.m." rather than "AM".
  const when = new Date(at).toLocaleTimeString(document.documentElement.lang, { hour: "numeric", minute: "2-digit", timeZone: place.dataset.zone })
    .replace(/\b([AP])M\b/, (_, half) => `${half.toLowerCase()}.m.`);
  const who = said.querySelector("strong")?.textContent ?? value;
  line.querySelector("bdi").textContent = who;
  line.querySelector("[data-what]").textContent = [when, said.querySelector("h2").textContent.trim(), said.querySelector("p:last-of-type")?.textContent.trim()].filter(Boolean).join(" · ");
  line.querySelector(".sr").textContent = ` ${who}`;
  news.append(line);
}

news.addEventListener("click", (event) => {
  event.target.closest("button")?.closest("li").remove();
  keep(kept);
});
addEventListener("online", send);
door.addEventListener("reached", send);
keep(kept);
send();
