// All endpoints: state, what they serve, traffic, gateway.

import * as api from "./api.js";
import { draw } from "./app.js";
import { h } from "./dom.js";
import { gatewayWords, isSystem, isUpdating } from "./endpoint_state.js";
import { count, kindName, taskName } from "./format.js";
import { badge, chip, command, empty, table, time, traffic } from "./parts.js";

// Endpoints as they were read, by id: the list says nothing of traffic and versions.
const details = new Map();
let wanted = "";

async function load() {
  const listed = await api.endpoints();
  return Promise.all(listed.map(detailed));
}

async function detailed(summary) {
  if (isSystem(summary)) return summary;
  const seen = JSON.stringify(summary);
  const kept = details.get(summary.id);
  if (kept?.seen === seen && !isUpdating(summary)) return kept.whole;
  const whole = await api.endpoint(summary.name).catch((problem) => {
    // Deleted since, or listed for a user who may not read it.
    if (problem.status === 404 || problem.status === 403) return summary;
    throw problem;
  });
  details.set(summary.id, { seen, whole });
  return whole;
}

function render(endpoints) {
  const own = endpoints.filter((endpoint) => !isSystem(endpoint));
  const system = endpoints.filter(isSystem);
  return [
    h(
      "div",
      { class: "heading" },
      h("h1", { tabindex: -1 }, "Endpoints"),
      h("p", { class: "faint", id: "summary" }, summary(own)),
      own.length > 1 && search(),
    ),
    own.length ? listed(own.filter(matches)) : nothing(),
    system.length > 0 && provided(system.filter(matches)),
  ];
}

function summary(own) {
  const updating = own.filter(isUpdating).length;
  return [count(own.length, "endpoint"), updating && `${updating} updating`].filter(Boolean).join(", ");
}

function search() {
  return h("input", {
    type: "search",
    id: "search",
    placeholder: "Filter",
    "aria-label": "Filter endpoints",
    "aria-keyshortcuts": "/",
    oninput: (event) => {
      wanted = event.target.value.toLowerCase();
      draw();
    },
    onkeydown: (event) => {
      if (event.key !== "Escape") return;
      event.target.value = "";
      wanted = "";
      draw();
    },
    value: wanted,
  });
}

const matches = (endpoint) => JSON.stringify(endpoint).toLowerCase().includes(wanted);

function listed(endpoints) {
  if (!endpoints.length) return h("p", { class: "faint" }, "No endpoint matches the filter.");
  const columns = ["Endpoint", "State", "Serves", "Gateway", "Updated"];
  return table("Endpoints", columns, [...endpoints].sort(byName).map(row), "endpoints");
}

const byName = (one, other) => (one.name < other.name ? -1 : 1);

function row(endpoint) {
  const gateway = gatewayWords(endpoint.ai_gateway);
  return {
    key: endpoint.id,
    cells: [
      [link(endpoint), h("div", { class: "faint" }, subtitle(endpoint))],
      badge(endpoint),
      traffic(endpoint.config ?? endpoint.pending_config),
      gateway.length ? h("div", { class: "chips" }, gateway.map(chip)) : h("span", { class: "faint" }, "none"),
      time(endpoint.last_updated_timestamp),
    ],
  };
}

function link(endpoint) {
  return h("a", { class: "name", href: `#/endpoints/${encodeURIComponent(endpoint.name)}` }, endpoint.name);
}

const subtitle = (endpoint) =>
  [kindName(endpoint.endpoint_type), taskName(endpoint.task), version(endpoint)].filter(Boolean).join(" · ");

function version(endpoint) {
  const active = endpoint.config?.config_version;
  const pending = endpoint.pending_config?.config_version;
  return [active && `config\u00a0v${active}`, pending && `v${pending}\u00a0pending`].filter(Boolean).join(", ");
}

function provided(endpoints) {
  const rows = [...endpoints].sort(byName).map((endpoint) => ({
    key: endpoint.id,
    cells: [link(endpoint), taskName(endpoint.task), endpoint.config?.served_entities?.[0]?.foundation_model?.description ?? ""],
  }));
  return h(
    "details",
    { class: "provided" },
    h("summary", {}, `Provided by Databricks (${endpoints.length})`),
    table("Endpoints provided by Databricks", ["Endpoint", "Task", "About"], rows),
  );
}

function nothing() {
  return empty(
    "You have no endpoints yet",
    "Declare an endpoint in a manifest and apply it, or create one with any client of the Databricks API. This page updates automatically.",
    command("provisioner apply"),
  );
}

export const view = {
  title: () => "Endpoints",
  load,
  render,
  isBusy: (endpoints) => endpoints.some(isUpdating),
};
