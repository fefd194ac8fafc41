// Light, dark, or as the system has it.

const KEY = "local-workspace-theme";
const ORDER = ["system", "light", "dark"];

export function startTheme(button) {
  let chosen = localStorage.getItem(KEY);
  if (!ORDER.includes(chosen)) chosen = "system";
  const show = () => {
    document.documentElement.dataset.theme = chosen;
    button.textContent = `Theme: ${chosen}`;
  };
  button.addEventListener("click", () => {
    chosen = ORDER[(ORDER.indexOf(chosen) + 1) % ORDER.length];
    localStorage.setItem(KEY, chosen);
    show();
  });
  show();
}
