/* A button to print; without script the browser's own does. */
document.querySelector("[data-print]")?.addEventListener("click", () => window.print());
