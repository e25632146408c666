// What moves in a result: a slider through its steps, clicks in a latent plane, the copy of a command line.
element.addEventListener("input", (event) => {
  const slides = event.target.closest(".zoo-slides");
  if (!slides) return;
  const frames = [...slides.querySelector(".zoo-frames").children];
  frames.forEach((frame, number) => (frame.hidden = number !== Number(event.target.value)));
  slides.querySelector("label span").textContent = frames[event.target.value].dataset.title;
});
element.addEventListener("click", (event) => {
  const copy = event.target.closest(".zoo-copy");
  if (copy) {
    const code = copy.parentElement.querySelector("code");
    getSelection().selectAllChildren(code); // where a page may not write to the clipboard, a key still copies it
    navigator.clipboard?.writeText(code.textContent).then(() => (copy.textContent = "Copied"), () => {});
  }
  const plane = event.target.closest(".zoo-plane");
  if (!plane) return;
  const box = plane.querySelector("img").getBoundingClientRect();
  const [columns, rows] = plane.dataset.grid.split(",").map(Number);
  const [left, low, right, high] = plane.dataset.ends.split(",").map(Number);
  const x = (event.clientX - box.left) / box.width, y = (event.clientY - box.top) / box.height;
  const share = (part, steps) => (steps > 1 ? Math.min(1, Math.max(0, (part * steps - 0.5) / (steps - 1))) : 0.5);
  const mark = plane.querySelector("i");
  mark.style.left = `${100 * x}%`;
  mark.style.top = `${100 * y}%`;
  mark.style.display = "block";
  trigger("click", { at: [left + (right - left) * share(x, columns), high - (high - low) * share(y, rows)] });
});
