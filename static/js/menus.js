// A menu lies over what follows it, so it closes when it is left: by moving on, by a press
// elsewhere, or by Escape, which gives the focus back to what opened it.
const open = () => document.querySelectorAll("details.menu[open]");

function leave(event) {
  for (const menu of open()) menu.open = menu.contains(event.target);
}

document.addEventListener("focusin", leave);
document.addEventListener("pointerdown", leave);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of open()) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
