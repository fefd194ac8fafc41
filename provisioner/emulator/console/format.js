// Words and numbers for people.

const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "narrow" });
const ABSOLUTE = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
const CLOCK = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const STEPS = [
  [60, "second", 1],
  [3600, "minute", 60],
  [86400, "hour", 3600],
  [Infinity, "day", 86400],
];

export function ago(ms) {
  const seconds = Math.min(0, Math.round((ms - Date.now()) / 1000));
  if (seconds > -10) return "just now";
  const [, unit, size] = STEPS.find(([below]) => -seconds < below);
  return RELATIVE.format(Math.round(seconds / size), unit);
}

export const absolute = (ms) => ABSOLUTE.format(ms);
export const clock = (ms) => CLOCK.format(ms);
export const iso = (ms) => new Date(ms).toISOString();
export const count = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;

export function duration(ms) {
  return ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** `rate_limits` becomes `rate limits`. */
export const words = (name) => name.replaceAll("_", " ");

const TASKS = {
  "llm/v1/chat": "chat",
  "llm/v1/completions": "completions",
  "llm/v1/embeddings": "embeddings",
};

const KINDS = {
  EXTERNAL_MODEL: "external model",
  FOUNDATION_MODEL_API: "foundation model",
  CUSTOM_MODEL: "custom model",
  FEATURE_SPEC: "feature spec",
};

export const taskName = (task) => TASKS[task] ?? task ?? "";
export const kindName = (kind) => KINDS[kind] ?? words((kind ?? "no model yet").toLowerCase());
