// The attendees' list: searched while somebody types, and counted while somebody ticks.
// Without this file the form is sent, and the list is the same.
const form = document.querySelector("[data-search]");
const results = document.getElementById(form.dataset.search);
const says = document.querySelector("[data-says]"); // stays, so that what is put into it is heard
let asked = 0;
let pause;

async function search() {
  const number = ++asked;
  const wanted = new URLSearchParams(new FormData(form));
  for (const [name, value] of [...wanted]) if (!value) wanted.delete(name);
  const shown = wanted.size ? `${location.pathname}?${wanted}` : location.pathname;
  wanted.set("part", "list");
  try {
    const answer = await fetch(`${location.pathname}?${wanted}`, { redirect: "error" });
    if (!answer.ok) throw new Error(answer.statusText);
    const text = await answer.text();
    if (number !== asked) return; // a later letter was quicker
    results.innerHTML = text;
    says.textContent = results.querySelector("[data-found]").firstChild.textContent;
    history.replaceState(null, "", shown);
    for (const link of document.querySelectorAll("[data-as-shown]")) link.search = location.search;
    wake();
  } catch {
    form.requestSubmit(); // signed out, or no network: let the browser say it
  }
}

form.addEventListener("input", (event) => {
  clearTimeout(pause);
  pause = setTimeout(search, event.target.type === "search" ? 150 : 0);
});

function wake() {
  const list = results.querySelector("[data-bulk]");
  if (!list) return;
  const boxes = [...list.querySelectorAll("[name=id]")];
  const all = list.querySelector("[data-all]");
  const everyone = list.querySelector("[name=all]");
  const count = list.querySelector("[data-count]");
  const plain = count.textContent;
  const tell = () => {
    const ticked = boxes.filter((box) => box.checked).length;
    const number = everyone?.checked ? Number(everyone.dataset.total) : ticked;
    count.textContent = number ? list.dataset.selected.replace("{}", number.toLocaleString(document.documentElement.lang)) : plain;
    all.firstElementChild.checked = ticked === boxes.length;
    all.firstElementChild.indeterminate = ticked > 0 && ticked < boxes.length;
  };
  all.hidden = false;
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.firstElementChild.checked;
    tell();
  });
  list.addEventListener("change", tell);
  tell();
}
wake();
