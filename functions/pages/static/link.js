// The token of a mailed link stands behind the "#", where no server, log or scanner sees it. This
// takes it from there into the form; without scripts one pastes the link.
const token = new URLSearchParams(location.hash.slice(1)).get("t");
const form = document.querySelector("form[data-link]");
if (token && form) {
  history.replaceState(null, "", location.pathname + location.search);
  const field = form.querySelector("[name=token], [name=code]");
  field.value = token;
  form.closest("details")?.setAttribute("open", "");
  for (const other of document.querySelectorAll("[data-without-link]")) other.hidden = true;
  if (form.dataset.link === "send") form.submit();
  else field.closest(".field").hidden = true;
}
