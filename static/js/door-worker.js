// Opens the door where there is no network: with the page that door-shell.js has kept, which names nobody.
// It answers for the door of one event alone, and only when the network does not.
const door = new URL(registration.scope).pathname;
const kept = (address) => caches.match(address, { ignoreVary: true });

addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.mode === "navigate") {
    event.respondWith(fetch(request).catch(async () => (await kept(`${door}/shell`)) ?? Response.error()));
  } else if (request.method === "GET" && !new URL(request.url).pathname.startsWith(door)) {
    // Styles, scripts and fonts: each has an address of its own for each of its versions.
    event.respondWith(kept(request).then((file) => file ?? fetch(request)));
  }
});
