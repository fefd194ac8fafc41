// Secret scopes with the names of their keys. Values never leave the workspace.

import * as api from "./api.js";
import { h } from "./dom.js";
import { count } from "./format.js";
import { command, empty, table, time } from "./parts.js";

function render(scopes) {
  return [
    h(
      "div",
      { class: "heading" },
      h("h1", { tabindex: -1 }, "Secret scopes"),
      h("p", { class: "faint" }, "Names only. Values are never shown."),
    ),
    scopes.length ? scopes.map(block) : nothing(),
  ];
}

function block(scope) {
  return h(
    "section",
    { class: "block", "data-key": scope.name, "aria-label": scope.name },
    h("h2", {}, scope.name, h("span", { class: "faint" }, ` ${count(scope.keys.length, "key")}`)),
    scope.refusal && h("p", { class: "faint" }, scope.refusal),
    scope.keys.length > 0 &&
      table(
        `Keys of ${scope.name}`,
        ["Key", "Refer to it as", "Written"],
        scope.keys.map((secret) => ({
          key: secret.key,
          cells: [
            secret.key,
            h("code", {}, `{{secrets/${scope.name}/${secret.key}}}`),
            time(secret.last_updated_timestamp),
          ],
        })),
      ),
  );
}

function nothing() {
  return empty(
    "No secret scopes yet",
    "External models need the keys of their providers. Declare a scope under resources: secret_scopes, with each key from an environment variable, and apply.",
    command("provisioner apply"),
  );
}

export const view = { title: () => "Secret scopes", load: api.scopes, render, isBusy: () => false };
