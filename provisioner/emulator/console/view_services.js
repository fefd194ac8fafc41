// Model services and model provider services: where requests go, limits, inference tables.

import * as api from "./api.js";
import { h } from "./dom.js";
import { chip, code, command, empty, table, time } from "./parts.js";

function render({ services, providers }) {
  return [
    h(
      "div",
      { class: "heading" },
      h("h1", { tabindex: -1 }, "Services"),
      h("p", { class: "faint" }, "Model services answer at /ai-gateway; they ask model provider services."),
    ),
    services.length > 0 && block("Model services", ["Service", "Asks", "Limits", "Updated"], services.map(service)),
    providers.length > 0 &&
      block("Model provider services", ["Service", "Provider", "Models", "Updated"], providers.map(provider)),
    !services.length && !providers.length && nothing(),
  ];
}

function block(title, columns, rows) {
  return h("section", { class: "block", "data-key": title, "aria-label": title }, h("h2", {}, title), table(title, columns, rows));
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
    h("span", { class: "faint" }, share),
    target.is_deleted && chip("deleted"),
  );
}

function limits(entries) {
  if (!entries.length) return NOTHING();
  return h("div", { class: "chips" }, entries.map((limit) => chip(limitText(limit))));
}

function limitText(limit) {
  const counted = ["requests", "tokens"].filter((name) => limit[name] !== undefined);
  const numbers = counted.map((name) => `${limit[name]} ${name}`).join(", ");
  const who = limit.principal ?? word(limit.key, "RATE_LIMIT_KEY_");
  return `${who}: ${numbers} a ${word(limit.renewal_period, "RATE_LIMIT_RENEWAL_PERIOD_")}`;
}

function provider(each) {
  const targets = (each.config?.targets ?? []).map((target) => target.model);
  return {
    key: each.full_name,
    cells: [
      named(each),
      word(each.config?.provider_type, "EXTERNAL_MODEL_PROVIDER_TYPE_"),
      each.config?.allow_all_targets ? "all" : targets.length ? targets.map((model) => h("div", {}, code(model))) : NOTHING(),
      updated(each),
    ],
  };
}

function named(each) {
  const about = each.refusal ?? String(each.comment ?? "").split("\n")[0];
  return [h("span", { class: "name" }, each.full_name), about && h("div", { class: "faint" }, about)];
}

function nothing() {
  return empty(
    "No services yet",
    "Declare model_provider_services and model_services in a manifest and apply it, or let migrate write them for an endpoint.",
    command("provisioner migrate ENDPOINT --to main.gateway"),
  );
}

export const view = { title: () => "Services", load: api.services, render, isBusy: () => false };
