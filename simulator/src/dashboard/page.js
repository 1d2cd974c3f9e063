// What every part of the page uses: making elements, words for sizes and times, the chosen site, problems.

export const at = (id) => document.getElementById(id);

/** Makes an element: `make("p", { class: "quiet" }, "words", other)`. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

/** Puts children into an element, or a word where there are none. Nothing is touched where nothing has changed. */
export function fill(element, children, nothing) {
  const shown = children.length ? children : nothing ? [make("li", { class: "none" }, nothing)] : [];
  const same = shown.length === element.children.length
    && shown.every((child, index) => child.isEqualNode(element.children[index]));
  if (!same || shown.some((child) => child.querySelector("button"))) keepFocus(element, () => element.replaceChildren(...shown));
}

/** Does what replaces children; who had the focus by keyboard has it again. */
function keepFocus(element, replace) {
  const key = element.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  replace();
  if (key) [...element.querySelectorAll("[data-key]")].find((other) => other.dataset.key === key)?.focus();
}

export function size(bytes) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  for (; bytes >= 1024 && unit < units.length - 1; unit++) bytes /= 1024;
  return `${unit && bytes < 100 ? bytes.toFixed(1) : Math.round(bytes)} ${units[unit]}`;
}

/** `2026-03-02T22:00:00.5+11:00[Australia/Sydney]` as the vendor's clock shows it. */
export const clockTime = (text) => (text ?? "").slice(0, 19).replace("T", " ");
export const instant = (text) => Date.parse(text.replace(/\[.*$/, ""));

export function span(seconds) {
  const s = Math.max(0, Math.round(seconds));
  const [d, h, m] = [Math.floor(s / 86400), Math.floor(s / 3600) % 24, Math.floor(s / 60) % 60];
  if (d) return `${d} d ${h} h`;
  if (h) return `${h} h ${m} min`;
  return m ? `${m} min ${s % 60} s` : `${s} s`;
}

export function problem(error) {
  at("problem").textContent = error ? error.message ?? String(error) : "";
  at("problem").hidden = !error;
}

/** Does something that may fail; a button that asked for it waits, and keeps the focus, which a disabled one would lose. */
export async function attempt(work, button) {
  if (button?.getAttribute("aria-disabled") === "true") return;
  button?.setAttribute("aria-disabled", "true");
  try {
    problem(null);
    return await work();
  } catch (error) {
    problem(error);
  } finally {
    button?.removeAttribute("aria-disabled");
  }
}

/** Runs `work` soon, once for however many calls; while it runs, one more at most is remembered. */
export function soon(work) {
  let waits = false, runs = false;
  return async function again() {
    if (waits) return;
    waits = true;
    if (runs) return;
    runs = true;
    while (waits) {
      await new Promise((done) => setTimeout(done, 150));
      waits = false;
      try { await work(); } catch (error) { problem(error); }
    }
    runs = false;
  };
}

let announced = "";
/** Tells screen readers; several within a moment become one. */
export function announce(words) {
  if (!announced) setTimeout(() => { at("announcement").textContent = announced; announced = ""; }, 800);
  announced = announced ? `${words}. ${announced}`.slice(0, 300) : words;
}

export function copyButton(text, what) {
  const button = make("button", { type: "button", class: "small", "aria-label": `Copy ${what}`, "data-key": `copy ${what}` }, "copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "copied";
      announce(`${what} copied`);
    } catch {
      problem(`the browser does not let this page copy; select the text instead: ${text}`);
    }
    setTimeout(() => { button.textContent = "copy"; }, 1500);
  });
  return button;
}

const listeners = [];
export const site = () => at("site").value;
export const whenSiteChanges = (work) => listeners.push(work);
export function siteChanged() {
  for (const place of document.querySelectorAll(".of-site")) place.textContent = site() || "no site";
  for (const work of listeners) work();
}
