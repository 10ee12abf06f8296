// A part of the page that moves by itself (data-follow) is fetched again until it rests.
const PAUSE = 3000;

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
      if (next && !part.contains(document.activeElement)) part.replaceWith(document.adoptNode(next));
    } else if (answer) return;
  } catch {
    // The network is away for a moment; the next round tries again.
  }
  follow();
}

follow();
