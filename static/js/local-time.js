// Adds the visitor's own time beside the event's, only where the zones differ. The day stands in it
// where it is another one than the event's.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const dayIn = (moment, timeZone) => new Intl.DateTimeFormat("en-CA", { timeZone }).format(moment);
for (const place of document.querySelectorAll("[data-local]")) {
  if (place.dataset.zone === zone) continue;
  const [from, to] = place.dataset.local.split("/").map((text) => new Date(text));
  const options = { weekday: "short", hour: "numeric", minute: "2-digit", timeZoneName: "short" };
  const hasEnd = to && !Number.isNaN(to.valueOf());
  if ([from, hasEnd ? to : from].some((moment) => dayIn(moment, zone) !== dayIn(from, place.dataset.zone))) {
    Object.assign(options, { day: "numeric", month: "short" });
  }
  const format = new Intl.DateTimeFormat(document.documentElement.lang, options);
  place.textContent = `${hasEnd ? format.formatRange(from, to) : format.format(from)} ${place.dataset.words}`;
}
