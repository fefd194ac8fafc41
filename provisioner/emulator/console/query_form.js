// Ask one endpoint: a request that is filled in for its task, and the answer.

import { draw } from "./app.js";
import { h } from "./dom.js";
import { entitiesOf } from "./endpoint_state.js";
import { examplesFor } from "./examples.js";
import { count, duration } from "./format.js";
import { errorBox, listing } from "./parts.js";
import { query } from "./query.js";

// What was typed and answered, by endpoint id: it stays while one looks at something else.
const drafts = new Map();

function draftOf(endpoint) {
  if (!drafts.has(endpoint.id)) {
    const examples = examplesFor(endpoint.task);
    const example = Object.keys(examples)[0];
    drafts.set(endpoint.id, { example, body: pretty(examples[example]()), entity: "" });
  }
  return drafts.get(endpoint.id);
}

const pretty = (json) => JSON.stringify(json, null, 2);

export function queryForm(endpoint) {
  const draft = draftOf(endpoint);
  return h(
    "div",
    { class: "columns even" },
    h(
      "form",
      {
        class: "stack",
        onsubmit: (event) => {
          event.preventDefault();
          send(endpoint, draft);
        },
      },
      h("h2", {}, "Request"),
      choices(endpoint, draft),
      body(draft),
      h(
        "div",
        { class: "row" },
        h("button", { type: "submit", class: "main", "aria-disabled": draft.stop ? "true" : null }, "Send"),
        draft.stop && h("button", { type: "button", onclick: () => draft.stop() }, "Stop"),
        h("span", { class: "faint hint" }, "Ctrl+Enter sends"),
      ),
    ),
    h("div", { class: "stack", "aria-live": "polite" }, h("h2", {}, "Answer"), answer(draft)),
  );
}

function choices(endpoint, draft) {
  const examples = examplesFor(endpoint.task);
  const entities = entitiesOf(endpoint.config);
  return h(
    "div",
    { class: "row" },
    Object.keys(examples).length > 1 &&
      choice("Example", Object.keys(examples), draft.example, (title) => {
        Object.assign(draft, { example: title, body: pretty(examples[title]()) });
        draw();
      }),
    entities.length > 1 &&
      choice("Ask", ["", ...entities.map((entity) => entity.name)], draft.entity, (name) => {
        draft.entity = name;
      }),
  );
}

function choice(label, options, chosen, onChoice) {
  return h(
    "label",
    {},
    label,
    h(
      "select",
      { onchange: (event) => onChoice(event.target.value) },
      options.map((option) => h("option", { value: option, selected: option === chosen }, option || "by traffic")),
    ),
  );
}

function body(draft) {
  return h(
    "label",
    { class: "grow", "data-key": draft.example },
    "Body",
    h(
      "textarea",
      {
        rows: 14,
        spellcheck: "false",
        autocomplete: "off",
        oninput: (event) => {
          draft.body = event.target.value;
        },
        onkeydown: (event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.target.form.requestSubmit();
        },
      },
      draft.body,
    ),
  );
}

async function send(endpoint, draft) {
  if (draft.stop) return;
  const stopper = new AbortController();
  Object.assign(draft, { stop: () => stopper.abort(), problem: undefined, found: undefined, text: "" });
  draw();
  try {
    checkJson(draft.body);
    const onText = (text) => {
      draft.text = text;
      draw();
    };
    draft.found = await query(endpoint.name, draft.body, { entity: draft.entity, signal: stopper.signal, onText });
  } catch (problem) {
    draft.problem = stopper.signal.aborted ? { message: "Stopped." } : problem;
  }
  draft.stop = undefined;
  draw();
}

function checkJson(text) {
  try {
    JSON.parse(text);
  } catch (error) {
    throw Object.assign(new Error(`The body is not JSON: ${error.message}`), { code: "Not sent" });
  }
}

function answer(draft) {
  if (draft.problem) return errorBox(draft.problem);
  if (draft.found) return [facts(draft.found), spoken(draft.found), listing(pretty(draft.found.json), "Answer as JSON")];
  if (draft.stop) return h("p", { class: "answer waiting" }, draft.text || "Waiting …");
  return h("p", { class: "faint" }, "No query yet. The local workspace makes up answers: the same question always gets the same answer.");
}

function facts(found) {
  return h("p", { class: "facts-line" }, measured(found).map((text) => h("span", { class: "chip" }, text)));
}

/** Who answered, in what time, with how many tokens. */
export function measured({ entity, ms, usage }) {
  const tokens = usage && `${count(usage.total_tokens, "token")} (${usage.prompt_tokens} in, ${usage.completion_tokens ?? 0} out)`;
  return [entity && `answered by ${entity}`, duration(ms), tokens].filter(Boolean);
}

function spoken({ text, json }) {
  if (text) return h("p", { class: "answer" }, text);
  const vectors = (json.data ?? []).filter((each) => Array.isArray(each.embedding));
  if (vectors.length) {
    return h("p", { class: "answer" }, `${count(vectors.length, "vector")} of ${vectors[0].embedding.length} numbers`);
  }
  return null;
}
