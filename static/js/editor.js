// The editor with script: rows move without a round trip, Markdown is shown in place, and what was
// typed is kept in this browser until it is saved. Without script all of it works by sending forms.

const rows = document.querySelector("form[data-rows]");
const list = rows?.querySelector("[data-list]");
const rowOf = (key) => document.getElementById(`row-${key}`);
const keys = () => [...(list?.children ?? [])].map((row) => row.id.slice("row-".length));
const namedBy = (row) => row.querySelector(".row-fields input:not([type=hidden], [type=file])");

function add(key) {
  list.insertAdjacentHTML("beforeend", document.getElementById("blank").innerHTML.replaceAll("KEY", key));
  rows.querySelector(".note--plain")?.remove();
  return list.lastElementChild;
}

// The rows as they were typed. What a colleague has added since stays, and what one has removed.
function arrange(typed, known) {
  for (const key of keys()) if (known.includes(key) && !typed.includes(key)) rowOf(key).remove();
  for (const key of typed) {
    const row = rowOf(key) ?? (/^\d/.test(key) ? null : add(key));
    if (row) list.append(row);
  }
}

// Where a row has gone, for who does not see it.
function sayPlace(row) {
  const said = rows.querySelector("[data-moved]");
  const all = [...list.children];
  const place = { title: row.querySelector("summary bdi").textContent, number: all.indexOf(row) + 1, all: all.length };
  said.textContent = said.dataset.moved.replace(/{(\w+)}/g, (_, name) => place[name]);
}

if (rows) {
  rows.addEventListener("input", ({ target }) => {
    const row = target.closest("li");
    if (!row || target !== namedBy(row)) return;
    row.querySelector("summary bdi").textContent = target.value;
    for (const words of row.querySelectorAll(".row-tools .sr")) words.textContent = ` ${target.value}`;
  });
  let made = 0;
  rows.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-do]");
    if (!button) return;
    event.preventDefault();
    const row = button.closest("li");
    const action = button.dataset.do;
    if (action === "add") {
      made += 1;
      add(`new${Date.now().toString(36)}${made}`).querySelector("input:not([type=hidden]), select")?.focus();
    } else if (action === "remove") {
      const next = row.nextElementSibling ?? row.previousElementSibling;
      row.remove();
      (next?.querySelector("summary") ?? rows.querySelector("[data-do=add]")).focus();
    } else {
      const other = action === "up" ? row.previousElementSibling : row.nextElementSibling;
      if (other) other[action === "up" ? "before" : "after"](row);
      button.focus();
      sayPlace(row);
    }
    rows.dispatchEvent(new Event("input", { bubbles: true }));
  });
}

// The zone of the first event of all is most likely that of whoever makes it.
const zone = document.querySelector(".new-event [name=time_zone]");
if (zone && !zone.value) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone;

for (const box of document.querySelectorAll("[data-preview]")) {
  const text = box.querySelector("textarea");
  const button = Object.assign(document.createElement("button"), {
    type: "button", className: "link", textContent: box.dataset.words,
  });
  const shown = Object.assign(document.createElement("section"), { className: "prose shown", hidden: true });
  shown.setAttribute("aria-label", box.dataset.words);
  shown.setAttribute("aria-live", "polite");
  button.setAttribute("aria-expanded", "false");
  button.addEventListener("click", async () => {
    shown.hidden = !shown.hidden;
    button.setAttribute("aria-expanded", String(!shown.hidden));
    if (shown.hidden) return;
    const body = new URLSearchParams({
      text: text.value, csrf_token: document.querySelector("[name=csrf_token]").value,
    });
    try {
      const answer = await fetch(box.dataset.preview, { method: "POST", body, redirect: "error" });
      if (!answer.ok) throw new Error(answer.statusText);
      shown.innerHTML = (await answer.json()).html;
    } catch {
      shown.textContent = box.dataset.failed; // signed out, too long or no network
    }
  });
  box.append(button, shown);
  document.querySelector(".no-script")?.remove();
}

// Unsaved text survives a closed tab and a lost session, unless the browser forbids storage.
let store = null;
try { store = localStorage; } catch { /* what is typed is in this page alone */ }
const form = document.querySelector("form[data-keep-words]");
if (form && store) {
  const name = `unsaved:${form.dataset.keep}`;
  const fields = () => [...form.elements].filter((f) => f.name && !["hidden", "file", "submit"].includes(f.type));
  const [words, restore, discard] = form.dataset.keepWords.split("|");
  const state = () => fields().map((f) => [f.id, f.type === "checkbox" || f.type === "radio" ? f.checked : f.value]);
  const known = keys();
  const asLoaded = JSON.stringify([state(), known]);
  const kept = JSON.parse(store.getItem(name) ?? "null");
  // What was sent and saved may read otherwise than it was typed: "#Peace" is kept as "Peace".
  const isSaved = kept?.sent && document.querySelector(".flashes .note--ok");
  if (kept && !isSaved && JSON.stringify([kept.state, kept.rows ?? []]) !== asLoaded && !document.querySelector(".problem, .both")) {
    const note = Object.assign(document.createElement("div"), { className: "note telling" });
    note.append(Object.assign(document.createElement("p"), {
      textContent: words.replace("{when}", new Date(kept.at).toLocaleString(document.documentElement.lang)),
    }));
    for (const [label, run] of [
      [restore, () => {
        arrange(kept.rows ?? [], kept.known ?? []);
        kept.state.forEach(([id, value]) => {
          const field = document.getElementById(id);
          if (field) field[typeof value === "boolean" ? "checked" : "value"] = value;
        });
        for (const key of keys()) namedBy(rowOf(key))?.dispatchEvent(new Event("input", { bubbles: true }));
      }],
      [discard, () => store.removeItem(name)],
    ]) {
      const button = Object.assign(document.createElement("button"), { type: "button", className: "btn", textContent: label });
      button.addEventListener("click", () => { run(); note.remove(); });
      note.append(button);
    }
    form.before(note);
  } else if (kept && !document.querySelector(".problem, .both")) {
    store.removeItem(name);
  }
  form.addEventListener("input", () => {
    store.setItem(name, JSON.stringify({ at: Date.now(), state: state(), rows: keys(), known }));
  });
  form.addEventListener("submit", () => {
    const typed = store.getItem(name);
    if (typed) store.setItem(name, JSON.stringify({ ...JSON.parse(typed), sent: true }));
  });
}

// An event keeps its length when its start moves; a new one is given an hour.
const [starts, ends] = ["starts_at", "ends_at"].map((id) => document.getElementById(id));
if (starts && ends) {
  const at = (field) => Date.parse(`${field.value}Z`); // wall clocks: no zone takes part
  let length = at(ends) - at(starts) || 3_600_000;
  ends.addEventListener("change", () => {
    if (at(ends) > at(starts)) length = at(ends) - at(starts);
  });
  starts.addEventListener("change", () => {
    if (at(starts)) ends.value = new Date(at(starts) + length).toISOString().slice(0, 16);
  });
}
