// What is decided, in plain JavaScript: nothing here knows of Wasm, so `npm test` can try it.

/** The file, read. */
export class Policy {
  constructor({ seen = 'X-Seen-By', refuse_shouting = true } = {}) {
    this.seen = seen;
    this.refuseShouting = refuse_shouting;
  }

  /**
   * Returns whether a subject is in capitals alone.
   * @param {string} subject
   */
  shouts(subject) {
    // The engine of components knows no \p{…} in patterns.
    // Nor has an event much time: what is longer than any subject is not looked at.
    const letters = [...subject.slice(0, 1000)].filter((c) => c.toLowerCase() !== c.toUpperCase());
    return this.refuseShouting && letters.length >= 5 && letters.every((c) => c === c.toUpperCase());
  }
}
