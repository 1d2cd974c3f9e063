// Faults: arming, what is armed, disarming.

import { get, post, remove } from "./api.js";
import { at, make, fill, attempt, soon, site } from "./page.js";
import { fields } from "./words.js";

const form = at("arm");
let kinds = [];

export const refresh = soon(async () => {
  const answer = await get("faults");
  if (!kinds.length) {
    kinds = answer.kinds;
    form.elements.kind.replaceChildren(...kinds.map(({ name }) => make("option", { value: name }, name)));
    showKind();
  }
  fill(at("armed"), answer.faults.map(({ id, asked, fired, fault, ...spec }) => {
    return make("li", {}, make("b", {}, fault), ` ${fields(spec)} `,
      make("span", { class: "quiet" }, `in question ${asked} times, struck ${fired} times `),
      make("button", {
        type: "button", class: "small", "aria-label": `Disarm ${fault}, number ${id}`, "data-key": `disarm ${id}`,
        onclick: (event) => attempt(async () => { await remove(`faults/${id}`); refresh(); at("spec").focus(); }, event.currentTarget),
      }, "disarm"));
  }), "no fault is armed");
});

function showKind() {
  const kind = kinds.find(({ name }) => name === form.elements.kind.value);
  at("fault-words").textContent = kind.sentence;
  // The example's site is of the documentation; here it is the one that is looked at.
  const spec = JSON.parse(kind.example);
  if ("site" in spec && site()) spec.site = site();
  at("spec").value = JSON.stringify(spec);
}

export function start() {
  form.elements.kind.addEventListener("change", showKind);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(async () => {
      let spec;
      try { spec = JSON.parse(at("spec").value); } catch (error) { throw new Error(`the fault is not JSON: ${error.message}`); }
      await post("faults", spec);
      refresh();
    }, event.submitter);
  });
  at("disarm-all").addEventListener("click", (event) => attempt(async () => { await remove("faults"); refresh(); }, event.currentTarget));
  refresh();
}
