// What happened, newest first: filters and reasons.

import { at, make, clockTime, site, announce, whenSiteChanges } from "./page.js";
import { words, tone } from "./words.js";

/** Kept in memory, and on the page: thousands of events must not slow it down. */
const MOST_KEPT = 5000;
const MOST_SHOWN = 200;
const MOST_SESSIONS = 100;

let kept = [];
let fresh = [];
let isDrawn = true;
const kinds = new Set();
const sessions = new Map();
const form = at("filters");

const choice = (name) => form.elements[name].value;

function passes(event) {
  const [kind, session, said] = [choice("kind"), choice("session"), choice("words").toLowerCase()];
  const tones = { "": null, matters: ["good", "warn", "bad"], bad: ["bad", "warn"] }[choice("tone")];
  return (!tones || tones.includes(tone(event)))
    && (!kind || event.event === kind)
    && (!session || String(event.session) === session)
    && (!form.elements["this-site"].checked || event.site === site())
    && (!said || `${words(event).join(" ")} ${event.event} ${event.site ?? ""}`.toLowerCase().includes(said));
}

function row(event) {
  const [headline, reason] = words(event);
  const item = make("li", { "data-tone": tone(event) },
    make("time", {}, clockTime(event.time)),
    make("span", {}, event.site ?? ""),
    make("span", { class: "what" }, make("b", {}, headline), " ", make("code", {}, event.event),
      reason ? make("small", {}, reason) : null),
    make("small", { class: "quiet" }, `${event.sequence}`));
  return item;
}

function count() {
  const shown = at("events").children.length;
  at("event-count").textContent = `${shown} shown, ${kept.length} kept`;
}

function redraw() {
  const rows = [];
  for (let index = kept.length - 1; index >= 0 && rows.length < MOST_SHOWN; index--) {
    if (passes(kept[index])) rows.push(row(kept[index]));
  }
  at("events").replaceChildren(...rows);
  count();
}

/** At most once a frame, whatever comes. */
function drawFresh() {
  isDrawn = true;
  const list = at("events");
  const rows = fresh.filter(passes).slice(-MOST_SHOWN).reverse().map(row);
  fresh = [];
  // A reader who has scrolled down keeps their place.
  const height = list.scrollHeight, top = list.scrollTop;
  list.prepend(...rows);
  while (list.children.length > MOST_SHOWN) list.lastElementChild.remove();
  if (top > 0) list.scrollTop = top + (list.scrollHeight - height);
  count();
}

function addOption(select, value, label) {
  form.elements[select].append(make("option", { value }, label));
}

export function heard(event, isNewStack) {
  if (isNewStack) {
    kept = [];
    redraw();
  }
  kept.push(event);
  if (kept.length > MOST_KEPT + 500) kept.splice(0, kept.length - MOST_KEPT);
  if (!kinds.has(event.event)) {
    kinds.add(event.event);
    addOption("kind", event.event, event.event);
  }
  if (event.event === "authentication.succeeded" || event.event === "authentication.failed") {
    const { session, user } = event;
    if (!sessions.has(session)) {
      sessions.set(session, user);
      addOption("session", session, `${session}, ${user}`);
      const options = form.elements.session.options;
      if (options.length > MOST_SESSIONS) options[1].remove();
    }
  }
  fresh.push(event);
  if (isDrawn) {
    isDrawn = false;
    requestAnimationFrame(drawFresh);
  }
  const isLate = Date.now() - started > 2000;
  if (isLate && ["good", "bad"].includes(tone(event))) announce(`${event.site ?? ""} ${words(event)[0]}`.trim());
}

/** What was there before the page was opened is not announced. */
const started = Date.now();

export function start() {
  form.addEventListener("input", redraw);
  form.addEventListener("submit", (event) => event.preventDefault());
  whenSiteChanges(() => form.elements["this-site"].checked && redraw());
}
