// Registered models with their versions and aliases.

import * as api from "./api.js";
import { h } from "./dom.js";
import { chip, command, empty, table, time } from "./parts.js";

function render(models) {
  return [
    h(
      "div",
      { class: "heading" },
      h("h1", { tabindex: -1 }, "Registered models"),
      h("p", { class: "faint" }, "In a catalog without registered models, endpoints can use any model name."),
    ),
    models.length ? models.map(block) : nothing(),
  ];
}

function block(model) {
  const newestFirst = [...model.versions].sort((one, other) => other.version - one.version);
  return h(
    "section",
    { class: "block", "data-key": model.full_name, "aria-label": model.full_name },
    h("h2", {}, model.full_name),
    model.comment && h("p", {}, model.comment),
    table(
      `Versions of ${model.full_name}`,
      ["Version", "Aliases", "Status", "Registered"],
      newestFirst.map((version) => ({
        key: String(version.version),
        cells: [String(version.version), aliases(model, version), version.status ?? "", time(version.created_at)],
      })),
    ),
  );
}

function aliases(model, version) {
  const found = model.aliases.filter((alias) => Number(alias.version_num) === Number(version.version));
  if (!found.length) return h("span", { class: "faint" }, "none");
  return h("div", { class: "chips" }, found.map((alias) => chip(alias.alias_name)));
}

function nothing() {
  return empty(
    "No registered models yet",
    "Custom models can be served without registering them here. Register a version to try aliases and promotion.",
    command("provisioner emulator register CATALOG.SCHEMA.MODEL --alias champion"),
  );
}

export const view = { title: () => "Registered models", load: api.models, render, isBusy: () => false };
