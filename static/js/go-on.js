// An action on many goes on by itself until all are done, unless somebody stops it.
const form = document.querySelector("[data-go-on]");
const going = setTimeout(() => form.requestSubmit(), 400);
form.querySelector("a").addEventListener("click", () => clearTimeout(going));
