// The model: unpacked, and run by onnxruntime-web, which was loaded before as `onnxruntimeWeb`.
"use strict";

/** The bytes of a text that is gzip in base64. */
async function unpacked(text) {
  const letters = atob(text), bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** onnxruntime-web, with one thread, which needs no server. */
async function runtime() {
  if (!globalThis.onnxruntimeWeb) throw new Error("the file with the program that runs the model is not beside the page");
  const { module, wasm } = globalThis.onnxruntimeWeb;
  const address = URL.createObjectURL(new Blob([await unpacked(module)], { type: "text/javascript" }));
  const ort = await import(address);
  URL.revokeObjectURL(address);
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmBinary = (await unpacked(wasm)).buffer;
  return ort;
}

/** A model with its inputs and its output. */
class Model {
  constructor(ort, session, about) {
    Object.assign(this, { ort, session, about });
  }

  static async load(about) {
    const ort = await runtime();
    const graph = await unpacked(document.getElementById("graph").textContent);
    const session = await ort.InferenceSession.create(graph, { executionProviders: ["wasm"], logSeverityLevel: 3 });
    return new Model(ort, session, about);
  }

  /** What the model gives for values by the names of the inputs: { data: Float32Array, dims }. */
  async run(values, n) {
    const feeds = {};
    for (const { name, asks, shape } of this.about.inputs) {
      const isLabel = asks === "label";
      const data = isLabel ? BigInt64Array.from(values[name], BigInt) : values[name];
      feeds[name] = new this.ort.Tensor(isLabel ? "int64" : "float32", data, [n, ...shape]);
    }
    const { data, dims } = (await this.session.run(feeds))[this.about.gives];
    return { data, dims };
  }
}
