// What the page asks for: a control for each kind of input. Each has `element`, and calls `changed` when it changes.
"use strict";

const SCALE = 10; // points of the canvas that is drawn in, for each pixel of the model
const MOST = 100; // images of each class at once
const TOGETHER = 1000; // images of all classes, which the command line draws in one batch
const STEPS = 16; // images along each side of the plane

/** An element with attributes, listeners (their names begin with "on") and children. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** A field for a whole number, with its label. */
function numberField(label, id, value, least, most, changed) {
  const field = make("input", { type: "number", id, min: least, max: most, step: 1, value, inputmode: "numeric", oninput: changed });
  const element = make("span", { class: "field" }, make("label", { for: id }, label), field);
  const read = () => (field.checkValidity() && field.value !== "" ? Number(field.value) : null);
  return { element, field, read };
}

/** The seed of the noise, and how many images. */
class Seed {
  constructor(of, most, changed) {
    this.seed = numberField("Seed", "seed", 0, 0, 2 ** 32 - 1, changed);
    this.n = numberField(of, "n", 8, 1, most, changed);
    const dice = make("button", { type: "button", onclick: () => {
      this.seed.field.value = Math.floor(Math.random() * 10000);
      changed();
    } }, "Another seed");
    this.element = make("div", { class: "row" }, this.seed.element, dice, this.n.element);
  }
}

/** One of several names; with `every` also all of them. */
class Choice {
  constructor(input, every, changed) {
    this.input = input;
    const names = every ? ["every class", ...input.names] : input.names;
    const choices = names.map((name, i) => {
      const value = every ? i - 1 : i, id = `${input.name}-${value}`;
      const radio = make("input", { type: "radio", name: input.name, id, value, checked: i === 0, onchange: changed });
      return make("span", { class: "choice" }, radio, make("label", { for: id }, name));
    });
    const title = every ? "Class" : input.name[0].toUpperCase() + input.name.slice(1);
    this.element = make("fieldset", {}, make("legend", {}, title), make("div", { class: "choices" }, ...choices));
  }

  /** Which, counted from 0; -1 for every. */
  read() {
    return Number(this.element.querySelector("input:checked").value);
  }
}

/** A point of a rectangle, of which `ends` are the lowest numbers and the highest, with some decimals. */
class Point {
  constructor(input, changed) {
    this.input = input;
    const [least, most] = input.ends, step = 10 ** -input.decimals;
    this.sliders = ["x", "y"].map((axis, i) => make("input", {
      type: "range", id: `point-${axis}`, min: least[i], max: most[i], step, value: (least[i] + most[i]) / 2,
      oninput: () => this.moved(changed),
    }));
    this.dot = make("span", { class: "dot" });
    const place = (event) => {
      if (event.type === "pointermove" && !event.buttons) return;
      const box = this.plane.getBoundingClientRect();
      const across = (event.clientX - box.left) / box.width, up = 1 - (event.clientY - box.top) / box.height;
      [across, up].forEach((share, i) => { this.sliders[i].value = this.at(i, Math.min(1, Math.max(0, share))); });
      this.moved(changed);
    };
    this.plane = make("div", { class: "plane", "aria-hidden": "true", onpointerdown: place, onpointermove: place }, this.dot);
    const labelled = this.sliders.map((slider, i) => make("span", { class: "field" },
      make("label", { for: slider.id }, ["To the right", "Upwards"][i]), slider));
    this.element = make("div", { class: "row" }, this.plane, make("div", { class: "column" }, ...labelled));
    this.moved(() => {});
  }

  /** The number at a share of the way along a side. */
  at(side, share) {
    const [least, most] = this.input.ends;
    return least[side] + share * (most[side] - least[side]);
  }

  /** Show in the plane what the model gives there. */
  async fill(model) {
    const codes = new Float32Array(2 * STEPS ** 2), middle = (side, i) => this.at(side, (i + 0.5) / STEPS);
    for (let i = 0; i < STEPS ** 2; i++) codes.set([middle(0, i % STEPS), middle(1, STEPS - 1 - Math.floor(i / STEPS))], 2 * i);
    const picture = toPicture(await model.run({ [this.input.name]: codes }, STEPS ** 2), STEPS);
    this.plane.style.background = `url(${picture.toDataURL("image/png")}) 0 0 / 100% 100%`;
  }

  read() {
    return Float32Array.from(this.sliders, (slider) => Number(slider.value));
  }

  /** The numbers as they are written, with something between them. */
  said(between) {
    return this.sliders.map((slider) => Number(slider.value).toFixed(this.input.decimals)).join(between);
  }

  moved(changed) {
    const [least, most] = this.input.ends;
    const [across, up] = Array.from(this.read(), (value, i) => 100 * (value - least[i]) / (most[i] - least[i]));
    Object.assign(this.dot.style, { left: `${across}%`, bottom: `${up}%` });
    changed();
  }
}

/** A picture that is drawn, taken from a file, or an example. */
class Picture {
  constructor(input, about, changed) {
    [this.channels, this.height, this.width] = input.shape;
    this.changed = changed;
    const label = "Draw here with a mouse, a pen or a finger";
    this.canvas = make("canvas", {
      class: "drawing", width: this.width * SCALE, height: this.height * SCALE, role: "img", "aria-label": label, title: label,
      onpointerdown: (event) => this.begin(event), onpointermove: (event) => this.go(event),
    });
    this.context = this.canvas.getContext("2d", { willReadFrequently: true });
    this.colour = make("input", { type: "color", id: "colour", value: "#ffffff" });
    const file = make("input", { type: "file", id: "file", accept: "image/*", onchange: (event) => this.open(event.target.files[0]) });
    const buttons = [["Clear", () => this.clear()], ["Invert", () => this.invert()], ["Save the drawing", () => this.save()]];
    this.element = make("div", { class: "row" }, this.canvas, make("div", { class: "column" },
      make("div", { class: "buttons" }, ...buttons.map(([name, act]) => make("button", { type: "button", onclick: act }, name))),
      ...(this.channels === 3 ? [make("span", { class: "field" }, make("label", { for: "colour" }, "Colour"), this.colour)] : []),
      make("span", { class: "field" }, make("label", { for: "file" }, "Or an image of yours"), file),
      ...this.examples(about)));
    const [first] = this.element.querySelectorAll(".example canvas");
    if (first) this.put(first);
    else this.clear();
  }

  examples({ examples, source }) {
    if (!examples.length) return [];
    const buttons = examples.map(({ name, pixels }) => {
      const bytes = Uint8Array.from(atob(pixels), (letter) => letter.charCodeAt(0));
      const small = toCanvas(bytes, this.channels, this.height, this.width, 255);
      const attributes = { type: "button", class: "example", title: name, "aria-label": `Example: ${name}` };
      return make("button", { ...attributes, onclick: () => this.put(small) }, small);
    });
    return [make("div", { class: "field" }, make("span", {}, "Or an example"), make("div", { class: "examples" }, ...buttons),
      make("small", {}, `from ${source}`))];
  }

  /** Show an image, of the model's size or another one, of which the middle is taken. */
  put(image) {
    const { width, height } = this.canvas;
    const exact = image.width === this.width && image.height === this.height;
    const times = Math.max(width / image.width, height / image.height);
    this.context.imageSmoothingEnabled = !exact;
    this.context.fillStyle = "black";
    this.context.fillRect(0, 0, width, height);
    const w = image.width * times, h = image.height * times;
    this.context.drawImage(image, (width - w) / 2, (height - h) / 2, w, h);
    this.changed();
  }

  clear() {
    this.context.fillStyle = "black";
    this.context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    this.changed();
  }

  invert() {
    const image = this.context.getImageData(0, 0, this.canvas.width, this.canvas.height);
    for (let i = 0; i < image.data.length; i++) if (i % 4 < 3) image.data[i] = 255 - image.data[i];
    this.context.putImageData(image, 0, 0);
    this.changed();
  }

  async open(file) {
    if (!file) return;
    try {
      this.put(await createImageBitmap(file));
    } catch {
      say(`${file.name} is no image that this browser can show`);
    }
  }

  save() {
    saveCanvas(toCanvas(this.levels(), this.channels, this.height, this.width, 255), "drawing.png");
  }

  begin(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.last = this.place(event);
    this.go(event);
  }

  go(event) {
    if (!event.buttons) return;
    const to = this.place(event);
    Object.assign(this.context, {
      strokeStyle: this.channels === 3 ? this.colour.value : "white", lineCap: "round", lineJoin: "round",
      lineWidth: this.width * SCALE / 12,
    });
    this.context.beginPath();
    this.context.moveTo(...this.last);
    this.context.lineTo(...to);
    this.context.stroke();
    this.last = to;
    this.changed();
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return [(event.clientX - box.left) * this.canvas.width / box.width, (event.clientY - box.top) * this.canvas.height / box.height];
  }

  /** Levels from 0 to 255, [c, h, w]: the means of what lies on each pixel, grey or in colour. */
  levels() {
    const { data, width } = this.context.getImageData(0, 0, this.canvas.width, this.canvas.height);
    const size = this.height * this.width, levels = new Uint8Array(this.channels * size);
    for (let p = 0; p < size; p++) {
      const sum = [0, 0, 0], left = (p % this.width) * SCALE, top = Math.floor(p / this.width) * SCALE;
      for (let y = top; y < top + SCALE; y++) {
        for (let x = left; x < left + SCALE; x++) for (let c = 0; c < 3; c++) sum[c] += data[4 * (y * width + x) + c];
      }
      const [r, g, b] = sum.map((one) => one / SCALE ** 2);
      if (this.channels === 1) levels[p] = Math.round(0.299 * r + 0.587 * g + 0.114 * b);
      else [r, g, b].forEach((one, c) => { levels[c * size + p] = Math.round(one); });
    }
    return levels;
  }

  read() {
    return Float32Array.from(this.levels(), (level) => level / 255);
  }
}
