// An open lobby follows what staff do: it asks a small document that is the same for all, and
// turns its parts on and off. Ten thousand do so at once, so each waits a little differently.
const root = document.querySelector("[data-lobby]");
const said = { ...root.dataset };
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
  // Another time, or a recording that this page does not know: only a new page can say it.
  if (status.starts_at !== said.starts) return later(20, () => location.reload());
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
    said.revision = String(status.revision);
    if (said.stream) later(4, tune);
  }
}

// Who is in sees another source without a new page; an unchanged one plays on.
async function tune() {
  try {
    const answer = await fetch(said.stream, { signal: AbortSignal.timeout(10000) });
    const { player, link } = await answer.json();
    const frame = root.querySelector("[data-player]");
    const way = root.querySelector("[data-link]");
    if (frame && player) { if (frame.getAttribute("src") !== player) frame.src = player; }
    else if (way && link) way.href = link;
    else if (player || link) location.reload();
  } catch { /* the link under the player loads it again */ }
}

// The countdown is at zero: the door opens, or the event begins.
addEventListener("countdown", () => later(2, ask));
addEventListener("online", ask);
document.addEventListener("visibilitychange", () => { if (!document.hidden && said.askAgain > 20) later(2, ask); });
plan(Number(said.askAgain));
