// The frame of the page: which view is shown, for which domain, and what is said when it fails.

import { configure, ready, signIn } from "./api.js";
import { el, field, say } from "./dom.js";
import * as decision from "./views/decision.js";
import * as decisions from "./views/decisions.js";
import * as health from "./views/health.js";
import * as models from "./views/models.js";
import { problem } from "./views/parts.js";
import * as policy from "./views/policy.js";
import * as queue from "./views/queue.js";
import * as speakers from "./views/speakers.js";
import * as watchlists from "./views/watchlists.js";

const VIEWS = { queue, decisions, decision, policy, watchlists, speakers, models, health };
const MENU = ["queue", "decisions", "policy", "watchlists", "speakers", "models", "health"];
const MAIN = document.getElementById("main");
let shown = 0;

/** Returns what the address asks for: #/domain/view/more?query. */
function route() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [domain, view = "queue", ...parts] = path.split("/").map(decoded);
  return { domain: domain || "", view, parts, query: Object.fromEntries(new URLSearchParams(query)) };
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Returns the address of a view. */
export function address(domain, view, parts = [], query = {}) {
  const known = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const said = known.length ? `?${new URLSearchParams(known)}` : "";
  return `#/${[domain, view, ...parts].map(encodeURIComponent).join("/")}${said}`;
}

async function show() {
  const number = (shown += 1);
  const asked = route();
  menu(asked);
  if (!ready()) return put(signInForm());
  if (!asked.domain) return put(el("h1", {}, "Choose a domain"), el("p", {}, "Write its name above."));
  const view = VIEWS[asked.view];
  if (!view) return put(el("h1", {}, "There is no such view"));
  document.title = `${view.TITLE} – ${asked.domain} – Bonafide`;
  MAIN.setAttribute("aria-busy", "true");
  let made;
  try {
    made = [await view.show({ ...asked, address: (...rest) => address(asked.domain, ...rest), again: show })];
  } catch (error) {
    made = [el("h1", {}, view.TITLE), problem(error)];
  }
  // Somebody went on while this was read.
  if (number === shown) put(...made);
}

function put(...nodes) {
  MAIN.replaceChildren(...nodes);
  MAIN.removeAttribute("aria-busy");
  const heading = MAIN.querySelector("h1");
  if (heading) {
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
  }
}

function menu({ domain, view }) {
  document.getElementById("domain").value = domain;
  const current = view === "decision" ? "decisions" : view;
  const links = MENU.map((name) =>
    el("a", { href: address(domain, name), "aria-current": name === current && domain ? "page" : null }, VIEWS[name].TITLE),
  );
  document.getElementById("nav").replaceChildren(...(domain ? links : []));
}

function signInForm() {
  const [key, secret, token] = ["key", "secret", "token"].map((name) =>
    el("input", { name, type: name === "key" ? "text" : "password", autocomplete: "off", required: name !== "token" }),
  );
  const enter = (event) => {
    event.preventDefault();
    signIn({ key: key.value.trim(), secret: secret.value.trim(), token: token.value.trim() });
    show();
  };
  return el(
    "form",
    { class: "panel", onsubmit: enter },
    el("h1", {}, "Sign in"),
    el("p", {}, "Requests are signed in this page. The keys stay in its memory until you leave it, and are stored nowhere."),
    field("Access key", key),
    field("Secret access key", secret),
    field("Session token", token, "of temporary keys"),
    el("button", {}, "Sign in"),
  );
}

document.getElementById("domain-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const { view, query } = route();
  const domain = document.getElementById("domain").value.trim();
  location.hash = address(domain, MENU.includes(view) ? view : "queue", [], MENU.includes(view) ? query : {});
});
addEventListener("hashchange", () => {
  say("");
  show();
});
configure().then(show, (error) => put(el("h1", {}, "Bonafide"), problem(error)));
