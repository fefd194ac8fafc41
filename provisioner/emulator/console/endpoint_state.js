// What the state of an endpoint means: one word, one colour, and whether it will change by itself.

export function isUpdating(endpoint) {
  return endpoint.state?.config_update === "IN_PROGRESS";
}

export const isSystem = (endpoint) => endpoint.name.startsWith("databricks-");

/** {word, tone}: tones are good, busy, bad and calm. */
export function stateOf(endpoint) {
  const state = endpoint.state ?? {};
  if (isUpdating(endpoint)) return { word: "Updating", tone: "busy" };
  if (state.config_update === "UPDATE_FAILED") return { word: "Update failed", tone: "bad" };
  if (state.config_update === "UPDATE_CANCELED") return { word: "Update cancelled", tone: "bad" };
  if (state.suspend === "STOPPED") return { word: "Stopped", tone: "calm" };
  if (state.ready === "READY") return { word: "Ready", tone: "good" };
  return { word: "Not ready", tone: "calm" };
}

/** The served entities of a config, with their parts of the traffic in percent. */
export function entitiesOf(config) {
  const routes = config?.traffic_config?.routes ?? [];
  const parts = new Map(
    routes.map((route) => [route.served_entity_name ?? route.served_model_name, route.traffic_percentage]),
  );
  return [...(config?.served_entities ?? [])]
    .map((entity) => ({ ...entity, percent: parts.get(entity.name) ?? 0 }))
    .sort((one, other) => other.percent - one.percent || (one.name < other.name ? -1 : 1));
}

/** What an entity serves: {model, detail}. */
export function modelOf(entity) {
  if (entity.external_model) {
    return { model: entity.external_model.name, detail: entity.external_model.provider };
  }
  if (entity.foundation_model) {
    return { model: entity.foundation_model.display_name ?? entity.foundation_model.name, detail: "Databricks" };
  }
  const version = entity.entity_version ? `version ${entity.entity_version}` : "";
  return { model: entity.entity_name ?? entity.name, detail: version };
}

const LIMITED = { endpoint: "endpoint", user: "user", user_group: "group", service_principal: "principal" };

export function limitText(limit) {
  const whom = LIMITED[limit.key ?? "endpoint"] ?? limit.key;
  const amounts = ["calls", "tokens"].filter((unit) => unit in limit).map((unit) => `${limit[unit]} ${unit}`);
  const name = limit.principal ? `${whom} ${limit.principal}` : `each ${whom}`;
  return `${amounts.join(" and ")} / ${limit.renewal_period ?? "minute"} for ${name === "each endpoint" ? "all" : name}`;
}

/** Short words for what the gateway of an endpoint does. */
export function gatewayWords(gateway = {}) {
  const sides = ["input", "output"].filter((side) => Object.keys(gateway.guardrails?.[side] ?? {}).length);
  return [
    ...(gateway.rate_limits ?? []).map(limitText),
    sides.length ? `guardrails on ${sides.join(" and ")}` : "",
    gateway.fallback_config?.enabled ? "fallback" : "",
    gateway.inference_table_config?.enabled ? "inference table" : "",
    gateway.usage_tracking_config?.enabled ? "usage tracked" : "",
  ].filter(Boolean);
}
