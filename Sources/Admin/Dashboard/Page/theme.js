// Light or dark: as the system has it, unless the reader has said.

const themeKey = "relevo-theme";

function setTheme(theme) {
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

const chosenTheme = localStorage.getItem(themeKey) ?? "auto";
setTheme(chosenTheme);
const chosenThemeInput = byId("theme").querySelector(`input[value="${CSS.escape(chosenTheme)}"]`);
if (chosenThemeInput) chosenThemeInput.checked = true;
byId("theme").addEventListener("change", (event) => {
  localStorage.setItem(themeKey, event.target.value);
  setTheme(event.target.value);
});
