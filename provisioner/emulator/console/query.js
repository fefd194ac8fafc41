// Asks an endpoint, streamed or not, and says what came back and how long it took.

import { call } from "./api.js";

/**
 * Send `body` (JSON text). `onText` gets the text so far while an answer is streamed.
 * Gives {entity, ms, usage, text, json}; throws a Problem.
 */
export async function query(name, body, { entity = "", signal, onText = () => {} } = {}) {
  const part = encodeURIComponent;
  const direct = entity ? `/served-models/${part(entity)}` : "";
  const began = performance.now();
  const path = `/serving-endpoints/${part(name)}${direct}/invocations`;
  const response = await call("POST", path, { body, signal });
  const streamed = (response.headers.get("content-type") ?? "").startsWith("text/event-stream");
  const found = streamed ? await readStream(response, onText) : whole(await response.json());
  return {
    ...found,
    entity: response.headers.get("served-model-name") ?? "",
    ms: Math.round(performance.now() - began),
  };
}

function whole(json) {
  const texts = (json.choices ?? []).map((choice) => choice.message?.content ?? choice.text ?? "");
  return { json, usage: json.usage, text: texts.join("\n\n") };
}

async function readStream(response, onText) {
  const chunks = [];
  let text = "";
  let usage;
  for await (const line of lines(response.body)) {
    if (!line.startsWith("data: ") || line === "data: [DONE]") continue;
    const chunk = JSON.parse(line.slice(6));
    chunks.push(chunk);
    usage = chunk.usage ?? usage;
    for (const choice of chunk.choices ?? []) text += choice.delta?.content ?? choice.text ?? "";
    onText(text);
  }
  return { json: chunks, usage, text };
}

async function* lines(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const found = (rest + value).split("\n");
      rest = found.pop();
      yield* found;
    }
    if (rest) yield rest;
  } finally {
    await reader.cancel();
  }
}
