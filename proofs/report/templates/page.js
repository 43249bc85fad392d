"use strict";
for (const steps of document.querySelectorAll(".steps:not(.together)")) {
  const items = [...steps.querySelectorAll(":scope > .step")];
  if (items.length < 2) continue;
  const bar = document.createElement("div");
  const say = document.createElement("span");
  bar.className = "stepper";
  say.setAttribute("role", "status");
  let at = 0;
  const button = (label, act) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = label;
    made.addEventListener("click", act);
    return made;
  };
  const show = (to) => {
    const held = document.activeElement;
    at = Math.max(0, Math.min(items.length - 1, to));
    items.forEach((item, place) => item.classList.toggle("hidden", !all.matches(".on") && place !== at));
    say.textContent = all.matches(".on") ? "all steps" : `step ${at + 1} of ${items.length}`;
    back.disabled = all.matches(".on") || at === 0;
    next.disabled = all.matches(".on") || at === items.length - 1;
    // a button that is switched off loses the keyboard's place: the other one keeps it
    if (held.disabled) (held === next ? back : next).focus();
  };
  const back = button("Previous", () => show(at - 1));
  const next = button("Next", () => show(at + 1));
  const all = button("Show all", () => {
    all.setAttribute("aria-pressed", String(all.classList.toggle("on")));
    show(at);
  });
  all.setAttribute("aria-pressed", "false");
  bar.append(back, say, next, all);
  steps.prepend(bar);
  steps.tabIndex = 0;
  steps.addEventListener("keydown", (event) => {
    const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const scrolls = event.target.closest(".scroll, .display, .long, pre");
    if (!way || scrolls || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    show(at + way);
  });
  show(0);
}
const folds = () => document.querySelectorAll("main details");
const reveal = () => {
  let place = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const target = place;
  for (; place; place = place.parentElement) if (place.tagName === "DETAILS") place.open = true;
  if (target) target.scrollIntoView();
};
if (location.hash) reveal();
addEventListener("hashchange", reveal);
addEventListener("beforeprint", () => folds().forEach((fold) => { fold.dataset.was = fold.open; fold.open = true; }));
addEventListener("afterprint", () => folds().forEach((fold) => { fold.open = fold.dataset.was === "true"; }));
const contents = document.querySelector(".contents details");
if (contents && matchMedia("(max-width: 68rem)").matches) contents.open = false;
