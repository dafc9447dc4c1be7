// Requests to the API: addressed, signed where that is asked for, and with its problem documents as errors.

import { queryOf, signed } from "./signing.js";

const state = { settings: null, credentials: null };

/** A refusal, with the fields of its problem document. */
export class ApiError extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || problem.message || `The API answered ${status}.`);
    this.status = status;
    this.code = problem.code || "";
    this.errors = problem.errors || [];
  }
}

/** Reads where the API is, from the file beside this page. */
export async function configure() {
  state.settings = await (await fetch("settings.json")).json();
  return state.settings;
}

/** Takes credentials for signatures; they are kept in the memory of this page and nowhere else. */
export function signIn(credentials) {
  state.credentials = credentials;
}

/** Tells whether requests can be sent. */
export const ready = () => !state.settings.signed || state.credentials !== null;

/** Sends a request; returns its body, with `etag` beside it in `headers` of `whole`. */
export async function send(method, path, options = {}) {
  return (await whole(method, path, options)).body;
}

/** Sends a request; returns body and ETag. */
export async function whole(method, path, { query = {}, body, match } = {}) {
  const url = new URL(`${state.settings.api}${path}`, location.href);
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  url.search = queryOf(Object.fromEntries(given));
  const headers = {};
  if (method === "POST") headers["Idempotency-Key"] = crypto.randomUUID();
  if (match) headers["If-Match"] = match;
  const text = body === undefined ? "" : JSON.stringify(body);
  if (text) headers["Content-Type"] = "application/json";
  const { region } = state.settings;
  const all = state.credentials ? await signed({ method, url, headers, text }, state.credentials, region) : headers;
  const answer = await fetch(url, { method, headers: all, body: text || undefined, cache: "no-store" });
  return { body: await read(answer), etag: answer.headers.get("ETag") };
}

async function read(answer) {
  const text = await answer.text();
  let body = null;
  try {
    body = text ? JSON.parse(text) : null;
  } catch {
    body = { detail: `The API answered ${answer.status} and no JSON.` };
  }
  if (!answer.ok) throw new ApiError(answer.status, body || {});
  return body;
}

/** Returns the path of a domain's resource; each part is encoded. */
export const inDomain = (domain, ...parts) => `/v1/domains/${[domain, ...parts].map(encodeURIComponent).join("/")}`;

/** Reads page after page, at most so many; `more` tells whether some are left. */
export async function pages(method, path, options, most, take) {
  let cursor = null;
  for (let number = 0; number < most; number += 1) {
    const where = method === "GET" ? "query" : "body";
    const page = await send(method, path, { ...options, [where]: { ...options[where], cursor } });
    take(page);
    cursor = page.next_cursor;
    if (!cursor) return { more: false };
  }
  return { more: true };
}
