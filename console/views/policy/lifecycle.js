// A policy in shadow, its activation, the way back, and the versions that were.

import { inDomain, pages, send } from "../../api.js";
import { el, facts, field, table } from "../../dom.js";
import { plain, time, who } from "../../format.js";
import { SETTINGS } from "../../words.js";
import { acting } from "../parts.js";

const reason = () => el("input", { name: "reason", required: true, maxlength: 200, autocomplete: "off" });

/** Makes the form that stages what the sliders say. */
export function staging(context, form, staged) {
  const place = el("div");
  const why = reason();
  const stage = acting(
    place,
    async () => {
      const body = { policy: form.changes(), reason: why.value };
      await send("PUT", inDomain(context.domain, "policy", "staged"), { body });
      await context.again();
    },
    "The policy is staged: it judges in shadow from the next request on.",
  );
  return el(
    "form",
    { class: "panel", id: "staging", onsubmit: stage },
    el("h2", {}, "Try it in shadow"),
    el("p", {}, "From the next request on it judges beside the active policy. No answer changes."),
    field("Reason", why),
    el("button", {}, staged ? "Stage it instead" : "Stage it"),
    place,
  );
}

/** Makes what is staged with its report, its activation and withdrawal, and the way back. */
export function activation(context, domain, staged) {
  return el("div", {}, staged ? stagedPanel(context, domain, staged) : null, rollback(context, domain));
}

function stagedPanel(context, domain, staged) {
  const place = el("div");
  const report = el("div");
  const why = reason();
  const path = (...parts) => inDomain(context.domain, "policy", ...parts);
  const activate = acting(
    place,
    async () => {
      const body = { staged_version: staged.staged_version, reason: why.value };
      await send("POST", path("activation"), { body, match: domain.etag });
      await context.again();
    },
    "The staged policy is active.",
  );
  const withdraw = acting(
    place,
    async () => {
      await send("DELETE", path("staged"));
      await context.again();
    },
    "The staged policy is withdrawn.",
  );
  const compare = acting(place, async () => report.replaceChildren(await shadowReport(path("staged", "report"))), "The report is read.");
  return el(
    "form",
    { class: "panel", id: "activation", onsubmit: activate },
    el("h2", {}, `Staged: version ${staged.staged_version}`),
    facts([
      ["Changes", differences(domain.body.policy, staged.policy)],
      ["Reason", staged.reason],
      ["By", `${who(staged.staged_by)}, ${time(staged.staged_at)}`],
    ]),
    el("button", { type: "button", onclick: compare }, "Compare in shadow"),
    report,
    field("Reason", why),
    el("button", {}, "Activate"),
    el("button", { type: "button", class: "plain", onclick: withdraw }, "Withdraw"),
    place,
  );
}

function differences(active, other) {
  const names = Object.keys(other).filter((name) => JSON.stringify(active[name]) !== JSON.stringify(other[name]));
  const text = (value) => [value].flat().join(", ") || "none";
  return names.map((name) => `${SETTINGS[name] ?? name}: ${text(active[name])} → ${text(other[name])}`).join("; ") || "none";
}

async function shadowReport(path) {
  const counts = new Map();
  await pages("GET", path, { query: { limit: 500 } }, 10, (page) => {
    for (const { before, after, count } of page.counts) {
      const key = `${before} → ${after}`;
      counts.set(key, (counts.get(key) ?? 0) + count);
    }
  });
  const rows = [...counts].sort((a, b) => b[1] - a[1]).map(([name, count]) => [name, { number: plain(count, 6) }]);
  return rows.length ? table("Decisions, active → staged", ["Decision", { number: "Count" }], rows) : el("p", {}, "No decision was judged by it yet.");
}

function rollback(context, domain) {
  const place = el("div");
  const why = reason();
  const back = acting(
    place,
    async () => {
      const body = { policy_version: domain.body.policy_version, reason: why.value };
      await send("POST", inDomain(context.domain, "policy", "rollback"), { body, match: domain.etag });
      await context.again();
    },
    "The policy before is active again.",
  );
  return el(
    "form",
    { class: "panel", id: "rollback", onsubmit: back },
    el("h2", {}, "Go back"),
    el("p", {}, `Leaves version ${domain.body.policy_version} for the policy before it, as a new version.`),
    field("Reason", why),
    el("button", {}, "Go back"),
    place,
  );
}

/** Makes the table of versions. */
export function versions(history) {
  const rows = history.policies.map((each) => [
    String(each.policy_version),
    each.action.replace("_", " "),
    each.changed.map((name) => SETTINGS[name.replace("policy.", "")] ?? name).join(", ") || "–",
    time(each.changed_at),
    who(each.changed_by),
    each.reason ?? "–",
  ]);
  return el("section", {}, el("h2", {}, "Versions"), table("Versions, the newest first", ["Version", "Was", "Settings", "At (UTC)", "By", "Reason"], rows), history.next_before ? el("p", { class: "quiet" }, "Older ones are not shown.") : null);
}
