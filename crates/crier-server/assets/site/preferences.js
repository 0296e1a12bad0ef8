// The preview in place: whatever is moved or switched shows at once what the feed would be. Without this its button does it.
(() => {
  "use strict";
  const form = document.getElementById("preferences");
  if (!form) return;
  let running;
  const preview = async (button) => {
    running?.abort();
    running = new AbortController();
    const body = new URLSearchParams(new FormData(form));
    body.set("in_place", "1");
    const answer = await fetch(button.formAction, { method: "POST", body, signal: running.signal });
    if (!answer.ok) throw answer;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("preview");
    document.getElementById("preview").replaceWith(fresh);
  };
  const button = form.querySelector("[formaction$='/preview']");
  // One that fails is left at that: the button still does it, and nothing was changed.
  form.addEventListener("change", () => preview(button).catch(() => undefined));
  form.addEventListener("submit", (event) => {
    if (event.submitter !== button || button.dataset.plain) return;
    event.preventDefault();
    preview(button).catch((error) => {
      // A later one has taken its place.
      if (error.name === "AbortError") return;
      button.dataset.plain = "1";
      button.click();
    });
  });
})();
