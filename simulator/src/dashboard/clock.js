// Simulated time, its buttons, and the countdown to each mover.

import { get, post } from "./api.js";
import { at, make, fill, attempt, soon, instant, clockTime, span, announce } from "./page.js";

let shown = null;
let folders = {};

/** Runs that are told one by one. */
const MOST_RUNS = 4;

/** Simulated time now, in milliseconds: what was told, and what has passed since. */
function now() {
  const factor = shown.pace === "manual" ? 0 : shown.pace === "real" ? 1 : Number(shown.pace.slice(1)) || 1;
  return shown.now + (performance.now() - shown.asked) * factor;
}

export const refresh = soon(async () => {
  const [clock, { movers }] = await Promise.all([get("clock"), get("movers")]);
  folders = Object.fromEntries(movers.map((mover) => [mover.name, mover.folders]));
  const format = new Intl.DateTimeFormat("sv-SE", { timeZone: clock.time_zone, dateStyle: "short", timeStyle: "medium" });
  shown = { now: instant(clock.now), asked: performance.now(), pace: clock.pace, zone: clock.time_zone, next: clock.next, format };
  tick();
});

function tick() {
  if (!shown) return;
  at("now").textContent = shown.format.format(now());
  at("pace").textContent = `${shown.zone}, ${{ manual: "moved by hand", real: "in real time" }[shown.pace] ?? `${shown.pace.slice(1)} times as fast`}`;
  const rows = shown.next.map(({ mover, at: due }) => make("tr", {},
    make("th", { scope: "row" }, mover), make("td", {}, (folders[mover] ?? []).join(", ")),
    make("td", {}, clockTime(due)), make("td", {}, span((instant(due) - now()) / 1000))));
  fill(at("movers"), rows);
  if (shown.pace !== "manual" && shown.next.some(({ at: due }) => instant(due) < now())) refresh();
}

/** All runs in a sentence; of many, those that moved or failed something, the last ones. */
function told(runs) {
  const sum = (name) => runs.reduce((total, run) => total + run[name], 0);
  const all = `${runs.length} ${runs.length === 1 ? "run" : "runs"}`;
  if (!sum("moved") && !sum("left") && !sum("failed")) return `${all}, nothing to move`;
  const did = runs.filter((run) => run.moved + run.failed > 0);
  const lines = did.slice(-MOST_RUNS).map((run) => `${run.mover} at ${clockTime(run.at)}: ${run.moved} moved, ${run.failed} failed`);
  if (did.length > MOST_RUNS) lines.unshift(`${did.length - MOST_RUNS} before`);
  const left = runs.at(-1).left;
  return [`${all}: ${sum("moved")} moved, ${sum("failed")} failed${left ? `, ${left} left by the last` : ""}`, ...lines].join("; ");
}

export function start() {
  for (const button of document.querySelectorAll("#clock button")) {
    const { by, to } = button.dataset;
    button.addEventListener("click", () => attempt(async () => {
      const { runs } = await post("clock/advance", by ? { by } : { to });
      at("runs").textContent = told(runs);
      refresh();
    }, button));
  }
  setInterval(tick, 1000);
  setInterval(refresh, 30_000);
  refresh();
}

/** When the mover that takes this folder runs next. */
export function moverOf(folder) {
  const name = Object.keys(folders).find((mover) => folders[mover].includes(folder));
  const next = shown?.next.find((next) => next.mover === name);
  return next && { name, at: next.at };
}
