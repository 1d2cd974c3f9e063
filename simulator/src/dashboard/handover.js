// What a site's people enter into their clients.

import { get } from "./api.js";
import { at, make, attempt, copyButton, site, whenSiteChanges } from "./page.js";

let sheets = [];

function show() {
  const sheet = sheets.find(({ name }) => name === at("sheet").value);
  if (!sheet) return;
  at("sheet-words").textContent = sheet.sentence;
  at("sheet-text").textContent = sheet.text;
  at("sheet-buttons").replaceChildren(copyButton(sheet.text, `the settings for ${sheet.name}`), " ",
    make("a", { class: "button", href: `/api/v1/sites/${encodeURIComponent(site())}/handover/${sheet.name}`, download: sheet.file }, "save"));
}

async function refresh() {
  if (!at("handover").open || !site()) return;
  const chosen = at("sheet").value;
  ({ sheets } = await get(`sites/${encodeURIComponent(site())}/handover`));
  at("sheet").replaceChildren(...sheets.map(({ name }) => make("option", { value: name, selected: name === chosen }, name)));
  show();
}

export function start() {
  at("sheet").addEventListener("change", show);
  at("handover").addEventListener("toggle", () => attempt(refresh));
  whenSiteChanges(() => attempt(refresh));
}
