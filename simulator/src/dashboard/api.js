// The control API: calls, and the stream of events.

async function call(method, path, body) {
  const request = { method, headers: {} };
  if (body !== undefined) {
    request.headers["Content-Type"] = "application/json";
    request.body = JSON.stringify(body);
  }
  const answer = await fetch(`/api/v1/${path}`, request);
  if (answer.ok) return answer;
  const { message } = await answer.json();
  throw new Error(message ?? `${method} ${path}: ${answer.status}`);
}

const json = async (answer) => (await answer).json();

export const get = (path) => json(call("GET", path));
export const getText = async (path) => (await call("GET", path)).text();
export const post = (path, body = {}) => json(call("POST", path, body));
export const remove = (path) => json(call("DELETE", path));

/** How many events from before the page was opened are shown. */
const EARLIER_EVENTS = 2000;

/**
 * Calls `heard` with every event, the earlier ones first, and `told` with "live" or "waiting". With an event comes
 * whether it is the first of a new stack, and whether it happened before the page was opened.
 * A hidden page lets go of its connection: browsers have few for each host.
 */
export async function follow(heard, told) {
  const { last } = await get("events?limit=0");
  let earlier = last;
  let after = Math.max(0, last - EARLIER_EVENTS);
  let source;
  const open = () => {
    source = new EventSource(`/api/v1/events/stream?after=${after}`);
    source.onopen = () => told("live");
    source.onmessage = (message) => {
      const event = JSON.parse(message.data);
      const isNewStack = event.sequence <= after;
      after = event.sequence;
      if (isNewStack) earlier = 0;
      heard(event, { isNewStack, isEarlier: event.sequence <= earlier });
    };
    source.addEventListener("stream.missed", (message) => told("live", JSON.parse(message.data)));
    source.onerror = () => {
      told("waiting");
      // A refusal ends the source for good; a lost line does not.
      if (source.readyState === EventSource.CLOSED) setTimeout(() => document.hidden || open(), 2000);
    };
  };
  document.addEventListener("visibilitychange", () => {
    source.close();
    if (document.hidden) told("waiting");
    else open();
  });
  open();
}
