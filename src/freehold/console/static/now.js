/* The live part of Now is asked for every two seconds by htmx. Not while nobody looks, not while somebody works in it,
   and not while it is paused. */
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
    if (document.hidden || isPaused || part.contains(document.activeElement)) event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    if (!event.target.matches("[data-pause]")) return;
    isPaused = !isPaused;
    event.target.blur();
    show();
  });
  document.addEventListener("htmx:load", show);
  document.addEventListener("DOMContentLoaded", show);
})();
