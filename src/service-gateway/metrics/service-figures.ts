import { Distribution } from '../../platform/metrics/distribution.js';

/** Upper bounds in seconds of the time to the head of an answer. */
const LATENCY_BOUNDS_S: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];

/** Why a request was not answered with a status: its caller had gone. */
export const ABANDONED = 0;

/** What happened to the requests of one service since it came into the list. */
export class ServiceFigures {
  /** By the first digit of the status; {@link ABANDONED} for none. */
  readonly answers: number[] = [0, 0, 0, 0, 0, 0];
  /** Seconds from a request to the head of its answer. */
  readonly latency = new Distribution(LATENCY_BOUNDS_S);
  retries = 0;
  retriesRefused = 0;
  ejections = 0;

  count(status: number): void {
    const place = (status / 100) | 0;
    this.answers[place] = (this.answers[place] ?? 0) + 1;
  }
}
