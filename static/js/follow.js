// A part of the page that moves by itself (data-follow) is fetched again until it rests.
const PAUSE = 3000;
const says = document.querySelector("[data-follow-says]");
const heading = (part) => part.querySelector("h2").textContent;

async function follow() {
  const part = document.querySelector("[data-follow]");
  if (!part) return;
  await new Promise((done) => setTimeout(done, PAUSE));
  try {
    const answer = document.hidden ? null : await fetch(location.href, { cache: "no-store" });
    if (answer?.ok && !answer.redirected) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const next = page.getElementById(part.id);
      // Whoever has the focus on a button in it keeps it until they leave.
      if (next && !part.contains(document.activeElement)) {
        // Each new step is heard, not each mail that goes.
        if (heading(next) !== heading(part)) says.textContent = heading(next);
        part.replaceWith(document.adoptNode(next));
      }
    } else if (answer) return;
  } catch {
    // The network is away for a moment; the next round tries again.
  }
  follow();
}

follow();
