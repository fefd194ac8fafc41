// One endpoint: what it serves, its pending update, and its other parts, each at its own address.

import * as api from "./api.js";
import { h } from "./dom.js";
import { entitiesOf, isUpdating, modelOf } from "./endpoint_state.js";
import { ago, kindName, taskName } from "./format.js";
import { overview } from "./endpoint_overview.js";
import { badge, empty, errorBox, listing, table, time } from "./parts.js";
import { queryForm } from "./query_form.js";
import { rolloutOf } from "./rollout.js";
import { payloadTable, requestTable } from "./view_requests.js";

const HISTORY = 100;

// Each part: what it needs beside the endpoint, and how it is shown.
const PARTS = {
  overview: { title: "Overview", load: rolloutOf, render: overview },
  query: { title: "Query", load: async () => undefined, render: queryForm },
  logs: { title: "Logs", load: loadLogs, render: renderLogs },
  requests: {
    title: "Requests",
    load: loadHistory,
    render: renderHistory,
  },
  permissions: { title: "Permissions", load: loadPermissions, render: renderPermissions },
  json: {
    title: "JSON",
    load: async () => undefined,
    render: (endpoint) => listing(JSON.stringify(endpoint, null, 2), "The endpoint as JSON"),
  },
};

const partOf = (route) => (route.rest[1] in PARTS ? route.rest[1] : "overview");

async function load(route) {
  const endpoint = await api.endpoint(route.rest[0]);
  const more = await PARTS[partOf(route)].load(endpoint).catch((problem) => {
    if (problem.status === 0 || problem.status === 401) throw problem;
    return { problem };
  });
  return { endpoint, more };
}

function render({ endpoint, more }, route) {
  const part = partOf(route);
  return [
    h("p", { class: "path" }, h("a", { href: "#/endpoints" }, "Endpoints"), " /"),
    h("div", { class: "heading" }, h("h1", { tabindex: -1 }, endpoint.name), badge(endpoint), subtitle(endpoint)),
    endpoint.description && h("p", {}, endpoint.description),
    pending(endpoint),
    parts(endpoint, part),
    h(
      "section",
      { "data-key": `${endpoint.id}/${part}`, "aria-label": PARTS[part].title },
      more?.problem ? errorBox(more.problem) : PARTS[part].render(endpoint, more),
    ),
  ];
}

function subtitle(endpoint) {
  const said = [kindName(endpoint.endpoint_type), taskName(endpoint.task)].filter(Boolean).join(" · ");
  return h("p", { class: "faint" }, said, " · updated ", time(endpoint.last_updated_timestamp));
}

function parts(endpoint, chosen) {
  const base = `#/endpoints/${encodeURIComponent(endpoint.name)}`;
  return h(
    "nav",
    { class: "tabs", "aria-label": `Parts of ${endpoint.name}` },
    Object.entries(PARTS).map(([key, { title }]) =>
      h("a", { href: `${base}/${key}`, "aria-current": key === chosen ? "page" : null }, title),
    ),
  );
}

/** The update in progress, or how the last one went wrong. */
function pending(endpoint) {
  const config = endpoint.pending_config;
  if (!config) return null;
  const running = isUpdating(endpoint);
  const title = running ? `Updating to config version ${config.config_version}` : "The last update did not take effect";
  return h(
    "div",
    { class: running ? "callout busy" : "callout bad" },
    h("strong", {}, title),
    config.start_time && h("span", { class: "faint" }, ` started ${ago(config.start_time)}`),
    h("ul", {}, entitiesOf(config).map(pendingEntity)),
    endpoint.config && h("p", {}, `Version ${endpoint.config.config_version} still serves.`),
  );
}

function pendingEntity(entity) {
  const { model, detail } = modelOf(entity);
  const state = entity.state?.deployment_state_message || entity.state?.deployment || "";
  const target = [model, detail].filter(Boolean).join(" ");
  return h("li", {}, h("b", {}, entity.name), ` ${target}, ${entity.percent} % of the traffic. `, state);
}

async function loadLogs(endpoint) {
  const configs = [endpoint.pending_config, endpoint.config];
  const names = new Set(configs.flatMap((config) => entitiesOf(config).map((entity) => entity.name)));
  return Promise.all(
    [...names].map(async (name) => ({
      name,
      build: await api.logs(endpoint.name, name, "build-logs"),
      server: await api.logs(endpoint.name, name, "logs"),
    })),
  );
}

function renderLogs(endpoint, found) {
  if (!found.length) return empty("No logs", "The endpoint has no served entity, so there are no logs.");
  return found.map((each) =>
    h(
      "div",
      { class: "block", "data-key": each.name },
      h("h2", {}, each.name),
      h("h3", {}, "Build"),
      listing(each.build, `Build logs of ${each.name}`),
      h("h3", {}, "Server"),
      listing(each.server, `Server logs of ${each.name}`),
    ),
  );
}

async function loadHistory(endpoint) {
  const [requests, ...tables] = await Promise.all([
    api.requests(HISTORY, endpoint.name),
    ...tablesOf(endpoint).map(async (name) => ({ name, rows: await api.payloads(name, HISTORY) })),
  ]);
  return { requests, tables };
}

/** Full names of the inference tables that the endpoint writes. */
function tablesOf(endpoint) {
  return [endpoint.ai_gateway?.inference_table_config, endpoint.config?.auto_capture_config]
    .filter((block) => block?.enabled)
    .map((block) => `${block.catalog_name}.${block.schema_name}.${block.table_name_prefix}_payload`);
}

function renderHistory(endpoint, { requests, tables }) {
  return [
    tables.map(({ name, rows }) => payloadTable(name, rows)),
    tables.length > 0 && h("h2", {}, "Request log"),
    requestTable(requests, `No requests for ${endpoint.name} yet.`),
  ];
}

async function loadPermissions(endpoint) {
  return (await api.permissions(endpoint.id)).access_control_list ?? [];
}

function renderPermissions(endpoint, found) {
  const rows = found.map((row) => {
    const who = row.user_name ?? row.group_name ?? row.service_principal_name;
    const sort = row.user_name ? "user" : row.group_name ? "group" : "service principal";
    const held = row.all_permissions ?? [];
    const levels = held.map((each) => `${each.permission_level}${each.inherited ? " (inherited)" : ""}`);
    return { key: `${sort}/${who}`, cells: [who, sort, levels.join(", ")] };
  });
  return table(`Permissions on ${endpoint.name}`, ["Who", "Is a", "Level"], rows);
}

export const view = {
  title: (route) => route.rest[0],
  load,
  render,
  isBusy: ({ endpoint }) => isUpdating(endpoint),
};
