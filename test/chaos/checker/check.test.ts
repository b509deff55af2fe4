import { describe, expect, it } from '@jest/globals';
import { check } from './check.js';
import {
  type Effect,
  type Explained,
  type History,
  type LoggedEvent,
  rules,
  type Submitted,
} from './history.js';
import { shortestHistory } from './shortest.js';

const task = (id: string, more: Partial<Submitted> = {}): Submitted => ({
  ...{ id, kind: 'pull', isAccepted: true, parents: [], writes: [], reads: [], concurrency: null },
  ...more,
});
const ran = (taskId: string, run = `${taskId}1`, kind: Effect['kind'] = 'pull'): Effect => ({
  ...{ kind, taskId, run },
});

/** A log written step by step: versions, statuses and lease numbers follow by themselves, unless a step says otherwise. */
function log(...steps: readonly (readonly [step: string, more?: Partial<LoggedEvent>])[]): LoggedEvent[] {
  const status = new Map<string, string>();
  const versions = new Map<string, number>();
  const leases = new Map<string, number>();
  return steps.map(([step, more = {}], index) => {
    const [taskId = '', type = ''] = step.split(' ');
    const version = (versions.get(taskId) ?? 0) + 1;
    if (type === 'claimed') leases.set(taskId, (leases.get(taskId) ?? 0) + 1);
    const to = { enqueued: 'queued', cancelled: 'failed', retried: 'queued' }[type] ?? type;
    const from = status.get(taskId) ?? null;
    const isHeld = from === 'claimed' || from === 'running' || type === 'claimed';
    status.set(taskId, to);
    versions.set(taskId, version);
    return {
      ...{ id: index + 1, taskId, taskVersion: version, type, from, to, message: '' },
      workerId: isHeld ? 'w' : null,
      claimToken: isHeld ? `${taskId}${leases.get(taskId)}` : null,
      leaseNumber: type === 'claimed' ? (leases.get(taskId) ?? 0) : null,
      ...more,
    };
  });
}

const life = (id: string) =>
  ['enqueued', 'claimed', 'running', 'succeeded'].map((type) => [`${id} ${type}`] as const);
const history = (more: Partial<History>): History => ({
  ...{ submitted: [task('a')], events: log(...life('a')), effects: [ran('a')], explained: [] },
  ...more,
});
const broken = (given: History) => [...new Set(check(given).map(({ rule }) => rule))];

describe('a right history', () => {
  it('breaks no rule', () => expect(check(history({}))).toEqual([]));

  it('may have a claim that was lost, a second one, and two runs of which each has its key', () => {
    const events = log(
      ...[['a enqueued'], ['a claimed'], ['a running'], ['a released']].map(([step = '']) => [step] as const),
      ...[['a claimed'], ['a running'], ['a succeeded']].map(([step = '']) => [step] as const),
    );
    expect(check(history({ events, effects: [ran('a', 'a1'), ran('a', 'a2')] }))).toEqual([]);
  });

  it('may hold the same paths and keys one after the other, and read together', () => {
    const more = { writes: ['src/'], concurrency: { key: 'k', limit: 1 } };
    const submitted = [
      task('a', more),
      task('b', more),
      task('c', { reads: ['doc'] }),
      task('d', { reads: ['doc'] }),
    ];
    const events = log(
      ...life('a'),
      ...life('b'),
      ['c enqueued'],
      ['c claimed'],
      ['d enqueued'],
      ['d claimed'],
      ['c running'],
      ['d running'],
      ['c succeeded'],
      ['d succeeded'],
    );
    const effects = ['a', 'b', 'c', 'd'].map((id) => ran(id));
    expect(check({ submitted, events, effects, explained: [] })).toEqual([]);
  });

  it('may leave undone what was never answered, what says why, and what has failed', () => {
    const submitted = [
      task('a', { isAccepted: false }),
      task('b'),
      task('c', { parents: ['b'] }),
      task('d', { kind: 'push' }),
    ];
    const events = log(
      ['b enqueued'],
      ['c enqueued'],
      ['d enqueued'],
      ['d claimed'],
      ['d running'],
      ['d failed'],
    );
    const explained: Explained[] = [
      { taskId: 'b', isRunnable: false, codes: ['no_worker'], waitsFor: [] },
      { taskId: 'c', isRunnable: false, codes: ['waiting_for_dependency'], waitsFor: ['b'] },
    ];
    expect(check({ submitted, events, effects: [], explained })).toEqual([]);
  });
});

const b = task('b');
const stuck = (more: Partial<Explained>) =>
  history({
    submitted: [task('a'), task('b', { writes: ['f'] })],
    events: log(...life('a'), ['b enqueued']),
    explained: [{ taskId: 'b', isRunnable: false, codes: ['waiting_for_file'], waitsFor: [], ...more }],
  });
const twoAtOnce = (first: Partial<Submitted>, second: Partial<Submitted>) =>
  history({
    submitted: [task('a', first), task('b', second)],
    events: log(
      ['a enqueued'],
      ['b enqueued'],
      ['a claimed'],
      ['b claimed'],
      ['a running'],
      ['b running'],
      ['a succeeded'],
      ['b succeeded'],
    ),
    effects: [ran('a'), ran('b')],
  });

const wrong: readonly (readonly [what: string, rule: (typeof rules)[number], given: History])[] = [
  ['an accepted task that is gone', 'accepted-is-there', history({ submitted: [task('a'), b] })],
  [
    'a step from a status that the task did not have',
    'log-is-whole',
    history({ events: log(['a enqueued'], ['a claimed'], ['a succeeded', { from: 'running' }]) }),
  ],
  [
    'a version that was there before',
    'log-is-whole',
    history({ events: log(...life('a').slice(0, 3), ['a succeeded', { taskVersion: 3 }]) }),
  ],
  [
    'a second claim beside a live one',
    'one-claim-at-a-time',
    history({
      events: log(
        ...life('a').slice(0, 2),
        ['a claimed', { from: 'claimed' }],
        ['a running'],
        ['a succeeded'],
      ),
      effects: [ran('a', 'a2')],
    }),
  ],
  [
    'a result of a claim that was lost, while another is live',
    'only-the-holder-reports',
    history({
      events: log(
        ...life('a').slice(0, 3),
        ['a released'],
        ['a claimed'],
        ['a running'],
        ['a succeeded', { claimToken: 'a1' }],
      ),
    }),
  ],
  [
    'a result of a claim that is over',
    'only-the-holder-reports',
    history({ events: log(...life('a').slice(0, 3), ['a released'], ['a succeeded', { claimToken: 'a1' }]) }),
  ],
  [
    'a lease number that does not grow',
    'fencing-numbers-grow',
    history({
      events: log(
        ...life('a').slice(0, 3),
        ['a released'],
        ['a claimed', { leaseNumber: 1 }],
        ['a running'],
        ['a succeeded'],
      ),
    }),
  ],
  [
    'a child that is claimed before its parent has succeeded',
    'parents-before-children',
    twoAtOnce({}, { parents: ['a'] }),
  ],
  [
    'a child that succeeds although its parent failed later',
    'parents-before-children',
    history({
      submitted: [task('a'), task('b', { parents: ['a'] })],
      events: log(...life('a'), ...life('b'), ['a failed']),
      effects: [ran('a'), ran('b')],
    }),
  ],
  ['two writers of one file', 'no-conflicting-paths', twoAtOnce({ writes: ['f'] }, { writes: ['f'] })],
  ['a reader beside a writer', 'no-conflicting-paths', twoAtOnce({ writes: ['f'] }, { reads: ['f'] })],
  ['a writer beside a reader', 'no-conflicting-paths', twoAtOnce({ reads: ['f'] }, { writes: ['f'] })],
  ['a file beside its folder', 'no-conflicting-paths', twoAtOnce({ writes: ['d/f'] }, { writes: ['d/'] })],
  [
    'one too many of a key',
    'keys-within-their-limit',
    twoAtOnce({ concurrency: { key: 'k', limit: 1 } }, { concurrency: { key: 'k', limit: 1 } }),
  ],
  ['a worker that runs twice under one token', 'one-run-per-key', history({ effects: [ran('a'), ran('a')] })],
  [
    'a dispatch that runs anew under another key',
    'one-run-per-key',
    history({
      submitted: [task('a', { kind: 'push' })],
      effects: [ran('a', 'x', 'push'), ran('a', 'y', 'push')],
    }),
  ],
  [
    'a job that runs more often than it was claimed',
    'one-run-per-key',
    history({
      submitted: [task('a', { kind: 'job' })],
      effects: [ran('a', 'x', 'job'), ran('a', 'y', 'job')],
    }),
  ],
  [
    'a run under a token that nobody was given',
    'runs-are-claimed',
    history({ effects: [ran('a'), ran('a', '?')] }),
  ],
  [
    'a run of what was never claimed',
    'runs-are-claimed',
    history({
      submitted: [task('a', { kind: 'job' })],
      events: log(['a enqueued'], ['a cancelled']),
      effects: [ran('a', 'x', 'job')],
    }),
  ],
  ['a success without a run', 'success-left-its-trace', history({ effects: [] })],
  ['two ends', 'one-end', history({ events: log(...life('a'), ['a failed', { from: 'succeeded' }]) })],
  [
    'a task that could run and is left',
    'ends-or-says-why',
    stuck({ isRunnable: true, codes: ['queued_behind'] }),
  ],
  ['a task that gives no reason', 'ends-or-says-why', stuck({ codes: [] })],
  ['a task that waits for one that has ended', 'ends-or-says-why', stuck({ waitsFor: ['a'] })],
  ['a task that waits for a file that nobody has', 'ends-or-says-why', stuck({})],
  [
    'a task of which nothing is known',
    'ends-or-says-why',
    history({ submitted: [task('a'), b], events: log(...life('a'), ['b enqueued']) }),
  ],
];

describe('a wrong history', () => {
  it.each(wrong)('with %s breaks %s', (_what, rule, given) => expect(broken(given)).toContain(rule));

  it('is given of every rule', () =>
    expect([...new Set(wrong.map(([, rule]) => rule))].toSorted()).toEqual(rules.toSorted()));

  it('is shown by the fewest events that it takes', () => {
    const given = twoAtOnce({ writes: ['f'] }, { writes: ['f'] });
    const both = { ...given, submitted: [...given.submitted, task('c')] };
    expect(shortestHistory(both, check(both))).toEqual({
      violation: {
        rule: 'accepted-is-there',
        tasks: ['c'],
        text: 'c was accepted, and the log does not know it.',
      },
      lines: ['submitted c: pull, accepted'],
    });
    expect(shortestHistory(given, check(given))?.lines).toEqual([
      'submitted a: pull, accepted, writes f',
      'submitted b: pull, accepted, writes f',
      'event 1 a v1 enqueued - -> queued: ',
      'event 2 b v1 enqueued - -> queued: ',
      'event 3 a v2 claimed queued -> claimed by w token a1 lease 1: ',
      'event 4 b v2 claimed queued -> claimed by w token b1 lease 1: ',
      'event 5 a v3 running claimed -> running by w token a1: ',
      'event 6 b v3 running claimed -> running by w token b1: ',
      'event 7 a v4 succeeded running -> succeeded by w token a1: ',
      'event 8 b v4 succeeded running -> succeeded by w token b1: ',
      'trace of a: ran at a pull executor as a1',
      'trace of b: ran at a pull executor as b1',
    ]);
  });
});
