// Adds the visitor's own time beside the event's, only where the zones differ.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
for (const place of document.querySelectorAll("[data-local]")) {
  if (place.dataset.zone === zone) continue;
  const [from, to] = place.dataset.local.split("/").map((text) => new Date(text));
  const options = { weekday: "short", hour: "2-digit", minute: "2-digit", timeZoneName: "short" };
  const format = new Intl.DateTimeFormat(document.documentElement.lang, options);
  const text = Number.isNaN(to?.valueOf()) || !to ? format.format(from) : format.formatRange(from, to);
  place.textContent = `${text} ${place.dataset.words}`;
}
