// A gradual rollout, as the tag and the traffic of an endpoint tell it. The steps stand in the
// manifest, which a workspace does not know.

import { h } from "./dom.js";
import { entitiesOf } from "./endpoint_state.js";
import { absolute } from "./format.js";
import { command } from "./parts.js";

const KEY = "provisioner_rollout";
// Digest of the new version, digest of the steps, from, to, since, word, and why it went back.
const TAG = /^([0-9a-f]{8})-[0-9a-f]{6}-(\d{1,3})-(\d{1,3})-(\d{1,12})-([a-z]+)(?:-(\w{1,120}))?$/;
const SIGNS = { pct: "%", gt: ">", lt: "<" };
const WORDS = {
  going: ({ to }) => `is moving to ${to} %`,
  returning: () => "gets all traffic back",
  returned: () => "has all traffic again",
  at: ({ to }) => `is at ${to} %`,
  held: ({ to }) => `is held at ${to} %`,
  back: ({ from, reason }) => `was rolled back at ${from} %${reason ? ` (${reason})` : ""}`,
};
const COMMANDS = {
  at: (name) => `provisioner rollout advance ${name}`,
  held: (name) => `provisioner rollout go ${name}`,
  back: (name) => `provisioner rollout retry ${name}`,
};

/** What the tag says, with the entity that it is about; null without a tag of the tool. */
export async function rolloutOf(endpoint) {
  const match = TAG.exec(endpoint.tags?.find((tag) => tag.key === KEY)?.value ?? "");
  if (!match || !(match[5] in WORDS)) return null;
  const [, target, from, to, since, word, slug] = match;
  const entities = entitiesOf(endpoint.config);
  const digests = await Promise.all(entities.map((entity) => digest(entity.name)));
  const entity = entities.find((_, index) => digests[index] === target);
  const beside = entities.filter((other) => other !== entity);
  return { entity, beside, from, to, since: Number(since) * 1000, word, reason: reasonIn(slug) };
}

async function digest(name) {
  // Browsers have it for 127.0.0.1 and for HTTPS only.
  if (!crypto.subtle) return "";
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(name)));
  return [...bytes.slice(0, 4)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

const reasonIn = (slug = "") =>
  slug
    .split("_")
    .map((part) => SIGNS[part] ?? part.replaceAll(/(\d)p(?=\d)/g, "$1."))
    .join(" ");

/** The new version, its share as a bar, since when, what is paid for, and the next command. */
export function rolloutCard(endpoint, rollout) {
  if (!rollout) return null;
  const { entity, beside, since, word } = rollout;
  const share = entity?.percent ?? 0;
  const others = beside.map((other) => other.name).join(", ");
  return [
    h("h2", {}, "Gradual rollout"),
    h(
      "div",
      { class: word === "back" ? "callout bad" : "callout busy", "data-key": "rollout" },
      h("p", {}, h("strong", {}, entity?.name ?? "A version that is not live"), ` ${WORDS[word](rollout)}`, others && `, beside ${others}`),
      h(
        "div",
        { class: "bar", role: "img", "aria-label": `New version: ${share} % of the traffic` },
        share > 0 && h("span", { class: "part p0", "--part": share }),
        share < 100 && h("span", { class: "part rest", "--part": 100 - share }),
      ),
      since > 0 && h("p", { class: "faint" }, `Since ${absolute(since)}`),
      entity && beside.length > 0 && h("p", {}, `Both versions are paid for: ${[entity, ...beside].map(size).join(" and ")}.`),
      command((COMMANDS[word] ?? COMMANDS.at)(endpoint.name)),
    ),
  ];
}

const size = (entity) =>
  [entity.workload_size, entity.external_model ? "external model" : (entity.workload_type ?? "CPU")].filter(Boolean).join(" ");
