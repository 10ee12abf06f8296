// Adds the visitor's own time beside the event's, only where their clocks differ then. The day
// stands in it where it is another one than the event's.
// English is written as on the page: "a.m." rather than "AM".
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const clockIn = (moment, timeZone) =>
  new Intl.DateTimeFormat("en-CA", { timeZone, dateStyle: "short", timeStyle: "short" }).format(moment);
const dayIn = (moment, timeZone) => new Intl.DateTimeFormat("en-CA", { timeZone }).format(moment);
for (const place of document.querySelectorAll("[data-local]")) {
  const [from, to] = place.dataset.local.split("/").map((text) => new Date(text));
  const shown = place.dataset.zone;
  const options = { weekday: "short", hour: "numeric", minute: "2-digit", timeZoneName: "short" };
  const hasEnd = to && !Number.isNaN(to.valueOf());
  const ends = [from, hasEnd ? to : from];
  if (ends.every((moment) => clockIn(moment, zone) === clockIn(moment, shown))) continue;
  if (ends.some((moment) => dayIn(moment, zone) !== dayIn(from, shown))) {
    Object.assign(options, { day: "numeric", month: "short" });
  }
  const format = new Intl.DateTimeFormat(document.documentElement.lang, options);
  const told = (hasEnd ? format.formatRange(from, to) : format.format(from))
    .replace(/\b([AP])M\b/g, (_, half) => `${half.toLowerCase()}.m.`);
  place.textContent = `${told} ${place.dataset.words}`;
}
