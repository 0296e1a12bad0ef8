// The feed in place: the page's own forms without leaving it and keys. Without this all of it works by links and forms.
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const acts = $("#acts");

  // Forms: sent in place; if that fails in any way, sent as a browser sends them.
  let last;
  const send = async (button) => {
    const item = button.closest("li");
    const body = new URLSearchParams(new FormData(acts));
    body.set(button.name, button.value);
    body.set("in_place", "1");
    const answer = await fetch(button.formAction, { method: "POST", body });
    if (!answer.ok) throw answer;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(item.id);
    if (fresh) item.replaceWith(fresh);
    else item.remove();
    if (!fresh) return;
    if (fresh.className === "line") last = fresh.id;
    const next = $(fresh.className === "line" ? "button" : "article", fresh);
    if (next.tagName === "ARTICLE") next.tabIndex = -1;
    next.focus();
  };
  addEventListener("submit", (event) => {
    const button = event.submitter;
    if (event.target !== acts || !button?.closest("li") || button.dataset.plain) return;
    event.preventDefault();
    if (button.ariaBusy) return;
    button.ariaBusy = "true";
    send(button).catch(() => {
      button.dataset.plain = "1";
      button.click();
    });
  });

  // Keys, only while the focus is inside a list.
  const step = (from, by) => {
    const all = [...document.querySelectorAll("[data-keys]>li")];
    const item = all[all.indexOf(from) + by];
    const place = item && ($("article", item) || $("button", item));
    if (!place) return;
    if (place.tagName === "ARTICLE") place.tabIndex = -1;
    place.focus();
  };
  addEventListener("keydown", (event) => {
    const item = document.activeElement?.closest("[data-keys]>li");
    if (!item || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const press = (selector, root = item) => root && $(selector, root)?.click();
    const does = {
      j: () => step(item, 1),
      k: () => step(item, -1),
      x: () => press(".x"),
      z: () => press("[formaction$='/undo']", item.className === "line" ? item : last && document.getElementById(last)),
    }[event.key];
    if (!does) return;
    event.preventDefault();
    does();
  });
})();
