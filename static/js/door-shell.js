// Keeps the door's page on this device, without a name in it, so that it opens without a network too.
const door = document.querySelector("[data-door]");

async function keep() {
  await navigator.serviceWorker.register(door.dataset.worker, { scope: door.dataset.door });
  const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
  const files = loaded.filter((name) => name.startsWith(location.origin) && !name.includes(door.dataset.door));
  const decoder = "BarcodeDetector" in window ? [] : [door.dataset.decoder]; // else the browser has its own
  const wanted = [...decoder, ...files].map((name) => new URL(name, location).href);
  const shell = await fetch(door.dataset.shell);
  // While a new release starts, the page may be of one and its shell of the other: the next time.
  if (shell.redirected || !shell.ok || !isOfThisRelease(await shell.clone().text())) return;
  const cache = await caches.open(`door ${door.dataset.door}`);
  await cache.addAll([...new Set(wanted)]);
  // Last: until it is here, the shell before it has all that it needs.
  await cache.put(new URL(door.dataset.shell, location), shell);
  for (const { url } of await cache.keys()) if (!wanted.includes(url) && !url.endsWith(door.dataset.shell)) await cache.delete(url);
  door.dataset.opens = "always";
}

// Each style and script has an address of its own for each of its versions.
function isOfThisRelease(shell) {
  const files = (page) => [...page.querySelectorAll("script[src], link[rel=stylesheet]")].map((file) => file.getAttribute("src") ?? file.getAttribute("href"));
  const here = files(document);
  return files(new DOMParser().parseFromString(shell, "text/html")).every((file) => here.includes(file));
}

// When all that the page needs has come. A browser that forbids it goes without.
if (door.dataset.shell && navigator.serviceWorker) {
  if (document.readyState === "complete") keep().catch(() => {});
  else addEventListener("load", () => keep().catch(() => {}));
}
