// From what happened to a scenario file that does it again.

import { getText } from "./api.js";
import { at, attempt, site } from "./page.js";

const form = at("selection");
let isBegun = false;

/** Where the chosen part of what happened is told. */
function address() {
  const { from, to } = form.elements;
  const query = new URLSearchParams({ after: String(Math.max(0, Number(from.value || 1) - 1)) });
  if (to.value) query.set("through", to.value);
  if (form.elements["one-site"].checked) query.set("site", site());
  return `scenario?${query}`;
}

/** An event was chosen: the first begins the selection, the next ends it. */
export function select(sequence) {
  at("retell").open = true;
  const { from, to } = form.elements;
  if (isBegun && sequence >= Number(from.value)) {
    to.value = sequence;
    isBegun = false;
  } else {
    from.value = sequence;
    to.value = "";
    isBegun = true;
  }
}

export function start() {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(async () => {
      at("scenario").hidden = at("download").hidden = true;
      at("scenario").textContent = await getText(address());
      at("download").href = `/api/v1/${address()}`;
      at("scenario").hidden = at("download").hidden = false;
    }, event.submitter);
  });
}
