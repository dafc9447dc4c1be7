// Decisions by time, result and speaker.

import { inDomain, send } from "../api.js";
import { cells, el, field, table } from "../dom.js";
import { nats, range, time } from "../format.js";
import { badge, filters, movable, outcomeOf } from "./parts.js";

export const TITLE = "Decisions";
const PAGE = 50;

/** Shows a page of decisions, or opens the one whose identifier was given. */
export async function show(context) {
  const query = { range: "7d", decision: "", speaker: "", ...context.query };
  if (query.id) {
    location.hash = context.address("decision", [query.id]);
    return el("p", {}, "Opening the decision.");
  }
  const asked = { ...range(query.range, new Date()), decision: query.decision, speaker: query.speaker, limit: PAGE, cursor: query.cursor };
  const page = await send("GET", inDomain(context.domain, "decisions"), { query: asked });
  const speaker = el("input", { name: "speaker", value: query.speaker, autocomplete: "off" });
  const id = el("input", { name: "id", autocomplete: "off" });
  const more = page.next_cursor && context.address("decisions", [], { ...query, cursor: page.next_cursor });
  return el(
    "section",
    {},
    el("h1", {}, "Decisions"),
    filters(context, "decisions", query, [field("Speaker", speaker), field("Decision's identifier", id)]),
    page.decisions.length ? listed(context, page.decisions) : el("p", {}, "There is no such decision."),
    more && el("a", { href: more, class: "more" }, "Next page"),
  );
}

/** Makes a table of decisions. */
export function listed(context, decisions, caption = "Decisions") {
  const heads = ["Time (UTC)", "Speaker", "Decision", { number: "LLR" }, { number: "Liveness" }, "Decisive reason", "Outcome"];
  return movable(table(caption, heads, decisions.map((each) => row(context, each))));
}

function row(context, decision) {
  return el(
    "tr",
    {},
    ...cells([
      el("a", { href: context.address("decision", [decision.decision_id]) }, time(decision.decided_at)),
      decision.claimed_speaker ?? "–",
      badge(decision.decision),
      { number: nats(decision.speaker?.llr) },
      { number: nats(decision.liveness?.llr) },
      decision.reasons[0] ?? "–",
      outcomeOf(decision),
    ]),
  );
}
