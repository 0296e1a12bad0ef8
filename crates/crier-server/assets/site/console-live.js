// A log that goes on by itself: word comes that something is new, and the page's own list is fetched again. Without this, reload.
(() => {
  "use strict";
  const log = document.querySelector("[data-live]");
  const bar = document.createElement("p");
  bar.className = "livebar";
  const pause = document.createElement("button");
  pause.className = "button small";
  pause.type = "button";
  const word = document.createElement("span");
  word.setAttribute("role", "status");
  bar.append(pause, word);
  log.before(bar);
  let paused = false;
  let stale = false;
  let busy = false;
  const say = (text) => {
    pause.textContent = paused ? "Go on" : "Pause";
    word.textContent = text;
  };

  const refresh = async () => {
    if (paused || busy) {
      stale = true;
      if (paused) say("Paused: there is something new.");
      return;
    }
    busy = true;
    stale = false;
    try {
      const answer = await fetch(location.href);
      if (!answer.ok) throw answer;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById(log.id);
      const focused = log.contains(document.activeElement) && document.activeElement.getAttribute("href");
      log.replaceChildren(...fresh.childNodes);
      if (focused) [...log.querySelectorAll("a")].find((link) => link.getAttribute("href") === focused)?.focus({ preventScroll: true });
      say("Live");
    } catch {
      say("This page no longer hears of what is new. Reload it.");
    }
    busy = false;
    if (stale) refresh();
  };

  pause.addEventListener("click", () => {
    paused = !paused;
    say(paused ? "Paused" : "Live");
    if (!paused && stale) refresh();
  });
  const source = new EventSource(log.dataset.live);
  source.onopen = () => say(paused ? "Paused" : "Live");
  source.onmessage = refresh;
  source.onerror = () => say("Not connected; trying again …");
  say("Connecting …");
})();
