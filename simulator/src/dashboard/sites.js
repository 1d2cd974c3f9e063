// The sites, and the card: how to connect.

import { get, post } from "./api.js";
import { at, make, fill, attempt, soon, copyButton, clockTime, site, siteChanged, whenSiteChanges } from "./page.js";

let endpoint = null;

export const refresh = soon(async () => {
  const [{ sites }, card] = await Promise.all([get("sites"), endpoint ?? get("endpoint")]);
  endpoint = card;
  fill(at("site-rows"), sites.map(row));
  const options = sites.map(({ code }) => make("option", { value: code }, code));
  const before = site();
  const codes = sites.map(({ code }) => code).join();
  if ([...at("site").options].map((option) => option.value).join() !== codes) {
    at("site").replaceChildren(...options);
    if (sites.some(({ code }) => code === before)) at("site").value = before;
    siteChanged();
  }
  showCard();
});

function row(shown) {
  const action = (word, path) => make("button", {
    type: "button", class: "small", "aria-label": `${word} ${shown.code}`, "data-key": `change ${shown.code}`,
    onclick: (event) => attempt(async () => { await post(`sites/${shown.code}/${path}`); refresh(); }, event.currentTarget),
  }, word);
  const change = { requested: ["Provision", "provision"], suspended: ["Resume", "resume"] }[shown.state] ?? ["Suspend", "suspend"];
  return make("tr", {},
    make("th", { scope: "row" }, shown.code),
    make("td", {}, shown.state, shown.due ? make("div", { class: "quiet" }, `due ${clockTime(shown.due)}`) : null),
    make("td", {}, ...shown.keys.map((key) => make("div", { class: "code" }, `${key.bits} bits ${key.fingerprint}`))),
    make("td", {}, shown.addresses.join(", ")),
    make("td", {}, action(...change)));
}

function showCard() {
  const port = String(endpoint.port);
  const facts = [
    ["Host", endpoint.host], ["Port", port], ["User", site() || "none yet: spatialcloud site add"],
    ["Host key", endpoint.host_key_fingerprint],
    ["Command", `sftp -P ${port} -i YOUR_KEY ${site() || "SITE"}@${endpoint.host}`],
    ["known_hosts", `[${endpoint.host}]:${port} ${endpoint.host_key}`],
  ];
  const parts = facts.flatMap(([name, value]) => [
    make("dt", {}, name), make("dd", { class: "code" }, value), make("dd", {}, copyButton(value, name)),
  ]);
  fill(at("card"), parts);
}

export function start() {
  at("site").addEventListener("change", siteChanged);
  whenSiteChanges(() => endpoint && showCard());
  refresh();
}
