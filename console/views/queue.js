// Decisions that are worth a look, the dearest expected error first.

import { inDomain, send } from "../api.js";
import { cells, el, table } from "../dom.js";
import { nats, percent, plain, range, time } from "../format.js";
import { badge, filters, movable, outcomeOf } from "./parts.js";

export const TITLE = "Queue";
const PAGE = 25;

/** Shows a page of the queue. */
export async function show(context) {
  const query = { range: "7d", decision: "", ...context.query };
  const bounds = query.cursor ? {} : range(query.range, new Date());
  const asked = { ...bounds, decision: query.decision, cursor: query.cursor, limit: PAGE };
  const page = await send("GET", inDomain(context.domain, "reviews"), { query: asked });
  const heads = ["Time (UTC)", "Speaker", "Decision", { number: "Expected cost" }, { number: "Impostor" }, { number: "Synthetic" }];
  const rows = page.reviews.map((each) => row(context, each));
  const more = page.next_cursor && context.address("queue", [], { ...query, cursor: page.next_cursor });
  return el(
    "section",
    {},
    el("h1", {}, "Decisions worth a look"),
    el("p", {}, "Those without an outcome first, ordered by what an error in them would be expected to cost."),
    filters(context, "queue", query),
    rows.length
      ? movable(table("Queue", [...heads, { number: "LLR" }, { number: "Liveness" }, "Outcome"], rows))
      : el("p", {}, "There is no decision in this time."),
    el("p", { class: "quiet" }, `Chosen among ${page.looked_at} decisions${page.begin ? `, back to ${time(page.begin)}` : ""}.`),
    more && el("a", { href: more, class: "more" }, "Next page"),
  );
}

function row(context, review) {
  const { decision } = review;
  const link = el("a", { href: context.address("decision", [decision.decision_id]) }, time(decision.decided_at));
  return el(
    "tr",
    {},
    ...cells([
      link,
      decision.claimed_speaker ?? "–",
      badge(decision.decision),
      { number: plain(review.expected_cost) },
      { number: percent(review.impostor_probability) },
      { number: percent(review.spoof_probability) },
      { number: nats(decision.speaker?.llr) },
      { number: nats(decision.liveness?.llr) },
      outcomeOf(decision),
    ]),
  );
}
