// The page: controls made from what the model says that it takes, and what it gives shown below them.
"use strict";

const ABOUT = JSON.parse(document.getElementById("facts").textContent);
const byId = (id) => document.getElementById(id);

/** Say something below the controls; nothing if it is empty. */
function say(text) {
  byId("state").textContent = text;
  byId("state").hidden = !text;
}

/** An image [c, h, w] of numbers from 0 to `white` as a canvas of its size. */
function toCanvas(values, channels, height, width, white = 1, from = 0) {
  const canvas = make("canvas", { width, height }), context = canvas.getContext("2d");
  const image = context.createImageData(width, height), size = height * width;
  for (let p = 0; p < size; p++) {
    for (let c = 0; c < 3; c++) {
      const value = values[from + (channels === 3 ? c * size : 0) + p];
      image.data[4 * p + c] = Math.round(Math.min(1, Math.max(0, value / white)) * 255);
    }
    image.data[4 * p + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

function saveCanvas(canvas, name) {
  make("a", { href: canvas.toDataURL("image/png"), download: name }).click();
}

/** The controls that the inputs need. */
class Controls {
  constructor(changed) {
    const asked = (kind) => ABOUT.inputs.find((input) => input.asks === kind);
    const noise = asked("noise"), labels = ABOUT.inputs.filter((input) => input.asks === "label");
    this.every = Boolean(noise) && labels.length === 1;
    this.choices = labels.map((input) => new Choice(input, this.every, changed));
    this.most = Math.min(MOST, Math.floor(TOGETHER / (this.every ? labels[0].names.length : 1)));
    this.seed = noise ? new Seed(this.every ? "Images of each class" : "Images", this.most, changed) : null;
    this.point = asked("point") ? new Point(asked("point"), changed) : null;
    this.picture = asked("picture") ? new Picture(asked("picture"), ABOUT, changed) : null;
    const all = [this.picture, this.point, ...this.choices, this.seed].filter(Boolean);
    byId("controls").append(...all.map((control) => control.element));
  }

  /** What is asked for now: values by name, how many, a caption for each, a row's length, and the command; or null. */
  read() {
    const seed = this.seed?.seed.read(), of = this.seed ? this.seed.n.read() : 1;
    if (seed === null || of === null) return null;
    const chosen = this.choices.map((choice) => choice.read());
    const isEvery = this.every && chosen[0] === -1, classes = isEvery ? this.choices[0].input.names.length : 1;
    const n = of * classes, twister = new Twister(seed ?? 0, ABOUT.skipped), values = {};
    for (const { name, asks, shape } of ABOUT.inputs) {
      if (asks === "noise") values[name] = twister.randn(n * shape[0]);
      if (asks === "point") values[name] = this.point.read();
      if (asks === "picture") values[name] = this.picture.read();
    }
    this.choices.forEach(({ input }, i) => {
      const first = input.low;
      values[input.name] = Array.from({ length: n }, (_, item) => first + (isEvery ? Math.floor(item / of) : chosen[i]));
    });
    return { values, n, columns: isEvery ? of : Math.ceil(Math.sqrt(n)), ...this.command(seed, of, isEvery, chosen) };
  }

  /** How the command line gives the same; nothing where it has no words for what is asked. */
  command(seed, of, isEvery, chosen) {
    const { flags, command } = ABOUT;
    if (this.seed && flags.n && (!this.choices.length || flags.class)) {
      const named = this.choices.length && !isEvery ? ` ${flags.class} ${this.choices[0].input.spelled[chosen[0]]}` : "";
      return { how: "The same on the command line: ", command: `${command}${named} ${flags.n} ${of} --seed ${seed}` };
    }
    if (this.picture && flags.image && ABOUT.inputs.length === 1) {
      return { how: "The same on the command line, once the drawing is saved: ", command: `${command} ${flags.image} drawing.png` };
    }
    if (this.point && flags.point) return { how: "The same on the command line: ", command: `${command} ${flags.point} ${this.point.said(",")}` };
    if (this.point) return { how: `${this.point.input.name}: `, command: this.point.said(" ") };
    return { how: "", command: "" };
  }
}

/** Images [n, c, h, w] as one picture, pixel for pixel. */
function toPicture({ data, dims }, columns) {
  const [n, channels, height, width] = dims, rows = Math.ceil(n / columns);
  const picture = make("canvas", { class: "picture", width: columns * width, height: rows * height, role: "img",
    "aria-label": n === 1 ? "the image" : `${n} images` });
  const context = picture.getContext("2d");
  for (let i = 0; i < n; i++) {
    const tile = toCanvas(data, channels, height, width, 1, i * channels * height * width);
    context.drawImage(tile, (i % columns) * width, Math.floor(i / columns) * height);
  }
  return picture;
}

function showImages(output, columns) {
  const picture = toPicture(output, columns);
  picture.style.maxWidth = `${Math.max(280, 3 * picture.width)}px`;
  const save = make("button", { type: "button", onclick: () => saveCanvas(picture, `${ABOUT.model}.png`) }, "Save the picture");
  byId("shown").replaceChildren(picture, make("div", { class: "buttons" }, save));
}

/** Probabilities [1, k] as bars, the likeliest first. */
function showProbabilities({ data }) {
  const named = Array.from(data, (p, i) => ({ p, name: ABOUT.names[i] ?? String(i) })).sort((a, b) => b.p - a.p);
  const bars = named.slice(0, 10).map(({ p, name }) => {
    const bar = make("span", { class: "bar" });
    bar.style.width = `${100 * p}%`;
    return make("li", {}, make("span", { class: "of" }, name), make("span", { class: "share" }, bar),
      make("span", { class: "percent" }, `${(100 * p).toFixed(1)} %`));
  });
  byId("shown").replaceChildren(make("ol", { class: "bars" }, ...bars));
}

function showFacts() {
  if (window !== window.parent) document.documentElement.dataset.framed = ""; // the page around it says what it is
  byId("name").textContent = ABOUT.model;
  byId("title").textContent = ABOUT.title;
  byId("idea").textContent = ABOUT.idea;
  const facts = { "Weights, sha256": ABOUT.sha256 ?? "none", Licence: ABOUT.licence, Paper: ABOUT.paper,
    "Computed by": `ONNX Runtime Web ${globalThis.onnxruntimeWeb?.version ?? ""} in this browser; nothing is sent anywhere` };
  for (const [name, value] of Object.entries(facts)) byId("facts-shown").append(make("dt", {}, name), make("dd", {}, value));
}

/** Compute and show what is asked for; while that goes on, only the last wish of several is kept. */
class Loop {
  constructor(model) {
    this.model = model;
    this.runs = false;
    this.again = false;
  }

  async go(controls) {
    if (this.runs) {
      this.again = true;
      return;
    }
    this.runs = true;
    document.documentElement.dataset.busy = "";
    try {
      do {
        this.again = false;
        await this.once(controls.read(), controls.most);
      } while (this.again);
    } catch (error) {
      say(`It could not be computed: ${error.message}`);
    } finally {
      this.runs = false;
      delete document.documentElement.dataset.busy;
    }
  }

  async once(asked, most) {
    if (!asked) return say(`Give a seed from 0 to ${2 ** 32 - 1}, and 1 to ${most} images.`);
    const output = await this.model.run(asked.values, asked.n);
    say("");
    if (ABOUT.gives === "images") showImages(output, asked.columns);
    else showProbabilities(output);
    byId("how").textContent = asked.how;
    byId("command").replaceChildren(...asked.command.split(" ").flatMap((word) => [make("span", {}, word), " "]));
    byId("again").hidden = !asked.command;
    document.documentElement.dataset.done = "";
    await new Promise((done) => requestAnimationFrame(done));
  }
}

async function start() {
  showFacts();
  let loop = null;
  const controls = new Controls(() => loop?.go(controls));
  byId("controls").addEventListener("submit", (event) => event.preventDefault());
  try {
    loop = new Loop(await Model.load(ABOUT));
  } catch (error) {
    return say(`The model cannot be run here: ${error.message}. A browser of 2023 or later is needed.`);
  }
  if (ABOUT.gives === "images" && ABOUT.inputs.length === 1) await controls.point?.fill(loop.model);
  await loop.go(controls);
}

start();
