// Keeps the door's page on this device, without a name in it, so that it opens without a network too.
const door = document.querySelector("[data-door]");

async function keep() {
  await navigator.serviceWorker.register(door.dataset.worker, { scope: door.dataset.door });
  const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
  const files = loaded.filter((name) => name.startsWith(location.origin) && !name.includes(door.dataset.door));
  const decoder = "BarcodeDetector" in window ? [] : [door.dataset.decoder]; // else the browser has its own
  const wanted = [door.dataset.shell, ...decoder, ...files].map((name) => new URL(name, location).href);
  const cache = await caches.open(`door ${door.dataset.door}`);
  await cache.addAll(new Set(wanted));
  for (const { url } of await cache.keys()) if (!wanted.includes(url)) await cache.delete(url);
  door.dataset.opens = "always";
}

// When all that the page needs has come. A browser that forbids it goes without.
if (door.dataset.shell && navigator.serviceWorker) {
  if (document.readyState === "complete") keep().catch(() => {});
  else addEventListener("load", () => keep().catch(() => {}));
}
