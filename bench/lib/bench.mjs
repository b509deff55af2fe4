// A run: who takes part, in which order they are measured, and what came out.
import { hasTarget } from './targets.mjs';
import { makeContender } from '../contenders/index.mjs';
import { NotThere } from './contender.mjs';
import { Meter } from './meter.mjs';
import { median } from './median.mjs';

/** @typedef {import('./contender.mjs').Contender} Contender */
/** @typedef {import('./meter.mjs').Outcome} Outcome */
/**
 * One line of a comparison. `prepare` is not measured, and `count` is smaller when warming up.
 * @typedef {object} Entry
 * @property {string} label
 * @property {string} contender
 * @property {number} count
 * @property {(contender: Contender, count: number) => Promise<unknown>} prepare
 * @property {(contender: Contender, count: number) => Promise<Outcome>} run
 * @property {boolean} [cold] no warm-up
 */
/**
 * @typedef {object} Line what is known of an entry: its figures by round and their medians, or why there are none
 * @property {string} label
 * @property {Record<string, number>[]} rounds
 * @property {Record<string, number>} median
 * @property {string} [note]
 */
/** @typedef {{ case: string, variant: string, lines: Line[] }} Comparison */

export class Bench {
  /** @type {Comparison[]} */
  comparisons = [];
  #contenders = new Map();
  /** Which entries each contender has been warmed up for in this case. @type {Map<Contender, Set<string>>} */
  #warm = new Map();
  #ended = false;
  #case = '';
  #meter;

  /**
   * @param {import('./cluster.mjs').Cluster} cluster @param {typeof import('./sizes.mjs').sizes.full} sizes
   * @param {import('./progress.mjs').Progress} progress
   */
  constructor(cluster, sizes, progress) {
    this.cluster = cluster;
    this.sizes = sizes;
    this.progress = progress;
    this.#meter = new Meter(cluster);
  }

  /** @param {{ name: string, run: (bench: Bench) => Promise<void> }} subject */
  async runCase(subject) {
    this.#case = subject.name;
    this.#warm.clear();
    await subject.run(this);
  }

  /** The contender of that name, started when it is not. @param {string} name @returns {Promise<Contender>} */
  async contender(name) {
    const known = this.#contenders.get(name);
    if (known !== undefined) return known;
    if (this.#ended) throw new Error('The run is ending.');
    const contender = makeContender(name, this.cluster);
    this.#contenders.set(name, contender);
    try {
      await contender.start();
      await contender.warmUp(this.sizes.firstWarmUp);
      return contender;
    } catch (error) {
      await this.retire(name);
      throw error;
    }
  }

  /** Ends a contender, so that the next one of its name begins with nothing. @param {string} name */
  async retire(name) {
    const contender = this.#contenders.get(name);
    this.#contenders.delete(name);
    await contender?.stop();
  }

  /** Ends everybody, and lets nobody start any more. */
  async end() {
    this.#ended = true;
    for (const name of [...this.#contenders.keys()]) await this.retire(name);
  }

  /** Measures the entries in turn, round after round. @param {string} variant @param {Entry[]} entries */
  async compare(variant, entries) {
    /** @type {Line[]} */
    const lines = entries.map(({ label }) => ({ label, rounds: [], median: {} }));
    this.comparisons.push({ case: this.#case, variant, lines });
    await this.cluster.admin.query('checkpoint');
    const rounds = hasTarget({ case: this.#case, variant })
      ? Math.max(this.sizes.rounds, this.sizes.targetRounds)
      : this.sizes.rounds;
    for (let round = 1; round <= rounds; round++) {
      for (const [index, entry] of entries.entries()) {
        const line = lines[index];
        if (line.note !== undefined || this.#ended) continue;
        const about = `${this.#case} · ${variant} · round ${round}/${rounds} · ${entry.label}`;
        this.progress.doing(about);
        try {
          const figures = await this.#measure(entry);
          line.rounds.push(figures);
          this.progress.did(about, `${Math.round(figures.rate).toLocaleString('en')}/s`);
        } catch (error) {
          line.note = error instanceof NotThere ? error.message : `failed: ${error.message}`;
          this.progress.did(about, line.note);
          // What it was doing may go on; the next entry shall not share the machine with it.
          if (!(error instanceof NotThere)) await this.retire(entry.contender);
        }
      }
    }
    for (const line of lines) line.median = medians(line.rounds);
  }

  /** @param {Entry} entry */
  async #measure({ label, contender: name, count, prepare, run, cold }) {
    const contender = await this.contender(name);
    const warm = this.#warm.get(contender) ?? new Set();
    this.#warm.set(contender, warm);
    if (cold !== true && !warm.has(label)) {
      const few = Math.min(count, this.sizes.warmUp);
      await prepare(contender, few);
      await run(contender, few);
      await contender.flush();
      warm.add(label);
    }
    await prepare(contender, count);
    return this.#meter.measure(contender, () => run(contender, count));
  }
}

/** @param {Record<string, number>[]} rounds */
function medians(rounds) {
  const names = [...new Set(rounds.flatMap((figures) => Object.keys(figures)))];
  return Object.fromEntries(
    names.map((name) => [
      name,
      median(rounds.map((figures) => figures[name]).filter((value) => value !== undefined)),
    ]),
  );
}
