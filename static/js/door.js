// The door on a phone: scans tickets, takes what scanners type, and answers in sight, sound and touch.
// Everything here has a form behind it; without script the page does the same, a little slower.
// What is scanned without a network goes to door-kept.js.
const door = document.querySelector("[data-door]");
const one = (name) => door.querySelector(`[data-${name}]`);
const find = one("find");
const input = find.elements.q;
const result = one("result");
const scan = one("scan");
const video = scan.querySelector("video");
// None in the page that was kept for when there is no network: it asks nothing.
const token = find.elements.csrf_token?.value;

// What was typed or scanned: a code, or an address that ends in one.
const TICKET = /^(https?\S*[^A-Z0-9])?([A-HJ-NP-Z2-9]{4}[\s-]?[A-HJ-NP-Z2-9]{4})\/?$/i;
const PATIENCE = 6000; // milliseconds until an answer is given up, as in door-kept.js

// Sound and touch -------------------------------------------------------------------------------

const sound = one("sound");
let audio;
const heard = () => sound.getAttribute("aria-pressed") === "true";
sound.hidden = !window.AudioContext;
sound.addEventListener("click", () => sound.setAttribute("aria-pressed", String(!heard())));
// Browsers let a page sound only after a first touch, or a key: whoever has a scanner may never touch it.
function wake() {
  audio ??= window.AudioContext && new AudioContext();
  audio?.resume();
}
for (const first of ["pointerdown", "keydown"]) addEventListener(first, wake, { passive: true });

const TONES = { in: [[660, 0, 0.09], [990, 0.1, 0.16]], again: [[440, 0, 0.12], [440, 0.18, 0.12]], none: [[160, 0, 0.5]] };
const TOUCH = { in: 80, again: [90, 70, 90], none: 400 };

function announce(kind) {
  if (navigator.userActivation?.hasBeenActive ?? true) navigator.vibrate?.(TOUCH[kind]);
  if (!audio || !heard()) return;
  for (const [frequency, after, length] of TONES[kind]) {
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    tone.type = kind === "none" ? "square" : "sine";
    tone.frequency.value = frequency;
    volume.gain.value = kind === "none" ? 0.12 : 0.3;
    tone.connect(volume).connect(audio.destination);
    tone.start(audio.currentTime + after);
    tone.stop(audio.currentTime + after + length);
  }
}

// Asking and answering --------------------------------------------------------------------------

let asking = false;
let turn = Promise.resolve();
let shown = ""; // the code whose answer is on the screen: it is not asked for again

// A scanner does not wait for the answer to the ticket before: each has its turn.
function askInTurn(url, fields) {
  const go = () => ask(url, fields);
  turn = turn.then(go, go);
  return turn;
}

async function ask(url, fields, row) {
  asking = true;
  const asked = Date.now();
  try {
    if (!token) throw new Error("kept");
    const answer = await fetch(url, {
      method: "POST",
      body: fields,
      headers: { "X-Requested-With": "fetch" },
      signal: AbortSignal.timeout(PATIENCE),
    });
    // No ticket but a name of eight letters: the server goes on to the search.
    if (answer.redirected && new URL(answer.url).pathname === location.pathname) return location.assign(answer.url);
    // Signed out meanwhile, or not allowed: the page itself says so.
    if (answer.redirected || [400, 401, 403, 404].includes(answer.status)) return location.reload();
    if (!answer.ok) throw new Error(answer.statusText);
    if (fields.has("q")) one("found")?.remove(); // a ticket: the search before it is over
    show(await answer.text(), row);
    door.dispatchEvent(new Event("reached"));
  } catch {
    unreached(url, fields, asked);
  } finally {
    asking = false;
  }
}

// A ticket is kept and checked later; a search, an undo or a seat is not.
function unreached(url, fields, asked) {
  const kept = { again: false };
  const isTicket = url && new URL(url, location).pathname === door.dataset.door && !fields.has("again")
    && (fields.has("attendee") || TICKET.test(fields.get("q").trim()));
  if (isTicket) door.dispatchEvent(new CustomEvent("unreached", { detail: { fields, asked, kept } }));
  forgetNews();
  result.replaceChildren(one(!isTicket ? "offline" : kept.again ? "kept-again" : "kept-now").content.cloneNode(true));
  announce(result.querySelector("[data-kind]").dataset.kind);
  inSight();
}

// The answer, and how many are in above it; the name of the event gives way.
function inSight() {
  scan.classList.add("scan--small");
  door.scrollIntoView({ block: "start" });
}

// What an undo or a walk-in said is of somebody else than the guest who stands here now.
function forgetNews() {
  for (const note of door.querySelectorAll(".flash")) note.remove();
}

function show(html, row) {
  forgetNews();
  result.innerHTML = html; // our own template, escaped by the server
  const said = result.querySelector("[data-outcome]");
  announce(said.dataset.kind);
  if (row && said.dataset.kind === "in") admitted(row, said);
  inSight();
  const now = result.querySelector("template[data-now]");
  now.remove();
  count(now.content);
}

// Of those found, who is in is not let in twice; the rest of the party still is.
function admitted(row, said) {
  const chip = row.querySelector(".chip"); // none beside one who came on a day before
  if (chip) chip.textContent = said.querySelector("h2").textContent;
  row.querySelector("form").remove();
  one("next").focus({ preventScroll: true });
}

// How many are in, of how many, and who came last.
function count(now) {
  const { inside, of } = now.querySelector("[data-inside]").dataset;
  // What is the same is not said again to those who listen.
  for (const [place, text] of [[door.querySelector("b[data-inside]"), inside], [one("of"), of]]) {
    if (place.textContent !== text) place.textContent = text;
  }
  const live = one("live");
  // Not under the finger of somebody who is about to press Undo.
  if (!live.contains(document.activeElement)) live.replaceChildren(now);
}

function next() {
  shown = "";
  result.replaceChildren();
  one("found")?.remove();
  input.value = "";
  scan.classList.remove("scan--small");
  if (scan.hidden) input.focus();
}

function check(text) {
  const fields = new FormData();
  fields.set("csrf_token", token ?? "");
  fields.set("q", text);
  fields.set("scan", "y");
  return askInTurn(door.dataset.door, fields);
}

door.addEventListener("submit", (event) => {
  const form = event.target;
  const typed = form === find && TICKET.test(input.value.trim());
  if (!typed && !form.hasAttribute("data-admit")) {
    // The page stays: the browser's own word about a missing network would take its place.
    if (!navigator.onLine || !token) { event.preventDefault(); unreached(); }
    return;
  }
  event.preventDefault();
  const fields = new FormData(form, event.submitter);
  if (typed) { input.value = ""; shown = ""; askInTurn(form.action, fields); }
  // A second press while the first is on its way is the same press.
  else if (!asking) turn = ask(form.action, fields, form.closest("li"));
});

door.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (link?.matches("[data-next]")) { event.preventDefault(); next(); }
  else if (link && !navigator.onLine) { event.preventDefault(); unreached(); }
});

// A scanner types fast, wherever the focus is: its signs go to the field, over an old search.
addEventListener("keydown", (event) => {
  if (event.key.length !== 1 || event.ctrlKey || event.metaKey || event.altKey || event.key === " ") return;
  if (!event.target.closest("input, textarea, select")) { input.focus(); input.select(); }
});

// The counts and the last in, now and then ------------------------------------------------------

async function refresh() {
  try {
    const answer = await fetch(door.dataset.now, { signal: AbortSignal.timeout(PATIENCE) });
    // Signed out meanwhile: these names and numbers are no longer for this screen.
    if (answer.redirected) return location.reload();
    if (!answer.ok) return;
    if (!token) return location.assign(door.dataset.door);
    const now = document.createElement("template");
    now.innerHTML = await answer.text();
    count(now.content);
    door.dispatchEvent(new Event("reached"));
  } catch { /* the next time */ }
}
setInterval(() => { if (!document.hidden) refresh(); }, 8000);
door.addEventListener("sent", () => {
  // What it says of the connection is no longer so; of whom the ticket was, the lists below tell.
  if (result.querySelector("[data-outcome=kept]")) result.replaceChildren();
  refresh();
});
if (!token) addEventListener("online", refresh);

// The camera ------------------------------------------------------------------------------------

const start = one("camera-start");
const note = one("camera-note");
const other = one("camera-other");
const canvas = document.createElement("canvas");
const pixels = canvas.getContext("2d", { willReadFrequently: true });
let stream;
let decode;
let facing = "environment";
let device;

// The browser's own decoder where there is one, else ours.
async function decoder() {
  if ("BarcodeDetector" in window && (await BarcodeDetector.getSupportedFormats()).includes("qr_code")) {
    const native = new BarcodeDetector({ formats: ["qr_code"] });
    return async () => (await native.detect(video))[0]?.rawValue;
  }
  await import(door.dataset.decoder);
  return async () => {
    const size = Math.min(video.videoWidth, video.videoHeight);
    const side = canvas.width = canvas.height = Math.min(size, 480);
    pixels.drawImage(video, (video.videoWidth - size) / 2, (video.videoHeight - size) / 2, size, size, 0, 0, side, side);
    const image = pixels.getImageData(0, 0, side, side);
    return self.jsQR(image.data, side, side, { inversionAttempts: "attemptBoth" })?.data;
  };
}

async function open() {
  note.hidden = true;
  if (!navigator.mediaDevices) return complain("insecure");
  if (start.disabled) return; // on its way: a second opening would stop the first
  try {
    close();
    start.disabled = true;
    stream = await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { ...(device ? { deviceId: { exact: device } } : { facingMode: facing }), width: { ideal: 1280 }, height: { ideal: 720 } },
    });
    // A phone that was locked, or another app, has taken it away: it is asked for anew.
    stream.getVideoTracks()[0].addEventListener("ended", close);
    video.srcObject = stream;
    await video.play();
    decode ??= await decoder();
  } catch (problem) {
    close();
    return complain({ NotAllowedError: "denied", NotFoundError: "none", OverconstrainedError: "none" }[problem.name] ?? "busy");
  } finally {
    start.disabled = false;
  }
  scan.hidden = false;
  start.hidden = true;
  const cameras = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "videoinput");
  other.hidden = cameras.length < 2;
  look(stream);
}

function close() {
  stream?.getTracks().forEach((track) => track.stop());
  stream = undefined;
  scan.hidden = true;
  start.hidden = false;
}

function complain(why) {
  note.textContent = note.dataset[why];
  note.hidden = false;
}

async function look(mine) {
  while (stream === mine) {
    if (!asking && !document.hidden && video.readyState >= 2) {
      const text = await decode().catch(() => undefined);
      if (text && text !== shown && stream === mine) {
        shown = text;
        await check(text);
      }
    }
    await new Promise((wait) => setTimeout(wait, 100));
  }
}

start.hidden = false;
start.addEventListener("click", open);
one("camera-stop").addEventListener("click", close);
other.addEventListener("click", async () => {
  const cameras = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "videoinput");
  const at = cameras.findIndex(({ deviceId }) => deviceId === stream?.getVideoTracks()[0]?.getSettings().deviceId);
  device = cameras[(at + 1) % cameras.length]?.deviceId;
  open();
});
// A phone that was allowed before starts at once.
navigator.permissions?.query({ name: "camera" }).then(({ state }) => { if (state === "granted") open(); }, () => {});
