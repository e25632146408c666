// Random numbers as torch draws them on a processor: the Mersenne Twister (Matsumoto & Nishimura 1998), and numbers
// from N(0, 1) by Box and Muller 1958, in blocks of 16, or singly where fewer are wanted.
"use strict";

const TWO_TO_24 = 2 ** -24, TWO_TO_53 = 2 ** -53;

/** A generator whose numbers follow a seed, from 0 to 2^32 - 1, as after torch.manual_seed(seed); some are skipped. */
class Twister {
  constructor(seed, skipped = 0) {
    this.words = new Uint32Array(624);
    this.words[0] = seed;
    for (let i = 1; i < 624; i++) {
      const last = this.words[i - 1] ^ (this.words[i - 1] >>> 30);
      this.words[i] = Math.imul(1812433253, last) + i;
    }
    this.next = 624;
    this.spare = null; // the second of two numbers that were drawn singly
    for (let i = 0; i < skipped; i += 624) this.twist();
    if (skipped) this.next = (skipped - 1) % 624 + 1;
  }

  /** 32 random bits. */
  bits() {
    if (this.next === 624) this.twist();
    let y = this.words[this.next++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  twist() {
    const words = this.words;
    for (let i = 0; i < 624; i++) {
      const y = (words[i] & 0x80000000) | (words[(i + 1) % 624] & 0x7fffffff);
      words[i] = words[(i + 397) % 624] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.next = 0;
  }

  /** Uniform in [0, 1), of 24 bits. */
  uniform() {
    return (this.bits() & 0xffffff) * TWO_TO_24;
  }

  /** Uniform in [0, 1), of 53 bits. */
  uniformDouble() {
    const high = this.bits() & 0x1fffff;
    return (high * 2 ** 32 + this.bits()) * TWO_TO_53;
  }

  /** One number from N(0, 1). */
  normal() {
    if (this.spare !== null) {
      const spare = this.spare;
      this.spare = null;
      return spare;
    }
    const angle = 2 * Math.PI * this.uniformDouble();
    const radius = Math.sqrt(-2 * Math.log1p(-this.uniformDouble()));
    this.spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** As many numbers from N(0, 1) as torch.randn(size) draws. */
  randn(size) {
    const drawn = new Float32Array(size);
    if (size < 16) return drawn.map(() => this.normal());
    for (let i = 0; i < size; i++) drawn[i] = this.uniform();
    for (let i = 0; i + 16 <= size; i += 16) toNormal(drawn, i);
    if (size % 16) { // the last block is drawn anew, over the end of the one before
      for (let i = size - 16; i < size; i++) drawn[i] = this.uniform();
      toNormal(drawn, size - 16);
    }
    return drawn;
  }
}

/** Make 16 numbers that are uniform in [0, 1) normal: the first half are radii, the second half angles. */
function toNormal(numbers, from) {
  for (let i = from; i < from + 8; i++) {
    const radius = Math.sqrt(-2 * Math.log(1 - numbers[i])), angle = 2 * Math.PI * numbers[i + 8];
    numbers[i] = radius * Math.cos(angle);
    numbers[i + 8] = radius * Math.sin(angle);
  }
}
