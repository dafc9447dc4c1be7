// The policy: what another one would have decided, one in shadow, activation, the way back, and versions.

import { ApiError, inDomain, send, whole } from "../api.js";
import { el, say } from "../dom.js";
import { policyForm } from "./policy/form.js";
import { activation, staging, versions } from "./policy/lifecycle.js";
import { whatIf } from "./policy/what-if.js";

export const TITLE = "Policy";

/** Shows the policy of a domain, with the changes that the address asks for filled in. */
export async function show(context) {
  const path = (...parts) => inDomain(context.domain, ...parts);
  const [domain, staged, history] = await Promise.all([
    whole("GET", path()),
    send("GET", path("policy", "staged")).catch(absent),
    send("GET", path("policies"), { query: { limit: 10 } }),
  ]);
  const result = el("section", { class: "panel", id: "what-if", "aria-live": "polite" });
  const active = domain.body.policy;
  const form = policyForm(active, context.query, (changes, range) => whatIf(context, { active, changes, range }, result).catch(failed));
  const failed = (error) => {
    say(error.message);
    result.replaceChildren(el("p", { class: "problem", role: "alert" }, error.message));
  };
  form.ask();
  return el(
    "section",
    {},
    el("h1", {}, `Policy, version ${domain.body.policy_version}`),
    el("div", { class: "columns" }, el("div", {}, form.node, staging(context, form, staged), activation(context, domain, staged)), result),
    versions(history),
  );
}

function absent(error) {
  if (error instanceof ApiError && error.status === 404) return null;
  throw error;
}
