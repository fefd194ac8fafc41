// Services of Unity Gateway: where requests go, limits, inference tables, tools.

import * as api from "./api.js";
import { h } from "./dom.js";
import { chip, code, command, empty, table, time } from "./parts.js";

function render({ services, providers, tools }) {
  return [
    h(
      "div",
      { class: "heading" },
      h("h1", { tabindex: -1 }, "Services"),
      h("p", { class: "faint" }, "Clients query model services at /ai-gateway. Model services query model provider services."),
    ),
    services.length > 0 && block("Model services", ["Service", "Destinations", "Limits", "Inference table", "Updated"], services.map(service)),
    providers.length > 0 &&
      block("Model provider services", ["Service", "Provider", "Models", "Updated"], providers.map(provider)),
    tools.length > 0 && block("MCP services", ["Service", "Connection", "Tools", "Limits", "Updated"], tools.map(toolbox)),
    !services.length && !providers.length && !tools.length && nothing(),
  ];
}

function block(title, columns, rows) {
  return h("section", { class: "block", "data-key": title, "aria-label": title }, h("h2", {}, title), table(title, columns, rows, "services"));
}

const NOTHING = () => h("span", { class: "faint" }, "none");

// A service that may not be read has no times.
const updated = (each) => (each.create_time ? time(Date.parse(each.update_time ?? each.create_time)) : "");

/** The last part of an enum's word, in lower case: RATE_LIMIT_KEY_USER_DEFAULT is "user default". */
const word = (text, prefix) => String(text ?? "").replace(prefix, "").replaceAll("_", " ").toLowerCase();

function service(each) {
  const routing = each.config?.routing ?? {};
  const first = routing.destinations ?? [];
  const after = routing.fallback?.destinations ?? [];
  return {
    key: each.full_name,
    cells: [
      named(each),
      h(
        "ul",
        { class: "plain" },
        first.map((target) => destination(target, `${target.traffic_percentage ?? 100} %`)),
        after.map((target) => destination(target, "fallback")),
      ),
      limits(each.config?.rate_limits ?? []),
      inferenceTable(each.config?.inference_table),
      updated(each),
    ],
  };
}

function destination(target, share) {
  const external = target.external_model_config;
  const place =
    external?.model_provider_service ??
    target.pay_per_token_config?.model ??
    target.provisioned_throughput_config?.model_serving_endpoint ??
    "";
  const model = external ? `${external.target?.model} of ${place.replace("model-provider-services/", "")}` : place;
  return h(
    "li",
    {},
    h("span", {}, `${target.name}: ${model} `),
    h("span", { class: "number" }, share),
    target.is_deleted && [" ", deleted()],
  );
}

const deleted = () => h("span", { class: "badge bad" }, "deleted");

function inferenceTable(logged) {
  return logged ? code(String(logged.table ?? "").replace("tables/", "")) : NOTHING();
}

function limits(entries) {
  if (!entries.length) return NOTHING();
  return h("div", { class: "chips" }, entries.map((limit) => chip(limitText(limit))));
}

function limitText(limit) {
  const counted = ["requests", "tokens"].filter((name) => limit[name] !== undefined);
  const numbers = counted.map((name) => `${limit[name]} ${name}`).join(", ");
  const who = limit.principal ?? word(limit.key, "RATE_LIMIT_KEY_");
  return `${who}: ${numbers} / ${word(limit.renewal_period, "RATE_LIMIT_RENEWAL_PERIOD_")}`;
}

function provider(each) {
  const targets = (each.config?.targets ?? []).map((target) => target.model);
  return {
    key: each.full_name,
    cells: [
      named(each),
      word(each.config?.provider_type, "EXTERNAL_MODEL_PROVIDER_TYPE_"),
      each.config?.allow_all_targets ? "all" : codes(targets, NOTHING),
      updated(each),
    ],
  };
}

function toolbox(each) {
  const source = each.config?.source_connection ?? {};
  const place = String(source.name ?? "").replace("connections/", "");
  return {
    key: each.full_name,
    cells: [
      named(each),
      h("span", {}, code(place), source.is_deleted && [" ", deleted()]),
      codes(each.config?.include_tool_selectors ?? [], () => "all"),
      limits(each.config?.rate_limits ?? []),
      updated(each),
    ],
  };
}

const codes = (texts, otherwise) =>
  texts.length ? h("div", {}, texts.map((text) => h("div", {}, code(text)))) : otherwise();

function named(each) {
  const about = each.refusal ?? String(each.comment ?? "").split("\n")[0];
  return h("div", {}, h("span", { class: "name" }, each.full_name), about && h("div", { class: "faint" }, about));
}

function nothing() {
  return empty(
    "No services yet",
    "Declare model_provider_services and model_services in a manifest and apply it, or write them for an endpoint with migrate.",
    command("provisioner migrate ENDPOINT --to main.gateway"),
  );
}

export const view = { title: () => "Services", load: api.services, render, isBusy: () => false };
