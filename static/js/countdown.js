// The server says how many seconds are left, so a wrong clock on the visitor's device does no harm.
// What has passed since is read from that clock all the same: it goes on while a laptop sleeps.
const clock = document.querySelector("[data-left]");
if (clock) {
  const began = Date.now();
  const parts = Object.fromEntries([...clock.querySelectorAll("[data-unit]")].map((part) => [part.dataset.unit, part]));
  const show = (unit, value) => { if (parts[unit]) parts[unit].textContent = value; };
  const zeros = [...new Set([Number(clock.dataset.left), Number(clock.dataset.start)])];
  const tick = () => {
    const passed = (Date.now() - began) / 1000;
    const left = Math.max(0, Math.round(Number(clock.dataset.start) - passed));
    show("d", Math.floor(left / 86400));
    show("h", Math.floor((left % 86400) / 3600));
    show("m", Math.floor((left % 3600) / 60));
    show("s", String(left % 60).padStart(2, "0"));
    // At each zero there may be something new: the door opens, then the event begins.
    while (zeros.length && zeros[0] <= passed) {
      zeros.shift();
      dispatchEvent(new Event("countdown"));
    }
    if (left > 0 || zeros.length) setTimeout(tick, 1000);
  };
  tick();
}
