// The console: areas of the page, and the keys that work everywhere.

import { start } from "./app.js";
import { h, morphChildren } from "./dom.js";
import { takeTokenFromAddress } from "./session.js";
import { startTheme } from "./theme.js";
import { view as endpoint } from "./view_endpoint.js";
import { view as endpoints } from "./view_endpoints.js";
import { view as models } from "./view_models.js";
import { view as playground } from "./view_playground.js";
import { view as requests } from "./view_requests.js";
import { view as secrets } from "./view_secrets.js";
import { view as services } from "./view_services.js";

const AREAS = {
  endpoints: { title: "Endpoints", view: endpoints },
  services: { title: "Services", view: services },
  playground: { title: "Playground", view: playground },
  secrets: { title: "Secrets", view: secrets },
  models: { title: "Models", view: models },
  requests: { title: "Requests", view: requests },
};

function choose(route) {
  const area = route.area in AREAS ? route.area : "endpoints";
  const links = Object.entries(AREAS).map(([key, { title }]) =>
    h("a", { href: `#/${key}`, "aria-current": key === area ? "page" : null }, title),
  );
  morphChildren(document.querySelector("#areas"), h("nav", {}, links));
  return area === "endpoints" && route.rest.length ? endpoint : AREAS[area].view;
}

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest?.("input, textarea, select");
  if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey) return;
  const search = document.querySelector("#search");
  if (!search) return;
  event.preventDefault();
  search.focus();
});

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  document.querySelector("#main").focus();
});

startTheme(document.querySelector("#theme"));
takeTokenFromAddress();
start(choose);
