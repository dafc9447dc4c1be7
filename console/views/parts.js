// Parts that several views share.

import { ApiError } from "../api.js";
import { el, field, say, select } from "../dom.js";
import { RANGES } from "../format.js";
import { DECISIONS } from "../words.js";

/** Makes the name of a decision, which is never told by its color alone. */
export const badge = (decision) => el("span", { class: `badge ${decision}`, title: DECISIONS[decision] }, decision);

/** Makes the outcome of a decision. */
export function outcomeOf(entry) {
  const label = entry.outcome?.label ?? "unknown";
  if (label === "unknown") return el("span", { class: "quiet" }, "none");
  return el("span", { class: `label ${label}` }, label, entry.outcome.attack ? ` (${entry.outcome.attack})` : "");
}

/** Makes a form of filters that opens the view with them. */
export function filters(context, view, query, extra = []) {
  const decisions = [["", "all"], ...Object.keys(DECISIONS).map((name) => [name, name])];
  const open = (event) => {
    event.preventDefault();
    location.hash = context.address(view, [], Object.fromEntries(new FormData(event.currentTarget)));
  };
  const decision = select("decision", decisions, query.decision || "");
  return el(
    "form",
    { class: "filters", onsubmit: open, onchange: (event) => event.target.tagName === "SELECT" && event.currentTarget.requestSubmit() },
    field("Time", select("range", RANGES, query.range)),
    field("Decision", decision),
    ...extra,
    el("button", {}, "Show"),
  );
}

/** Makes a body of rows that arrow keys, or j and k, move through while one of its links has the focus. */
export function movable(table) {
  table.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    const links = [...table.querySelectorAll("tbody tr td:first-child a")];
    const next = links[links.indexOf(document.activeElement) + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
  return table;
}

/** Makes a message of an error. */
export function problem(error) {
  if (!(error instanceof ApiError)) return el("p", { class: "problem", role: "alert" }, `This failed: ${error.message}`);
  const fields = error.errors.map((each) => el("li", {}, Object.values(each).join(": ")));
  const said = `${error.message}${error.code ? ` (${error.code})` : ""}`;
  return el("div", { class: "problem", role: "alert" }, el("p", {}, said), fields.length ? el("ul", {}, ...fields) : null);
}

/** Runs what a button or a form asks for: says how it went, shows a refusal beside it, and lets nobody ask twice. */
export function acting(place, act, done) {
  return async (event) => {
    event.preventDefault();
    const button = event.submitter ?? event.currentTarget;
    place.replaceChildren();
    button.disabled = true;
    try {
      const said = await act(event);
      say(said ?? done);
    } catch (error) {
      place.replaceChildren(problem(error));
    } finally {
      button.disabled = false;
    }
  };
}
