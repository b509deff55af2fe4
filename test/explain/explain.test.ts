import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { cases } from './situations/index.js';
import { Stage } from './support.js';

let stage: Stage;
beforeAll(async () => (stage = await Stage.open()));
afterAll(() => stage.close());
beforeEach(() => stage.clear());

describe('a task that waits because', () => {
  it.each(cases)('$name is explained, and claims agree', async ({ setUp, reasons, runnable, never }) => {
    await setUp(stage);
    const explanation = await stage.explain('t');
    const expected = Object.entries(reasons).flatMap(([code, of]) =>
      [of].flat().map((say) => ({ code, say })),
    );
    expect(explanation.reasons.map(({ code }) => code).sort()).toEqual(
      expected.map(({ code }) => code).sort(),
    );
    for (const { code, message, details } of explanation.reasons) {
      const index = expected.findIndex((one) => one.code === code);
      expect(details).toMatchObject(expected.splice(index, 1)[0]?.say ?? {});
      expect(message).toMatch(/^[A-Z].*[^.][.!?…]$/);
    }
    expect(explanation).toMatchObject({ runnable: runnable ?? false, never: never ?? false });
    expect(explanation.never_reason === null).toBe(never === undefined);
    expect(explanation.summary).not.toBe('');

    const next = new Map<string, string | null>();
    for (const { name, claimer } of await stage.everybody()) {
      next.set(name, await stage.next(claimer));
      expect([name, await stage.claimInVain(claimer)]).toEqual([name, next.get(name)]);
    }
    expect([...next.values()].includes('t')).toBe(explanation.runnable);
  });
});

describe('the route', () => {
  it.each(['none', '%00', '..%2F..', "'%20or%201=1--", '%F0%9F%92%A9', 'x'.repeat(1_000), '%2525'])(
    'knows no task %s',
    async (id) => {
      const { status, body } = await stage.api.fetch(`/v1/tasks/${id}/explain`);
      expect([status, body.detail]).toEqual([404, 'Task not found']);
    },
  );

  it.each(['a/b', "it's", '%', 'ä ö', '../x', '"quoted"', '💩'.repeat(100), 'explain'])(
    'knows the task %s',
    async (id) => {
      await stage.add('parent');
      await stage.add(id, { dependencies: ['parent'] });
      expect(await stage.explain(id)).toMatchObject({ task_id: id, status: 'queued' });
      await stage.add('child', { dependencies: [id] });
      const [reason] = (await stage.explain('child')).reasons;
      for (const call of reason?.unblock ?? []) expect(await stage.make(call)).toBe(200);
    },
  );

  it('changes nothing', async () => {
    await stage.add('o', { required_files: ['a'] });
    await stage.add('t', { required_files: ['a'] });
    await stage.claim();
    const before = await stage.api.query('select * from tasks order by seq');
    await stage.explain('t');
    expect(await stage.api.query('select * from tasks order by seq')).toEqual(before);
    expect(await stage.api.query('select * from file_waits')).toEqual([]);
  });
});
