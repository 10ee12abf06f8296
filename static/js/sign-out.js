// Who signs out leaves of the door's pages and of the people in them nothing on this device. Tickets
// that are still to be checked stay: they name nobody.
for (const form of document.querySelectorAll("[data-sign-out]")) form.addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith("told ")) localStorage.removeItem(key);
    for (const name of await self.caches?.keys() ?? []) await caches.delete(name);
  } finally {
    form.submit();
  }
});
