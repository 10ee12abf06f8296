// An open lobby follows what staff do: it asks a small document that is the same for all, and
// turns its parts on and off. Ten thousand do so at once, so each waits a little differently.
const root = document.querySelector("[data-lobby]");
const said = { ...root.dataset };
const opened = Date.now();
let failures = 0;
let timer;

const chance = (seconds) => Math.random() * seconds * 1000;
const later = (seconds, then) => setTimeout(then, chance(seconds));

function plan(seconds) {
  clearTimeout(timer);
  if (seconds > 0) timer = setTimeout(ask, seconds * 1000 * (0.75 + Math.random() / 2));
}

async function ask() {
  let next = Number(said.askAgain) || 30;
  try {
    const answer = await fetch(root.dataset.lobby, { credentials: "omit", signal: AbortSignal.timeout(10000) });
    if (!answer.ok) throw new Error(answer.statusText);
    const status = await answer.json();
    failures = 0;
    next = status.ask_again;
    follow(status);
  } catch {
    // Slower and slower: a server in trouble is not helped by ten thousand questions.
    failures += 1;
    next = Math.min(60, next * 2 ** failures);
  }
  plan(next);
}

function follow(status) {
  // Another time, or a recording that this page does not know: only a new page can say it. Nobody's
  // player is interrupted because there will be more to see.
  const isMoved = status.starts_at !== said.starts;
  const isExtended = status.ends_at !== said.ends && !root.querySelector("[data-player]");
  if (isMoved || isExtended) return later(20, () => location.reload());
  if (status.state === "recording" && !said.recorded) return later(30, () => location.reload());
  said.askAgain = status.ask_again;
  for (const note of root.querySelectorAll("[data-note]")) {
    if (note.textContent !== status.note) note.textContent = status.note;
    note.hidden = !status.note;
  }
  if (status.state !== said.state) {
    const says = root.querySelector("[data-says]");
    const stood = document.activeElement;
    const isOpened = said.state === "before" && !said.stream;
    said.state = root.dataset.state = status.state;
    for (const part of root.querySelectorAll("[data-when]")) part.hidden = !part.dataset.when.split(" ").includes(status.state);
    // Who cannot see that hears it, and who stood on what has gone stands on what has come.
    says.textContent = says.dataset[status.state] ?? (isOpened ? says.dataset.opened : "");
    if (stood.closest("[hidden]")) [...root.querySelectorAll("a, button")].find((way) => way.offsetParent)?.focus();
  }
  if (String(status.revision) !== said.revision) {
    if (said.stream) later(4, () => tune(status.revision));
    else said.revision = String(status.revision);
  }
}

// Who is in sees another source without a new page; an unchanged one plays on. What could not be
// asked now is asked again with the next status, since the revision is still another one.
async function tune(revision) {
  try {
    const answer = await fetch(said.stream, { signal: AbortSignal.timeout(10000) });
    if (!answer.ok) return;
    const { player, link } = await answer.json();
    said.revision = String(revision);
    const frame = root.querySelector("[data-player]");
    const way = root.querySelector("[data-link]");
    if (frame && player) { if (frame.getAttribute("src") !== player) frame.src = player; }
    else if (way && link) lead(way, link);
    else if (player || link) location.reload();
  } catch { /* the network is away; the link under the player loads it again, too */ }
}

// Who has opened the meeting sits in the old one: nothing there says that it goes on elsewhere.
function lead(way, link) {
  if (way.getAttribute("href") === link) return;
  way.href = link;
  root.querySelector("[data-moved]").hidden = false;
}

// What of the programme is on now, by the server's clock.
function mark() {
  const moment = Date.parse(said.clock) + Date.now() - opened;
  const isOn = ["open", "live", "backup"].includes(said.state);
  for (const item of root.querySelectorAll("[data-from]")) {
    const isNow = isOn && Date.parse(item.dataset.from) <= moment && moment < Date.parse(item.dataset.until);
    item.classList.toggle("is-now", isNow);
    item.querySelector("[data-now]").hidden = !isNow;
  }
}

setInterval(mark, 10000);

// The countdown is at zero: the door opens, or the event begins.
addEventListener("countdown", () => later(2, ask));
addEventListener("online", ask);
document.addEventListener("visibilitychange", () => { if (!document.hidden && said.askAgain > 20) later(2, ask); });
plan(Number(said.askAgain));
