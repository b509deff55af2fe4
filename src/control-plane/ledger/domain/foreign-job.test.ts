import { describe, expect, it } from '@jest/globals';
import { parentsFirst } from './foreign-job.js';

const job = (id: string, dependencies: string[] = [], status: 'queued' | 'failed' = 'queued') => ({
  ...{ id, dependencies, status },
});
const ordered = (...jobs: ReturnType<typeof job>[]) => {
  const result = parentsFirst(jobs);
  return result.ok ? result.jobs.map(({ id }) => id) : { circle: result.ids };
};

describe('jobs that come together', () => {
  it('keep their order, but for those that must stand behind others', () => {
    expect(ordered(job('a'), job('b', ['d', 'elsewhere']), job('c'), job('d', ['c']))).toEqual([
      ...['a', 'c', 'd', 'b'],
    ]);
  });

  it('must not wait for each other', () => {
    expect(ordered(job('a', ['b']), job('b', ['c']), job('c', ['b']))).toEqual({ circle: ['b', 'c'] });
    expect(ordered(job('a', ['a']))).toEqual({ circle: ['a'] });
  });

  it('wait for nothing when they have ended', () => {
    expect(ordered(job('a', ['b'], 'failed'), job('b', ['a']))).toEqual(['a', 'b']);
  });

  it('may be a long chain', () => {
    const jobs = Array.from({ length: 20_000 }, (_, n) => job(`j${n}`, n < 19_999 ? [`j${n + 1}`] : []));
    expect(parentsFirst(jobs)).toMatchObject({ ok: true });
  });
});
