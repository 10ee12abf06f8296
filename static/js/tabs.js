// Where tabs do not fit beside each other, the one at hand is scrolled to.
for (const here of document.querySelectorAll(".top nav [aria-current], .tabs [aria-current], .parts [aria-current]")) {
  const bar = here.closest(".top nav, .tabs, .parts ul");
  const [own, its] = [bar.getBoundingClientRect(), here.getBoundingClientRect()];
  bar.scrollBy({ left: its.left + its.width / 2 - own.left - own.width / 2, behavior: "instant" });
}
