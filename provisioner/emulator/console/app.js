// Which view is shown, reading it again and again, and drawing it.

import { h, morphChildren } from "./dom.js";
import { login } from "./login.js";
import { empty, errorBox } from "./parts.js";
import { decoded, forgetToken, token } from "./session.js";

// How long until the next look: while something is updating, else, and while no answer comes.
const BUSY_MS = 1000;
const CALM_MS = 3000;
const LOST_MS = 2000;
const PATIENCE_MS = 300;

const shown = { route: undefined, view: undefined, data: undefined, problem: undefined, turn: 0 };
let chooseView;
let timer;
let isDrawing = false;

/**
 * `choose` gives the view of a route: {title, load, render, isBusy}. One that `keepsData` shows
 * the same data at each of its addresses.
 */
export function start(choose) {
  chooseView = choose;
  window.addEventListener("hashchange", () => open({ isFirst: false }));
  document.addEventListener("visibilitychange", () => document.hidden || refresh());
  open({ isFirst: true });
}

/** Draw again, at the next frame. */
export function draw() {
  if (isDrawing) return;
  isDrawing = true;
  // A hidden page has no frames.
  const soon = document.hidden ? (work) => setTimeout(work) : requestAnimationFrame;
  soon(() => {
    isDrawing = false;
    drawNow();
  });
}

function routeOf(hash) {
  const [area, ...rest] = hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(decoded);
  return { area: area ?? "endpoints", rest };
}

async function open({ isFirst }) {
  if (!isFirst && !location.hash.startsWith("#/")) return;
  const before = shown.view;
  shown.route = routeOf(location.hash);
  shown.view = chooseView(shown.route);
  const isSame = before === shown.view;
  // What is on the screen stays for a moment, so that a quick answer makes no flicker.
  const keepsData = isSame && shown.view.keepsData;
  if (!keepsData) Object.assign(shown, { data: undefined, problem: undefined });
  document.title = `${shown.view.title(shown.route)} · local workspace`;
  const patience = setTimeout(draw, keepsData ? 0 : PATIENCE_MS);
  await refresh();
  clearTimeout(patience);
  if (!isFirst && !isSame) document.querySelector("#main h1")?.focus();
}

async function refresh() {
  clearTimeout(timer);
  if (!token()) return signIn("");
  const turn = ++shown.turn;
  const { view, route } = shown;
  try {
    const data = await view.load(route);
    if (turn !== shown.turn) return;
    Object.assign(shown, { data, problem: undefined });
  } catch (problem) {
    if (turn !== shown.turn) return;
    if (problem.status === 401) {
      forgetToken();
      return signIn("The local workspace does not accept the token. It may have been restarted.");
    }
    shown.problem = problem;
    if (problem.status === undefined) console.error(problem);
  }
  drawNow();
  if (!document.hidden) timer = setTimeout(refresh, pause());
}

function pause() {
  if (shown.problem) return LOST_MS;
  return shown.view.isBusy(shown.data) ? BUSY_MS : CALM_MS;
}

function signIn(said) {
  shown.turn += 1;
  Object.assign(shown, { data: undefined, problem: undefined });
  document.title = "Sign in · local workspace";
  document.body.dataset.signedIn = "no";
  document.querySelector("#main").replaceChildren(login(said, () => open({ isFirst: true })));
  document.querySelector("#token").focus();
}

function drawNow() {
  if (!token()) return;
  document.body.dataset.signedIn = "yes";
  const { view, route, data, problem } = shown;
  const isLost = problem?.status === 0;
  document.querySelector("#notice").textContent = isLost ? "The local workspace does not answer. Trying again …" : "";
  let content;
  if (data !== undefined && (!problem || isLost)) content = view.render(data, route);
  else if (problem && !isLost) content = failed(problem);
  else content = [heading(), h("p", { class: "faint loading" }, "Loading …")];
  morphChildren(document.querySelector("#main"), h("main", {}, content));
}

const heading = () =>
  h("div", { class: "heading" }, h("h1", { tabindex: -1 }, shown.view.title(shown.route)));

function failed(problem) {
  if (problem.status !== 404) return [heading(), errorBox(problem)];
  return [heading(), empty("Page not found", problem.message, h("p", {}, h("a", { href: "#/endpoints" }, "All endpoints")))];
}
