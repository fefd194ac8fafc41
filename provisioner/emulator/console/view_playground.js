// The same question to several endpoints, their answers side by side as they are written.

import * as api from "./api.js";
import { draw } from "./app.js";
import { h } from "./dom.js";
import { isUpdating, stateOf } from "./endpoint_state.js";
import { asked, isAskable } from "./examples.js";
import { taskName } from "./format.js";
import { chip, command, empty, errorBox } from "./parts.js";
import { query } from "./query.js";
import { measured } from "./query_form.js";

const MOST = 6;
let prompt = "Explain in one sentence what a quoll is.";
let stopper;
const answers = new Map();

async function load() {
  return (await api.endpoints()).filter((endpoint) => isAskable(endpoint.task));
}

function render(endpoints, route) {
  const known = new Map(endpoints.map((endpoint) => [endpoint.name, endpoint]));
  const chosen = route.rest.filter((name) => known.has(name)).slice(0, MOST);
  return [
    h(
      "div",
      { class: "heading" },
      h("h1", { tabindex: -1 }, "Playground"),
      h("p", { class: "faint" }, `One question, up to ${MOST} endpoints side by side.`),
    ),
    endpoints.length ? form(endpoints, chosen, known) : nothing(),
    h("div", { class: "answers" }, chosen.map((name) => column(known.get(name)))),
  ];
}

function form(endpoints, chosen, known) {
  return h(
    "form",
    {
      class: "stack",
      onsubmit: (event) => {
        event.preventDefault();
        ask(chosen.map((name) => known.get(name)));
      },
      onkeydown: (event) => {
        if (event.key === "Escape") stopper?.abort();
      },
    },
    h(
      "fieldset",
      {},
      h("legend", {}, "Endpoints"),
      h("div", { class: "choices" }, sorted(endpoints).map((endpoint) => choice(endpoint, chosen))),
    ),
    question(),
    h(
      "div",
      { class: "row" },
      h("button", { type: "submit", class: "main", "aria-disabled": chosen.length && !stopper ? null : "true" }, label(chosen)),
      stopper && h("button", { type: "button", onclick: () => stopper.abort() }, "Stop"),
      h("span", { class: "faint hint" }, chosen.length ? "Ctrl+Enter asks, Escape stops" : "Choose at least one endpoint"),
    ),
  );
}

const label = (chosen) => (chosen.length > 1 ? `Ask ${chosen.length} endpoints` : "Ask");

// The endpoints that Databricks does not provide come first.
const sorted = (endpoints) =>
  [...endpoints].sort((one, other) => rank(one) - rank(other) || (one.name < other.name ? -1 : 1));
const rank = (endpoint) => (endpoint.name.startsWith("databricks-") ? 1 : 0);

function choice(endpoint, chosen) {
  const isChosen = chosen.includes(endpoint.name);
  const { word, tone } = stateOf(endpoint);
  return h(
    "label",
    { class: "choice", "data-key": endpoint.id },
    h("input", {
      type: "checkbox",
      checked: isChosen,
      disabled: !isChosen && chosen.length >= MOST,
      onchange: (event) => {
        const others = chosen.filter((name) => name !== endpoint.name);
        go(event.target.checked ? [...others, endpoint.name] : others);
      },
    }),
    endpoint.name,
    h("span", { class: "faint" }, tone === "good" ? taskName(endpoint.task) : word.toLowerCase()),
  );
}

/** The choice is part of the address, so that it can be kept and sent. */
function go(names) {
  location.replace(`#/${["playground", ...names].map(encodeURIComponent).join("/")}`);
}

function question() {
  return h(
    "label",
    {},
    "Question",
    h(
      "textarea",
      {
        rows: 3,
        oninput: (event) => {
          prompt = event.target.value;
        },
        onkeydown: (event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.target.form.requestSubmit();
        },
      },
      prompt,
    ),
  );
}

async function ask(endpoints) {
  if (stopper || !endpoints.length) return;
  stopper = new AbortController();
  answers.clear();
  const { signal } = stopper;
  await Promise.all(endpoints.map((endpoint) => askOne(endpoint, signal)));
  stopper = undefined;
  draw();
}

async function askOne(endpoint, signal) {
  const state = { text: "", isRunning: true };
  answers.set(endpoint.name, state);
  draw();
  const onText = (text) => {
    state.text = text;
    draw();
  };
  try {
    state.found = await query(endpoint.name, asked(endpoint.task, prompt), { signal, onText });
    state.text = state.found.text;
  } catch (problem) {
    state.problem = signal.aborted ? { message: "Stopped." } : problem;
  }
  state.isRunning = false;
  draw();
}

function column(endpoint) {
  const state = answers.get(endpoint.name);
  return h(
    "article",
    { class: "card", "data-key": endpoint.id, "aria-busy": state?.isRunning ? "true" : null },
    h("h2", {}, h("a", { href: `#/endpoints/${encodeURIComponent(endpoint.name)}/query` }, endpoint.name)),
    state?.found && h("p", { class: "facts-line" }, measured(state.found).map(chip)),
    state?.text && h("p", { class: state.isRunning ? "answer waiting" : "answer" }, state.text),
    state?.problem && errorBox(state.problem),
    !state && h("p", { class: "faint" }, "No query yet."),
  );
}

function nothing() {
  return empty(
    "No endpoints to query",
    "You can query endpoints for chat and completions here. Declare one and apply it.",
    command("provisioner apply"),
  );
}

export const view = {
  title: () => "Playground",
  keepsData: true,
  load,
  render,
  isBusy: (endpoints) => endpoints.some(isUpdating),
};
