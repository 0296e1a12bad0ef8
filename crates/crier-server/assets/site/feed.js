// The feed in place. Without this all of it works by links and forms.
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const acts = $("#acts");

  // Forms: sent in place; if that fails, as a browser sends them.
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
    const next = $(fresh.className === "line" ? "button" : button.matches(".thumb") ? ".thumb" : "article", fresh);
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
      t: () => press(".thumb"),
      x: () => press(".x"),
      z: () => press("[formaction$='/undo']", item.className === "line" ? item : last && document.getElementById(last)),
      w: () => press("a[href*='/feed/why/']"),
    }[event.key];
    if (!does) return;
    event.preventDefault();
    does();
  });

  // What is new: said, never inserted.
  const bar = $(".bar");
  if (!bar) return;
  const { base, after } = bar.dataset;
  const tell = (told) => {
    if (told.story) return fill(told);
    const text = told.new ? told.new + (told.new === 1 ? " new story" : " new stories") : "";
    if (bar.textContent === text) return;
    bar.textContent = "";
    if (!text) return;
    const link = document.createElement("a");
    link.href = base + "/feed";
    link.textContent = text;
    bar.append(link);
  };
  const fill = (told) => {
    const link = $(`#s${told.story} .pictures a[href*="/${told.story}/p${told.slot}"]`);
    if (!link) return;
    if (!told.src) return link.closest(link.closest("ul").children[1] ? "li" : "ul").remove();
    if ($("img", link)) return;
    const image = new Image(told.width, told.height);
    image.alt = link.textContent;
    image.src = told.src;
    link.replaceChildren(image);
  };
  // With the boxes that wait for pictures.
  const query = () => {
    const boxes = [...document.querySelectorAll(".pictures a:not(:has(img))")];
    return `after=${after}&waiting=` + boxes.map((box) => box.pathname.split("/go/").pop());
  };
  let failures = 0;
  let stream;
  const later = (wait) => setTimeout(open, wait + Math.random() * Math.min(30000, 500 * 2 ** failures));
  const poll = async (seen) => {
    try {
      const answer = await fetch(`${base}/feed/poll?${query()}&seen=${seen}`);
      if (!answer.ok) throw answer;
      const told = await answer.json();
      tell(told);
      told.pictures.forEach(fill);
      failures = 0;
      setTimeout(poll, 1000, told.w);
    } catch {
      failures += 1;
      later(1000);
    }
  };
  const open = () => {
    // Two streams never opened: something on the way swallows them.
    if (failures > 1 || !window.EventSource) return poll("");
    stream = new EventSource(`${base}/feed/live?${query()}`);
    stream.onopen = () => (failures = 0);
    stream.onmessage = (event) => tell(JSON.parse(event.data));
    stream.addEventListener("drain", (event) => {
      stream.close();
      later(JSON.parse(event.data).retry_after);
    });
    stream.onerror = () => {
      stream.close();
      failures += 1;
      later(1000);
    };
  };
  addEventListener("pagehide", () => stream?.close());
  addEventListener("pageshow", (event) => event.persisted && open());
  open();
})();
