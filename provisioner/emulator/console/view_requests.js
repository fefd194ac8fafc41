// What was changed and queried, newest first, with the bodies that were sent.

import * as api from "./api.js";
import { h } from "./dom.js";
import { absolute, clock, iso } from "./format.js";
import { empty, listing, table } from "./parts.js";

const MOST = 200;

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
  const line = [h("b", { class: "method" }, request.method), ` ${request.path}`];
  if (request.body === null) return h("span", { class: "target" }, line);
  return h(
    "details",
    { class: "target" },
    h("summary", {}, line),
    listing(JSON.stringify(request.body, null, 2), `Body of request ${request.number}`),
  );
}

function status(number) {
  const isGood = number >= 200 && number < 400;
  return h("span", { class: `badge ${isGood ? "good" : "bad"}` }, number || "broken off");
}

/** The first product of a User-Agent; what a browser claims to be says nothing. */
function client(agent) {
  return agent.startsWith("Mozilla/") ? "a browser" : agent.split(" ")[0] || "unknown";
}

function render(requests) {
  return [
    h(
      "div",
      { class: "heading" },
      h("h1", { tabindex: -1 }, "Requests"),
      h("p", { class: "faint" }, `The ${MOST} newest that changed or queried something. Secrets are masked.`),
    ),
    requestTable(requests, "Nothing was changed or queried in this workspace yet."),
  ];
}

export const view = { title: () => "Requests", load: () => api.requests(MOST), render, isBusy: () => false };
