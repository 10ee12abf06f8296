// Who signs out leaves nothing of the door's pages and the people in them on this device, and nothing
// of what they typed and did not save. Tickets that are still to be checked stay: they name nobody.
for (const form of document.querySelectorAll("[data-sign-out]")) form.addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    for (const key of Object.keys(localStorage)) if (/^(told |unsaved:)/.test(key)) localStorage.removeItem(key);
    for (const name of await self.caches?.keys() ?? []) await caches.delete(name);
  } finally {
    form.submit();
  }
});
