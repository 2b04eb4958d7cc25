// The page is whole without this. What it adds: theme, sorting and filtering, enlarged pictures, layers over each other.
{
const root = document.documentElement;
const one = (what, where = document) => where.querySelector(what);
const all = (what, where = document) => [...where.querySelectorAll(what)];
// A browser may forbid it, as some do for files.
const kept = (name, value) => {
  try {
    name = "reportgen." + name;
    if (value !== undefined) localStorage[name] = value;
    return localStorage[name];
  } catch {}
};
root.dataset.theme = kept("theme") || "";

addEventListener("DOMContentLoaded", () => {
  const zoom = one("#zoom"), help = one("#keys"), stage = one(".stage", zoom), tell = one("output", zoom);
  const theme = one("#theme"), active = one("#keys-on"), bar = one(".controls"), cards = all(".card");
  const choices = bar ? all("select", bar) : [], order = choices.pop(), count = bar && one("output", bar);
  let at;
  all("[hidden]").forEach(e => e.hidden = false);

  theme.value = root.dataset.theme;
  theme.onchange = () => root.dataset.theme = kept("theme", theme.value) ?? theme.value;
  active.checked = kept("keys") !== "off";
  active.onchange = () => kept("keys", active.checked ? "on" : "off");

  const narrow = () => {
    const wanted = choices.map(e => e.value).filter(Boolean);
    cards.forEach(e => e.classList.toggle("off", !wanted.every(w => e.dataset.tokens.split(" ").includes(w))));
    const n = all(".card:not(.off)").length;
    count.textContent = count.dataset.text.replace("{n}", n).replace("{total}", cards.length);
  };
  const sort = () => {
    const place = e => e.dataset.order.split(" ")[order.value];
    cards[0].parentNode.append(...cards.sort((a, b) => place(a) - place(b)));
  };
  const reset = () => {
    choices.forEach(e => e.value = "");
    narrow();
  };
  if (bar) {
    choices.forEach(e => e.onchange = narrow);
    order.onchange = sort;
    one("button", bar).onclick = reset;
    sort();
    narrow();
  }

  all("figure .picture img").forEach(image => {
    const button = document.createElement("button");
    button.className = "enlarge";
    button.title = zoom.dataset.enlarge;
    button.onclick = () => show(button);
    image.replaceWith(button);
    button.append(image);
  });
  const label = button => one(".label", button.closest(".panel")).textContent;
  const show = button => {
    const image = one("img", button).cloneNode();
    image.loading = "eager";
    stage.replaceChildren(image);
    one("h2", zoom).textContent = one("h2,h3,h4", button.closest("section")).textContent + " · " + label(button);
    one(".about", zoom).textContent = image.alt;
    tell.textContent = "";
    at = button;
    try { history.replaceState(null, "", "#" + place()) } catch {}
    if (!zoom.open) zoom.showModal();
  };
  const place = () => at.closest("[id]").id;
  const walk = by => {
    const shown = all("button.enlarge").filter(e => e.checkVisibility());
    show(shown.at((shown.indexOf(at) + by) % shown.length));
  };
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(location.href.split("#")[0] + "#" + place());
      tell.textContent = tell.dataset.done;
    } catch { tell.textContent = tell.dataset.failed }
  };
  zoom.onclose = () => {
    at.focus();
    at.scrollIntoView({ block: "nearest" });
  };
  const act = { copy, next: () => walk(1), previous: () => walk(-1), close: e => e.currentTarget.close() };
  // A click beside the box lands on the dialog itself.
  help.onclick = zoom.onclick = e => act[e.target === e.currentTarget ? "close" : e.target.dataset.does]?.(e);
  zoom.onkeydown = e => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (by) walk(by);
  };

  all(".card figure").forEach(figure => {
    const buttons = all("button.enlarge", figure);
    if (buttons.length < 2) return;
    const box = one("#compare").content.firstElementChild.cloneNode(true);
    const [lower, upper] = all("select", box), [divide, opacity] = all("input", box), stack = one(".stack", box);
    const draw = () => {
      stack.replaceChildren(...[lower, upper].map(e => one("img", buttons[e.value]).cloneNode()));
      blend();
    };
    const blend = () => {
      const { style } = stack.lastChild;
      style.clipPath = `inset(0 0 0 ${divide.value}%)`;
      style.opacity = opacity.value / 100;
    };
    [lower, upper].forEach((e, n) => {
      buttons.forEach((button, i) => e.add(new Option(label(button), i, false, i === n)));
      e.onchange = draw;
    });
    divide.oninput = opacity.oninput = blend;
    box.ontoggle = () => stack.firstChild || draw();
    figure.after(box);
  });

  const step = by => {
    const shown = all(".card:not(.off)"), here = document.activeElement.closest(".card");
    const seen = shown.findIndex(e => e.getBoundingClientRect().bottom > 40);
    const to = here ? shown.indexOf(here) + by : by > 0 ? seen : seen - 1;
    const card = shown[Math.max(0, Math.min(to, shown.length - 1))];
    if (!card) return;
    one(".link", card).focus({ preventScroll: true });
    card.scrollIntoView();
  };
  const does = {
    j: () => step(1),
    k: () => step(-1),
    f: () => (choices[0] || order)?.focus(),
    c: () => {
      const box = one(".compare", document.activeElement.closest(".card") || document);
      if (!box) return;
      box.open = !box.open;
      one("summary", box).focus();
    },
    t: () => {
      theme.selectedIndex = (theme.selectedIndex + 1) % 3;
      theme.onchange();
    },
    "?": () => help.showModal(),
  };
  addEventListener("keydown", e => {
    const busy = e.ctrlKey || e.metaKey || e.altKey || zoom.open || help.open || e.target.matches("input,select");
    if (busy || !active.checked || !Object.hasOwn(does, e.key)) return;
    e.preventDefault();
    does[e.key]();
  });
  one("#help").onclick = () => help.showModal();

  const go = () => {
    let target;
    try { target = document.getElementById(decodeURIComponent(location.hash.slice(1))) } catch {}
    if (!target) return;
    if (target.closest(".off")) reset();
    target.scrollIntoView();
    const button = target.matches(".picture") && one("button", target);
    if (button) show(button);
  };
  addEventListener("hashchange", go);
  go();

  addEventListener("beforeprint", () => {
    all("details").forEach(e => e.open = true);
    all("img").forEach(e => e.loading = "eager");
  });
});
}
