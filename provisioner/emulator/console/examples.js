// Example requests, for the task of an endpoint.

const QUESTION = "What is the capital of France?";
const ROW = { amount: 12.5, country: "FR" };

const chat = () => ({
  messages: [
    { role: "system", content: "You are a helpful assistant." },
    { role: "user", content: QUESTION },
  ],
  max_tokens: 128,
});

const OF_TASK = {
  "llm/v1/chat": { Chat: chat },
  "llm/v1/completions": { Completion: () => ({ prompt: QUESTION, max_tokens: 128 }) },
  "llm/v1/embeddings": {
    Embeddings: () => ({ input: ["What is a quoll?", "A small marsupial."] }),
  },
};

const OF_MODELS = {
  "Data frame, split": () => ({
    dataframe_split: { columns: Object.keys(ROW), data: [Object.values(ROW)] },
  }),
  "Data frame, records": () => ({ dataframe_records: [ROW] }),
  Instances: () => ({ instances: [Object.values(ROW)] }),
  Inputs: () => ({ inputs: { amount: [12.5], country: ["FR"] } }),
  Chat: chat,
};

/** Makers of example bodies by their titles, the usual one first. */
export function examplesFor(task) {
  return OF_TASK[task] ?? OF_MODELS;
}

/** What asks `prompt` as the task wants it, streamed. */
export function asked(task, prompt) {
  const said =
    task === "llm/v1/completions" ? { prompt } : { messages: [{ role: "user", content: prompt }] };
  return { ...said, max_tokens: 512, stream: true, stream_options: { include_usage: true } };
}

export const isAskable = (task) => task === "llm/v1/chat" || task === "llm/v1/completions";
