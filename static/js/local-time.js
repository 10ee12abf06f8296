// Adds the visitor's own time beside the event's, only where their clocks differ then, in the words
// of registration/wording.py: "12:30–1:30 a.m. CET". The day stands before it where it is another
// one than the event's.
const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
const isEnglish = document.documentElement.lang.startsWith("en");
const language = isEnglish ? "en-GB" : document.documentElement.lang;
const FIRST = language.startsWith("fr") ? "1er" : "1";
const DAY = { weekday: "long", day: "numeric", month: "long" };
const CLOCK = { minute: "2-digit", ...(isEnglish ? { hour: "numeric", hourCycle: "h12" } : { hour: "2-digit" }) };
const write = (moment, options, timeZone = own) => new Intl.DateTimeFormat(language, { timeZone, ...options }).format(moment);

// "CET", "EST", else "UTC+5:30": each English knows the abbreviations of its own parts of the world.
function zoneName(moment) {
  const [name, ...others] = ["en-GB", "en-US"].map((english) =>
    new Intl.DateTimeFormat(english, { timeZone: own, timeZoneName: "short" })
      .formatToParts(moment).find((part) => part.type === "timeZoneName").value);
  return [name, ...others].find((one) => /^[A-Z]{2,5}$/.test(one)) ?? name.replace("GMT", "UTC");
}

const told = (moment) => {
  const [digits, half] = write(moment, CLOCK).split(/\s(?=[ap]m$)/i);
  const period = half ? `\u00a0${half[0].toLowerCase()}.m.` : "";
  return { digits, period, day: write(moment, DAY).replace(/(\d+) /, "$1\u00a0").replace(/\b1(?=\u00a0)/, FIRST), zone: `\u00a0${zoneName(moment)}` };
};

function span(from, to, hasDay) {
  const first = told(from);
  const last = told(to);
  const day = hasDay ? `${first.day}, ` : "";
  const end = last.digits + last.period + last.zone;
  if (+from === +to) return day + end;
  // The clocks may change between the two.
  const zone = first.zone === last.zone ? "" : first.zone;
  if (first.day !== last.day) return `${day}${first.digits}${first.period}${zone} – ${last.day}, ${end}`;
  const isShort = first.period === last.period && !zone;
  return `${day}${first.digits}${isShort ? "" : first.period}${zone}–${end}`;
}

for (const place of document.querySelectorAll("[data-local]")) {
  const [from, to = from] = place.dataset.local.split("/").map((text) => new Date(text));
  const shown = place.dataset.zone;
  const differs = (options) => [from, to].some((moment) => write(moment, options) !== write(moment, options, shown));
  if (!differs({ ...DAY, ...CLOCK })) continue;
  const hasDay = [from, to].some((moment) => write(moment, DAY) !== write(from, DAY, shown));
  place.textContent = `${span(from, to, hasDay)} ${place.dataset.words}`;
}
