// Two pictures laid over each other with a slider between them, beside the row that shows both.
addEventListener("DOMContentLoaded", () => {
  for (const row of document.querySelectorAll("[data-swipe]")) {
    const pictures = row.querySelectorAll("img");
    if (pictures.length !== 2) continue;
    const stack = document.createElement("div");
    stack.className = "swiped";
    for (const picture of pictures) {
      const copy = picture.cloneNode();
      copy.alt = "";
      stack.append(copy);
    }
    const slider = document.createElement("input");
    slider.type = "range";
    slider.min = 0;
    slider.max = 100;
    slider.value = 50;
    slider.setAttribute("aria-label", row.dataset.swipe);
    const cut = () => stack.style.setProperty("--cut", `${slider.value}%`);
    slider.addEventListener("input", cut);
    cut();
    const place = document.createElement("div");
    place.className = "swipe";
    place.append(stack, slider);
    row.append(place);
  }
});
