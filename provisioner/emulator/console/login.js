// Asks for the token where the address had none.

import * as api from "./api.js";
import { h } from "./dom.js";
import { command, errorBox } from "./parts.js";
import { keepToken } from "./session.js";

/** `said` is why the token is asked for again; `onDone` is called once it was accepted. */
export function login(said, onDone) {
  const problems = h("div", {}, said && errorBox({ code: "Signed out", message: said }));
  const input = h("input", { type: "password", id: "token", name: "token", autocomplete: "off", spellcheck: "false", required: true });
  async function submit(event) {
    event.preventDefault();
    problems.replaceChildren();
    try {
      await api.me(input.value.trim());
      keepToken(input.value.trim());
      onDone();
    } catch (problem) {
      const isWrong = problem.status === 401;
      const message = isWrong ? "This is not the token of this local workspace." : problem.message;
      problems.replaceChildren(errorBox({ code: isWrong ? "Not accepted" : "", message }));
      input.select();
    }
  }
  return h(
    "form",
    { class: "login card stack", onsubmit: submit },
    h("h1", { tabindex: -1 }, "Sign in"),
    h("p", {}, "Sign in with the token that `provisioner emulator start` printed (DATABRICKS_TOKEN=...), or open the console URL that it printed."),
    command("provisioner emulator start"),
    problems,
    h("label", { for: "token" }, "Token"),
    input,
    h("div", { class: "row" }, h("button", { type: "submit", class: "main" }, "Sign in")),
  );
}
