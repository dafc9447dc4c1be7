// The rule of least expected cost, as the service decides by it (biometrics/decision.py and risk/shift.py): to draw where
// a policy accepts, and to find what would have stopped a decision. Nothing is decided here.

const LARGEST_LLR = 300;

const likelihood = (llr) => Math.exp(-Math.min(Math.max(llr, -LARGEST_LLR), LARGEST_LLR));

/** Returns posterior odds of an impostor and of a synthetic copy against the claimed speaker. */
export function oddsAgainst(llr, liveness, policy) {
  const speaker = 1 - policy.impostor_prior - policy.spoof_prior;
  return {
    impostor: (policy.impostor_prior / speaker) * likelihood(llr),
    spoof: (policy.spoof_prior / speaker) * likelihood(liveness ?? 0),
  };
}

function cheapest(odds, policy, factor) {
  const impostor = odds.impostor * factor;
  const spoof = odds.spoof * factor;
  const accept = impostor * policy.false_accept_cost + spoof * policy.spoof_accept_cost;
  const stepUp = policy.step_up_cost * (1 + impostor + spoof);
  const reject = policy.false_reject_cost;
  if (accept <= Math.min(stepUp, reject)) return "ACCEPT";
  return stepUp <= reject ? "STEP_UP" : "REJECT";
}

/** Returns the action for two LLRs, without alerts, factors and doubts about the recording. */
export function action(llr, liveness, policy) {
  const odds = oddsAgainst(llr, liveness, policy);
  const margin = Math.exp(policy.uncertain_margin ?? 0);
  const worst = cheapest(odds, policy, margin);
  return worst === cheapest(odds, policy, 1 / margin) ? worst : "STEP_UP";
}

/** Returns the LLRs at which a policy changes its decision, each while the other LLR leaves no doubt. */
export function thresholds(policy) {
  const even = (cost) => policy.false_reject_cost / (cost + policy.false_reject_cost);
  const acceptable = (cost) => Math.min(policy.step_up_cost / cost, even(cost));
  const at = (posterior, odds) => Math.log(odds * (1 - posterior)) - Math.log(posterior);
  const reject = Math.max(1 - policy.step_up_cost / policy.false_reject_cost, even(policy.false_accept_cost));
  const prior = oddsAgainst(0, 0, policy);
  const margin = policy.uncertain_margin ?? 0;
  return {
    accept: at(acceptable(policy.false_accept_cost), prior.impostor) + margin,
    reject: at(reject, prior.impostor) - margin,
    liveness: at(acceptable(policy.spoof_accept_cost), prior.spoof) + margin,
  };
}

/** Returns the LLRs that count once the risk of the call is weighed; in favor of the caller it moves the voice only. */
export function moved(llr, liveness, risk, policy) {
  const limits = thresholds(policy);
  const nats = Math.max(risk, Math.min(0, Math.max(0, limits.reject) - limits.accept));
  return { llr: llr - nats, liveness: liveness === null ? null : liveness - Math.max(nats, 0) };
}

// Settings that can stop an acceptance, each with the largest value that is offered.
const STOPS = { spoof_prior: 0.3, impostor_prior: 0.3, spoof_accept_cost: 1e5, false_accept_cost: 1e5, uncertain_margin: 10 };

/** Returns, of each setting that could, the smallest value (two digits, rounded up) with which it would not be accepted. */
export function stops(llr, liveness, policy) {
  const found = [];
  for (const [setting, most] of Object.entries(STOPS)) {
    const stopped = (value) => action(llr, liveness, { ...policy, [setting]: value }) !== "ACCEPT";
    let low = policy[setting] ?? 0;
    let high = most;
    if (low >= high || stopped(low) || !stopped(high)) continue;
    for (let step = 0; step < 60; step += 1) {
      const middle = (low + high) / 2;
      if (stopped(middle)) high = middle;
      else low = middle;
    }
    found.push({ setting, value: Math.min(roundedUp(high), most) });
  }
  return found;
}

function roundedUp(value) {
  const unit = 10 ** (Math.floor(Math.log10(value)) - 1);
  return Number((Math.ceil(value / unit - 1e-9) * unit).toPrecision(2));
}
