// One decision: what was decided and why, what would have stopped it, and what it turned out to be.

import { inDomain, send } from "../api.js";
import { action, moved, stops, thresholds } from "../costs.js";
import { el, facts, field, select, table } from "../dom.js";
import { nats, percent, plain, time, who } from "../format.js";
import { costMap } from "../plot.js";
import { ATTACKS, CALL_REASONS, DECISIONS, LABELS, REASONS, SETTINGS } from "../words.js";
import { listed } from "./decisions.js";
import { acting, badge, outcomeOf, problem } from "./parts.js";

export const TITLE = "Decision";
const SIMILAR = 10;

/** Shows a decision. */
export async function show(context) {
  const [id] = context.parts;
  const decision = await send("GET", inDomain(context.domain, "decisions", id));
  // What else there is of the speaker may be refused; the decision is shown all the same.
  const others = await otherCalls(context, decision).catch(problem);
  return el(
    "section",
    { class: "decision" },
    el("h1", {}, badge(decision.decision), ` ${decision.claimed_speaker ?? "nobody claimed"}, ${time(decision.decided_at)}`),
    el("p", { class: "lead" }, `${DECISIONS[decision.decision]}.`),
    el("ul", { class: "reasons" }, ...decision.reasons.map((code) => el("li", {}, el("code", {}, code), ` ${REASONS[code] ?? ""}`))),
    el("div", { class: "columns" }, evidence(decision), outcomeForm(context, decision)),
    stopping(context, decision),
    el("div", { class: "columns" }, call(decision), circumstances(context, decision)),
    history(decision),
    others,
  );
}

/** Makes the cost map with the decision on it. */
function evidence(decision) {
  const { policy, speaker, liveness } = decision;
  const title = el("h2", {}, "Evidence and the policy that decided");
  if (!policy || !speaker) return el("section", { class: "panel" }, title, el("p", {}, "There is no score to draw."), session(decision));
  const own = { llr: speaker.llr, liveness: liveness?.llr ?? null, name: "voice", kind: "voice" };
  const risk = decision.call_risk?.nats ?? 0;
  const points = [own];
  if (risk) points.push({ ...moved(own.llr, own.liveness, risk, policy), name: "with the call's risk", kind: "moved" });
  const limits = thresholds(policy);
  return el(
    "section",
    { class: "panel" },
    title,
    costMap(policy, points, described(speaker, liveness, limits)),
    el("p", {}, described(speaker, liveness, limits)),
    liveness ? null : el("p", {}, "Liveness was not detected; it is drawn at 0."),
    session(decision),
  );
}

function described(speaker, liveness, limits) {
  const live = liveness ? `${nats(liveness.llr)}, named ${liveness.state}, against ${nats(limits.liveness)}` : "missing";
  return `LLR of the speaker ${nats(speaker.llr)} against ${nats(limits.accept)} to accept and ${nats(limits.reject)} to reject; liveness ${live}.`;
}

function session(decision) {
  if (decision.kind !== "session") return null;
  const { used, scored, expected } = decision.chunks;
  return el(
    "p",
    { class: "quiet" },
    `A session: ${used} chunks used of ${scored} scored${expected === null ? "" : ` and ${expected} expected`}. `,
    "The service keeps its final scores only, so there is no course over the chunks to draw.",
  );
}

/** Makes the list of single changes of the policy that would have stopped an acceptance, each with a way to its price. */
function stopping(context, decision) {
  if (decision.decision !== "ACCEPT" || !decision.policy || !decision.speaker) return null;
  const { policy, speaker, liveness } = decision;
  const counted = moved(speaker.llr, liveness?.llr ?? null, decision.call_risk?.nats ?? 0, policy);
  if (action(counted.llr, counted.liveness, policy) !== "ACCEPT") return null;
  const changes = stops(counted.llr, counted.liveness, policy).map(({ setting, value }) => [
    SETTINGS[setting],
    { number: plain(policy[setting] ?? 0, 4) },
    { number: plain(value, 4) },
    el("a", { href: context.address("policy", [], { [setting]: value, for: decision.decision_id }) }, "What would it cost?"),
  ]);
  const factor = context.address("policy", [], { requires: "another_factor", for: decision.decision_id });
  changes.push([SETTINGS.requires, { number: "no" }, { number: "yes" }, el("a", { href: factor }, "What would it cost?")]);
  return el(
    "section",
    { class: "panel", id: "stops" },
    el("h2", {}, "What would have stopped it"),
    el("p", {}, "The smallest change that stops this one call says little of the next: look at what it costs, and go further."),
    table("Changes of one setting that make it STEP_UP or REJECT", ["Setting", { number: "was" }, { number: "at least" }, ""], changes),
  );
}

function outcomeForm(context, decision) {
  const place = el("div");
  const options = Object.entries(ATTACKS);
  const label = el(
    "fieldset",
    {},
    el("legend", {}, "It was"),
    ...Object.keys(LABELS).map((name) => el("label", {}, el("input", { type: "radio", name: "label", value: name, required: true }), ` ${name}`)),
  );
  const source = el("input", { name: "source", maxlength: 128, autocomplete: "off" });
  const state = acting(
    place,
    async (event) => {
      const given = Object.fromEntries(new FormData(event.target));
      const body = { label: given.label, attack: (given.label === "fraud" && given.attack) || null, source: given.source || null };
      await send("POST", inDomain(context.domain, "decisions", decision.decision_id, "outcome"), { body });
      await context.again();
    },
    "The outcome was stated.",
  );
  return el(
    "form",
    { class: "panel", id: "outcome", onsubmit: state },
    el("h2", {}, "Outcome"),
    el("p", {}, "In force: ", outcomeOf(decision)),
    label,
    field("Kind of a fraud", select("attack", [["", "not known"], ...options], "")),
    field("Source", source, "your reference, such as a case; no personal data"),
    el("button", {}, "State the outcome"),
    place,
  );
}

function call(decision) {
  const { call_risk: risk, watchlist_match: match, quality } = decision;
  const reasons = (risk?.reasons ?? []).map((each) => [CALL_REASONS[each.code] ?? each.code, { number: nats(each.nats) }]);
  const title = el("h2", {}, "The call");
  return el(
    "section",
    { class: "panel" },
    title,
    risk
      ? table(`Risk by scorecard ${risk.version}: ${nats(risk.nats)} nats`, ["Reason", { number: "nats" }], reasons)
      : el("p", { class: "quiet" }, "Nothing was said of the call."),
    match &&
      el(
        "p",
        { class: "warning" },
        `Like ${match.fraudster} of list ${match.watchlist}: likeness ${plain(match.likeness)}, ${match.searched} searched, `,
        `${plain(match.expected)} strangers expected to come so near. A reason to look, and no proof.`,
      ),
    facts([
      ["Speech", `${plain(decision.speech_seconds)} s, ${decision.channel ?? "no band"}`],
      ["Level", quality && `${plain(quality.level_dbfs)} dBFS`],
      ["Signal to noise", quality && (quality.snr_db === null ? "not measured" : `${plain(quality.snr_db)} dB`)],
      ["Clipped", quality && percent(quality.clipped)],
      ["Missing", decision.degraded.join(", ")],
      ["Brakes on", (decision.brakes ?? []).join(", ")],
    ]),
  );
}

function circumstances(context, decision) {
  const { staged } = decision;
  const version = el("a", { href: context.address("policy") }, String(decision.policy_version));
  return el(
    "section",
    { class: "panel" },
    el("h2", {}, "Made by"),
    facts([
      ["Decision", el("code", {}, decision.decision_id)],
      ["Call", decision.call_id],
      ["Session", decision.session_id],
      ["Policy version", version],
      ["Staged policy", staged && `version ${staged.staged_version} would have decided ${staged.decision}`],
      ["Bundle", el("code", {}, decision.bundle.slice(0, 16))],
      ["Calibration", decision.calibration && el("code", {}, decision.calibration.slice(0, 16))],
      ["Asked by", decision.principal && who(decision.principal)],
      ["Latency", decision.latency_ms === null ? null : `${decision.latency_ms} ms`],
    ]),
  );
}

function history(decision) {
  const stated = decision.outcome_history ?? [];
  if (!stated.length) return null;
  const rows = stated.map((each) => [time(each.known_at), time(each.stated_at), each.label, each.attack ?? "–", who(each.stated_by), each.source ?? "–"]);
  return el("section", {}, el("h2", {}, "Outcomes stated"), table("Outcomes, in their order", ["Known at", "Stated at", "Label", "Attack", "By", "Source"], rows));
}

/** Makes the newest other calls that claim the same speaker. */
async function otherCalls(context, decision) {
  if (!decision.claimed_speaker) return null;
  const query = { speaker: decision.claimed_speaker, limit: SIMILAR + 1 };
  const page = await send("GET", inDomain(context.domain, "decisions"), { query });
  const others = page.decisions.filter((each) => each.decision_id !== decision.decision_id).slice(0, SIMILAR);
  if (!others.length) return null;
  return el("section", {}, el("h2", {}, `Other calls that claim ${decision.claimed_speaker}`), listed(context, others, "Other calls"));
}
