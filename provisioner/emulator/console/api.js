// Calls of the workspace's public API, as any client makes them.

import { token } from "./session.js";

const SERVING = "/api/2.0/serving-endpoints";
const CATALOG = "/api/2.1/unity-catalog/models";
const SERVICES = { services: "model-services", providers: "model-provider-services", tools: "mcp-services" };

// What a header can hold; fetch throws for the rest.
const VISIBLE = /^[\x21-\x7e]*$/;

/** An answer that is an error; `status` 0 is no answer at all. */
export class Problem extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** The response of a call that was accepted. Throws a Problem. */
export async function call(method, path, { body, signal, as = token() } = {}) {
  const headers = { authorization: `Bearer ${VISIBLE.test(as) ? as : ""}` };
  if (body !== undefined) headers["content-type"] = "application/json";
  const content = typeof body === "string" || body === undefined ? body : JSON.stringify(body);
  let response;
  try {
    response = await fetch(path, { method, headers, body: content, signal, cache: "no-store" });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem(0, "", "The local workspace does not answer.");
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

async function problemOf(response) {
  const said = await response.json().catch(() => ({}));
  const text = said.message ?? said.error?.message ?? said.error ?? response.statusText;
  return new Problem(response.status, said.error_code ?? "", String(text));
}

async function get(path, options) {
  const response = await call("GET", path, options);
  return response.json();
}

const part = encodeURIComponent;

export const me = (as) => get("/api/2.0/preview/scim/v2/Me", { as });
export const endpoint = (name) => get(`${SERVING}/${part(name)}`);
export const permissions = (id) => get(`/api/2.0/permissions/serving-endpoints/${part(id)}`);

export async function endpoints() {
  return (await get(SERVING)).endpoints ?? [];
}

export async function logs(name, entity, kind) {
  return (await get(`${SERVING}/${part(name)}/served-models/${part(entity)}/${kind}`)).logs;
}

export async function requests(most, name = "") {
  const about = name ? `&endpoint=${part(name)}` : "";
  return (await get(`/__emulator__/requests?newest=${most}${about}`)).requests;
}

export async function payloads(table, most) {
  return (await get(`/__emulator__/payloads?table=${part(table)}`)).rows.slice(-most);
}

export async function scopes() {
  const found = (await get("/api/2.0/secrets/scopes/list")).scopes ?? [];
  return Promise.all(
    found.map(async (scope) => {
      const listed = await get(`/api/2.0/secrets/list?scope=${part(scope.name)}`).catch(asRefusal);
      return { ...scope, keys: listed.secrets ?? [], refusal: listed.refusal };
    }),
  );
}

function asRefusal(problem) {
  if (problem.status !== 403) throw problem;
  return { refusal: problem.message };
}

export async function models() {
  const found = (await get(CATALOG)).registered_models ?? [];
  return Promise.all(
    found.map(async (model) => {
      const path = `${CATALOG}/${part(model.full_name)}`;
      const [versions, whole] = await Promise.all([
        get(`${path}/versions`),
        get(`${path}?include_aliases=true`),
      ]);
      return { ...model, versions: versions.model_versions ?? [], aliases: whole.aliases ?? [] };
    }),
  );
}

/** All services: there is no list across schemas, so the workspace tells their names. */
export async function services() {
  const names = await get("/__emulator__/services");
  const found = Object.entries(SERVICES).map(async ([kind, plural]) => [
    kind,
    await Promise.all(names[plural].map((name) => service(plural, name))),
  ]);
  return Object.fromEntries(await Promise.all(found));
}

async function service(plural, name) {
  const whole = await get(`/api/2.1/unity-catalog/${plural}/${part(name)}`).catch(asRefusal);
  return { ...whole, full_name: name };
}
