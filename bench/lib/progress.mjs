// What a person sees on stderr while the run goes on.

export class Progress {
  #began = performance.now();
  #isTerminal = process.stderr.isTTY === true;

  /** @param {string} text */
  doing(text) {
    if (this.#isTerminal) process.stderr.write(`\r\x1b[K${this.#clock()} ${text} …`);
  }

  /** @param {string} text @param {string} outcome */
  did(text, outcome) {
    process.stderr.write(`${this.#isTerminal ? '\r\x1b[K' : ''}${this.#clock()} ${text}: ${outcome}\n`);
  }

  /** @param {string} text */
  say(text) {
    process.stderr.write(`${this.#isTerminal ? '\r\x1b[K' : ''}${this.#clock()} ${text}\n`);
  }

  get seconds() {
    return (performance.now() - this.#began) / 1_000;
  }

  #clock() {
    const seconds = Math.floor(this.seconds);
    return `${String(Math.floor(seconds / 60)).padStart(3)}:${String(seconds % 60).padStart(2, '0')}`;
  }
}
