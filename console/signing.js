// Signature Version 4 of requests to API Gateway, by Web Crypto.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html

const ALGORITHM = "AWS4-HMAC-SHA256";
const encoder = new TextEncoder();

const hex = (bytes) => Array.from(new Uint8Array(bytes), (each) => each.toString(16).padStart(2, "0")).join("");
const digest = async (text) => hex(await crypto.subtle.digest("SHA-256", encoder.encode(text)));

async function hmac(key, text) {
  const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return crypto.subtle.sign("HMAC", imported, encoder.encode(text));
}

// encodeURIComponent leaves out four characters that RFC 3986 reserves.
const encoded = (text) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`);

/** Returns a query in the one form that is both sent and signed: encoded, ordered by name. */
export function queryOf(values) {
  const pairs = Object.entries(values).map(([name, value]) => `${encoded(name)}=${encoded(value)}`);
  return pairs.sort().join("&");
}

/** Returns the headers of a request with its signature: of its method, URL (its query by `queryOf`), text and headers. */
export async function signed({ method, url, headers, text }, credentials, region, service = "execute-api", now = new Date()) {
  const stamp = now.toISOString().replace(/[-:]|\.\d+/g, "");
  const own = { ...headers, "X-Amz-Date": stamp };
  if (credentials.token) own["X-Amz-Security-Token"] = credentials.token;
  const named = Object.entries({ ...own, Host: url.host }).map(([name, value]) => [name.toLowerCase(), value.trim()]);
  named.sort(([a], [b]) => (a < b ? -1 : 1));
  const names = named.map(([name]) => name).join(";");
  const lines = named.map(([name, value]) => `${name}:${value}\n`).join("");
  // Each segment is encoded once more than it is sent, as of all services but S3.
  const path = url.pathname.split("/").map(encoded).join("/");
  const request = [method, path, url.search.slice(1), lines, names, await digest(text)].join("\n");
  const scope = [stamp.slice(0, 8), region, service, "aws4_request"];
  const toSign = [ALGORITHM, stamp, scope.join("/"), await digest(request)].join("\n");
  let key = encoder.encode(`AWS4${credentials.secret}`);
  for (const part of scope) key = await hmac(key, part);
  const signature = hex(await hmac(key, toSign));
  const credential = `${credentials.key}/${scope.join("/")}`;
  return { ...own, Authorization: `${ALGORITHM} Credential=${credential}, SignedHeaders=${names}, Signature=${signature}` };
}
