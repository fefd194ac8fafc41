// What was changed and queried, newest first, with the bodies that were sent.

import * as api from "./api.js";
import { h } from "./dom.js";
import { absolute, clock, duration, iso } from "./format.js";
import { empty, listing, table } from "./parts.js";

const MOST = 200;

/** Rows of an inference table, the newest first. */
export function payloadTable(name, rows) {
  return h(
    "div",
    { class: "block", "data-key": name },
    h("h2", {}, `Inference table ${name}`),
    rows.length
      ? table(
          `Rows of ${name}`,
          ["Status", "Served by", "Time taken", "Request and response"],
          [...rows].reverse().map(payloadRow),
        )
      : h("p", { class: "faint" }, "No rows yet: each query adds one."),
  );
}

function payloadRow(row) {
  const text = `${row.request ?? "too large to log"}\n\n${row.response ?? "too large to log"}`;
  return {
    key: row.databricks_request_id,
    cells: [
      status(row.status_code),
      row.served_entity_id ?? row.request_metadata?.model_name ?? "",
      duration(row.execution_duration_ms ?? row.execution_time_ms ?? 0),
      h(
        "details",
        { class: "target" },
        h("summary", {}, row.databricks_request_id),
        listing(text, `Row ${row.databricks_request_id}`),
      ),
    ],
  };
}

export function requestTable(requests, nothing) {
  if (!requests.length) return empty("No requests yet", nothing);
  return table(
    "Requests",
    ["Time", "Request", "Status", "Client"],
    requests.map((request) => ({
      key: String(request.number),
      cells: [
        h("time", { datetime: iso(request.at_ms), title: absolute(request.at_ms) }, clock(request.at_ms)),
        sent(request),
        status(request.status),
        h("span", { class: "faint client", title: request.user_agent }, client(request.user_agent)),
      ],
    })),
  );
}

function sent(request) {
  const name = nameIn(request.body);
  const line = [
    h("b", { class: "method" }, request.method),
    ` ${request.path}`,
    name && h("span", { class: "faint" }, ` ${name}`),
  ];
  if (request.body === null) return h("span", { class: "target" }, line);
  return h(
    "details",
    { class: "target" },
    h("summary", {}, line),
    listing(JSON.stringify(request.body, null, 2), `Body of request ${request.number}`),
  );
}

/** What a body names, where its path does not: a new endpoint, a key of a scope, a model. */
function nameIn(body) {
  const found = [body?.name, body?.scope, body?.key, body?.model].filter((text) => typeof text === "string");
  return found.length ? found.join("/") : "";
}

function status(number) {
  const isGood = number >= 200 && number < 400;
  return h("span", { class: `badge ${isGood ? "good" : "bad"}` }, number || "interrupted");
}

/** The first product of a User-Agent that has a name; what a browser claims to be says nothing. */
function client(agent) {
  if (agent.startsWith("Mozilla/")) return "a browser";
  // The Databricks SDK sends "unknown/0.0.0 databricks-sdk-py/0.156.0 ..." unless it is told a product.
  return agent.split(" ").find((product) => product && !product.startsWith("unknown/")) || "unknown";
}

function render(requests) {
  return [
    h(
      "div",
      { class: "heading" },
      h("h1", { tabindex: -1 }, "Requests"),
      h("p", { class: "faint" }, `The newest ${MOST} requests that changed or queried a resource. Secrets are masked.`),
    ),
    requestTable(requests, "No request has changed or queried a resource of this workspace yet."),
  ];
}

export const view = { title: () => "Requests", load: () => api.requests(MOST), render, isBusy: () => false };
