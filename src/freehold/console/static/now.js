/* The live part of Now is asked for every two seconds by htmx. Not while nobody looks, not while somebody works in it,
   reads a value off the chart or marks text, and not while it is paused. */
"use strict";
(() => {
  let isPaused = false;

  function show() {
    document.querySelectorAll("[data-pause]").forEach((button) => {
      button.hidden = false;
      button.textContent = isPaused ? "Go on" : "Pause";
    });
  }

  document.addEventListener("htmx:beforeRequest", (event) => {
    const part = event.target;
    if (!part.matches("[data-live]")) return;
    const isUsed = part.contains(document.activeElement) || part.querySelector(".chart:hover, details[open]");
    if (document.hidden || isPaused || isUsed || !getSelection().isCollapsed) event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    if (!event.target.matches("[data-pause]")) return;
    isPaused = !isPaused;
    show();
  });
  document.addEventListener("DOMContentLoaded", show);
})();
