// What readers see: tables with rows, snapshots on a small map, and every load there was.

import { get } from "./api.js";
import { at, make, fill, attempt, soon, site, size, clockTime, whenSiteChanges } from "./page.js";
import { paths, draw } from "./map.js";

/** Shapes drawn, rows listed, and loads told at most. */
const MOST_SHAPES = 2000;
const MOST_ROWS = 50;
const MOST_LOADS = 20;

let shapes = [];
let opened = null;

const isSpatial = (column) => ["geometry", "geography"].includes(column.sql_type);

export const refresh = soon(async () => {
  const code = site();
  if (!code) return;
  const shown = await get(`warehouse/${encodeURIComponent(code)}`);
  if (code !== site()) return;
  at("generation").textContent = shown.load
    ? `Readers see load ${shown.load} of ${clockTime(shown.at)}, from ${shown.backup.path}, ${size(shown.backup.size_bytes)}.`
    : "Nothing has been loaded yet: upload a backup to Database, and move time on to tonight.";
  fill(at("tables"), shown.tables.map((table) => {
    const name = `${table.schema}.${table.name}`;
    const key = table.indexes.find((index) => index.is_primary_key);
    const facts = [`${table.rows} rows`, key && `key ${key.keys.join(", ")}`, table.load !== shown.load && `of load ${table.load}`];
    return make("li", {},
      make("button", { type: "button", class: "small", "data-key": name, onclick: (event) => attempt(() => openTable(table), event.currentTarget) }, name),
      " ", make("span", { class: "quiet" }, facts.filter(Boolean).join(", ")),
      ...table.warnings.map((words) => make("div", { class: "warn" }, words)));
  }), "none");
  fill(at("snapshots"), shown.snapshots.map((snapshot) => make("li", {}, snapshot.target, " ",
    make("span", { class: "quiet" }, [`${snapshot.records} records`, snapshot.geometry, snapshot.srid && `SRID ${snapshot.srid}`].filter(Boolean).join(", ")),
    ...snapshot.notices.map((words) => make("div", { class: "warn" }, words)))), "none");
  const loads = [...shown.loads].reverse();
  fill(at("loads"), loads.slice(0, MOST_LOADS).map((load) => make("li", {},
    make("b", { class: load.outcome === "loaded" ? "good" : "bad" }, load.outcome), ` ${clockTime(load.at)} `,
    make("span", { class: "quiet" }, load.load ? `load ${load.load}: ${load.tables} tables, ${load.rows} rows, ${load.snapshots} snapshots` : load.backup.path),
    ...load.reasons.map((words) => make("div", { class: "bad" }, words)))), "none");
  const again = shown.tables.find((table) => opened && `${table.schema}.${table.name}` === opened.name);
  if (!again || opened.site !== code) {
    at("table").hidden = true;
    opened = null;
    const first = shown.tables.find((table) => table.file && table.columns.some(isSpatial)) ?? shown.tables.find((table) => table.file);
    if (first) await openTable(first);
  } else if (again.load !== opened.load) {
    await openTable(again);
  }
});

async function openTable(table) {
  const name = `${table.schema}.${table.name}`;
  const code = site();
  opened = { name, load: table.load, site: code };
  const limit = table.columns.some(isSpatial) ? MOST_SHAPES : MOST_ROWS;
  const page = await get(`warehouse/${encodeURIComponent(code)}/tables/${encodeURIComponent(name)}/rows?limit=${limit}`);
  if (opened?.name !== name || opened.site !== site()) return;
  at("table").hidden = false;
  at("table-title").textContent = `${name}: ${page.total} rows` + (page.total > MOST_ROWS ? `, the first ${MOST_ROWS} listed` : "");
  at("row-head").replaceChildren(make("tr", {}, ...page.columns.map((column) => make("th", { scope: "col" }, column))));
  at("rows").replaceChildren(...page.rows.slice(0, MOST_ROWS).map((row) => make("tr", {},
    ...row.map((value) => make("td", value === null ? { class: "quiet" } : {}, value === null ? "NULL" : String(value).slice(0, 80))))));
  const spatial = table.columns.findIndex(isSpatial);
  at("map-figure").hidden = spatial < 0;
  shapes = spatial < 0 ? [] : page.rows.map((row) => row[spatial]).filter(Boolean).map(paths).filter((shape) => shape.length);
  if (spatial >= 0) {
    const words = `${shapes.length} of ${page.total} shapes of ${name}, column ${table.columns[spatial].name}`;
    at("map").setAttribute("aria-label", `Map: ${words}`);
    at("map-caption").textContent = words;
    draw(at("map"), shapes);
  }
}

export function start() {
  whenSiteChanges(refresh);
  const again = () => shapes.length && draw(at("map"), shapes);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  window.addEventListener("resize", again);
}
