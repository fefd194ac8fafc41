"use strict";
(() => {
  const tools = document.getElementById("tools");
  if (!tools) return;
  const cards = [...document.querySelectorAll(".card")];
  const chips = [...tools.querySelectorAll(".chip")];
  const search = document.getElementById("search");
  const toggle = document.getElementById("toggle");
  const told = document.getElementById("told");

  const pressed = (chip) => chip.getAttribute("aria-pressed") === "true";
  const shown = () => cards.filter((card) => !card.hidden);

  function show() {
    const groups = new Set(chips.filter(pressed).map((chip) => chip.dataset.group));
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const card of cards) {
      const found = words.every((word) => card.dataset.search.includes(word));
      card.hidden = !(groups.has(card.dataset.group) && found);
    }
    const resources = (some) => some.reduce((sum, card) => sum + Number(card.dataset.count), 0);
    const count = resources(shown());
    const all = resources(cards);
    told.textContent = count === all ? "" : `${count} of ${all}`;
    name();
  }

  function name() {
    toggle.textContent = shown().some((card) => card.open) ? "Close all" : "Open all";
  }

  for (const chip of chips) {
    chip.addEventListener("click", () => {
      // The first click on one of several asks for that one alone.
      const all = chips.every(pressed);
      const only = pressed(chip) && !all && chips.filter(pressed).length === 1;
      for (const other of chips) {
        if (all) other.setAttribute("aria-pressed", String(other === chip));
        else if (only) other.setAttribute("aria-pressed", "true");
      }
      if (!all && !only) chip.setAttribute("aria-pressed", String(!pressed(chip)));
      show();
    });
  }
  search.addEventListener("input", show);
  toggle.addEventListener("click", () => {
    const open = !shown().some((card) => card.open);
    for (const card of shown()) card.open = open;
    name();
  });
  for (const card of cards) card.addEventListener("toggle", name);
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== search) {
      event.preventDefault();
      search.focus();
    } else if (event.key === "Escape" && document.activeElement === search) {
      search.value = "";
      show();
    }
  });
  addEventListener("beforeprint", () => cards.forEach((card) => (card.open = true)));
  tools.hidden = false;
  show();
})();
