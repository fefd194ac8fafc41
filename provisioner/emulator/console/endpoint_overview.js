// What an endpoint serves, to read: entities, gateway, tags, and where it comes from.

import { h } from "./dom.js";
import { entitiesOf, gatewayWords, modelOf } from "./endpoint_state.js";
import { absolute } from "./format.js";
import { chip, command, empty, facts, traffic } from "./parts.js";
import { rolloutCard } from "./rollout.js";

// Shown in the line above the facts, or known from elsewhere.
const NOT_FACTS = new Set(["name", "percent", "creator", "creation_timestamp", "entity_name", "entity_version", "state", "type", "batching_config"]);

export function overview(endpoint, rollout) {
  const config = endpoint.config ?? endpoint.pending_config;
  return h(
    "div",
    { class: "columns" },
    h("div", {}, rolloutCard(endpoint, rollout), served(config)),
    h("div", {}, gateway(endpoint), tags(endpoint), origin(endpoint)),
  );
}

function served(config) {
  const entities = entitiesOf(config);
  if (!entities.length) {
    return empty("No served entities yet", "Add a config with a served entity to the manifest, and apply it.", command("provisioner apply"));
  }
  return [
    h("h2", {}, "Served entities"),
    // With a single entity its own card says it all.
    entities.length > 1 && h("div", { class: "card" }, traffic(config)),
    entities.map(entityCard),
  ];
}

function entityCard(entity) {
  const { model, detail } = modelOf(entity);
  const known = Object.entries(entity).filter(([key]) => !NOT_FACTS.has(key));
  const message = entity.state?.deployment_state_message;
  return h(
    "details",
    { class: "card", "data-key": entity.name },
    h(
      "summary",
      {},
      h("b", {}, entity.name),
      h("span", { class: "faint" }, [model, detail].filter(Boolean).join(" · ")),
      h("span", { class: "number" }, `${entity.percent} %`),
    ),
    message && h("p", {}, message),
    facts(Object.fromEntries(known)),
  );
}

function gateway(endpoint) {
  const found = endpoint.ai_gateway ?? {};
  const said = gatewayWords(found);
  const rest = Object.fromEntries(Object.entries(found).filter(([key]) => key !== "rate_limits"));
  return [
    h("h2", {}, "AI Gateway"),
    h(
      "div",
      { class: "card" },
      said.length
        ? h("div", { class: "chips" }, said.map(chip))
        : h("p", { class: "faint" }, "No limits, guardrails, fallback or tables."),
      Object.keys(rest).length > 0 && h("details", {}, h("summary", {}, "All settings"), facts(rest)),
    ),
  ];
}

function tags(endpoint) {
  if (!endpoint.tags?.length) return null;
  return [
    h("h2", {}, "Tags"),
    h(
      "div",
      { class: "card chips" },
      endpoint.tags.map((tag) => chip(tag.value ? `${tag.key}: ${tag.value}` : tag.key)),
    ),
  ];
}

function origin(endpoint) {
  const known = {
    id: h("code", {}, endpoint.id),
    ...(endpoint.creator && { creator: endpoint.creator }),
    created: absolute(endpoint.creation_timestamp),
    ...(endpoint.config && { config_version: endpoint.config.config_version }),
    ...(endpoint.permission_level && { your_level: endpoint.permission_level }),
    ...(endpoint.endpoint_url && { own_address: endpoint.endpoint_url }),
    ...(endpoint.email_notifications && { notifications: endpoint.email_notifications }),
    ...(endpoint.telemetry_config && { telemetry: endpoint.telemetry_config }),
    ...(endpoint.config?.auto_capture_config && { inference_table: endpoint.config.auto_capture_config }),
  };
  return [h("h2", {}, "About"), h("div", { class: "card" }, facts(known))];
}
