// The pieces that every view is made of.

import { h } from "./dom.js";
import { entitiesOf, modelOf, stateOf } from "./endpoint_state.js";
import { absolute, ago, iso, words } from "./format.js";

export function badge(endpoint) {
  const { word, tone } = stateOf(endpoint);
  return h("span", { class: `badge ${tone}` }, word);
}

export const chip = (text) => h("span", { class: "chip" }, text);

export function time(ms) {
  return h("time", { datetime: iso(ms), title: absolute(ms) }, ago(ms));
}

export const code = (text) => h("code", {}, text);

export const command = (text) => h("pre", { class: "command", tabindex: 0 }, text);

/** What is said where there is nothing yet: why, and what would change it. */
export function empty(title, text, ...more) {
  return h("div", { class: "empty" }, h("h2", {}, title), h("p", {}, text), more);
}

export function errorBox(problem) {
  const label = [problem.status || "", problem.code].filter(Boolean).join(" ");
  return h(
    "div",
    { class: "error", role: "alert" },
    h("strong", {}, label || "No answer"),
    h("p", {}, problem.message),
  );
}

/** A bar of the traffic, and the entities that it goes to. */
export function traffic(config) {
  const entities = entitiesOf(config);
  const served = entities.filter((entity) => entity.percent);
  const said = served.map((entity) => `${entity.name} ${entity.percent} %`).join(", ");
  return h(
    "div",
    { class: "traffic" },
    served.length > 1 &&
      h(
        "div",
        { class: "bar", role: "img", "aria-label": `Traffic: ${said}` },
        served.map((entity, index) => h("span", { class: `part p${index % 5}`, "--part": entity.percent })),
      ),
    h("ul", {}, entities.map((entity) => trafficLine(entity, served))),
  );
}

function trafficLine(entity, served) {
  const { model, detail } = modelOf(entity);
  const index = served.indexOf(entity);
  return h(
    "li",
    {},
    served.length > 1 && h("span", { class: `dot p${index < 0 ? "none" : index % 5}`, "aria-hidden": "true" }),
    h("span", { class: "model" }, model),
    detail && h("span", { class: "faint" }, detail),
    (served.length > 1 || !entity.percent) && h("span", { class: "number" }, `${entity.percent} %`),
  );
}

/** Names and values, nested as they are; a value is text, a list, or an object. */
export function facts(object, isInner = false) {
  return h(
    "dl",
    { class: isInner ? "facts inner" : "facts" },
    Object.entries(object).map(([name, value]) => [h("dt", {}, words(name)), h("dd", {}, shown(value))]),
  );
}

function shown(value) {
  if (value instanceof Node) return value;
  if (Array.isArray(value)) {
    if (!value.length) return h("span", { class: "faint" }, "none");
    if (value.every((each) => typeof each !== "object")) return value.map((each) => chip(String(each)));
    return h("ul", { class: "plain" }, value.map((each) => h("li", {}, shown(each))));
  }
  if (value !== null && typeof value === "object") return facts(value, true);
  if (value === true) return "yes";
  if (value === false) return "no";
  if (typeof value === "string" && /^\{\{secrets\//.test(value)) return code(value);
  return String(value);
}

/** Text to read and to copy. */
export function listing(text, label) {
  return h(
    "div",
    { class: "listing" },
    h("button", { type: "button", class: "quiet copy", onclick: (event) => copy(event.currentTarget, text) }, "Copy"),
    h("pre", { tabindex: 0, role: "region", "aria-label": label }, text),
  );
}

async function copy(button, text) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Select and copy by hand";
  }
  setTimeout(() => {
    button.textContent = "Copy";
  }, 1500);
}

/** A table that becomes a list of cards on a narrow screen. */
export function table(label, columns, rows, more = "") {
  return h(
    "table",
    { class: `table ${more}`, "aria-label": label },
    h("thead", {}, h("tr", {}, columns.map((column) => h("th", { scope: "col" }, column)))),
    h(
      "tbody",
      {},
      rows.map(({ key, cells }) =>
        h(
          "tr",
          { "data-key": key },
          cells.map((cell, index) => h("td", { "data-label": columns[index] }, cell)),
        ),
      ),
    ),
  );
}
