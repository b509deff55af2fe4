import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { isLong, limitMs } from '../support/long.js';
import { Stage } from './support.js';
import { fc } from '../support/properties.js';

let stage: Stage;
beforeAll(async () => (stage = await Stage.open()));
afterAll(() => stage.close());

const FILES = ['a', 'b', 'src/', 'src/x', 'src/*.ts'];
const CAPABILITIES = ['gpu', 'ssd'];

const key = fc.constantFrom(
  ...[{}, {}, {}],
  ...[1, 1, 2].map((concurrency_limit) => ({ concurrency_key: 'k', concurrency_limit })),
  { concurrency_key: 'l' },
);
const task = fc.record({
  kind: fc.constant('add' as const),
  priority: fc.constantFrom(0, 0, 0, 1),
  project_id: fc.constantFrom('default', 'default', 'other', 'Übrige'),
  required_files: fc.oneof(
    { weight: 5, arbitrary: fc.subarray(FILES, { minLength: 1, maxLength: 2 }) },
    { weight: 1, arbitrary: fc.constant<string[]>([]) },
  ),
  key,
  read_files: fc.subarray(FILES, { maxLength: 1 }),
  required_capabilities: fc.oneof(
    { weight: 19, arbitrary: fc.constant<string[]>([]) },
    fc.subarray(CAPABILITIES),
  ),
  delivery: fc.constantFrom(...Array<string>(12).fill('any'), 'pull', 'push'),
  after: fc.oneof({ weight: 5, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.nat(20) }),
});
const step = fc.oneof(
  { weight: 2, arbitrary: task },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('claim' as const), by: fc.nat(2) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('end', 'give back'), which: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), which: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('rest' as const), which: fc.nat(20) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('pause' as const, 'resume' as const),
      what: fc.constantFrom(
        'queue',
        'gateways/g',
        'projects/default',
        'projects/other',
        `projects/${encodeURIComponent('Übrige')}`,
      ),
    }),
  },
);

const PLAIN = { holder: 'worker', id: 'w', capabilities: null } as const;

it(
  'what next, a claim and an explanation say of a task is the same, whatever came before',
  async () => {
    const workers = ['w', 'gpu', 'both'];
    await fc.assert(
      fc.asyncProperty(
        fc.array(task, { minLength: 3, maxLength: 8 }),
        fc.array(step, { minLength: 5, maxLength: 20 }),
        async (first, later) => {
          const steps = [...first, ...later];
          await stage.clear();
          await stage.worker('w');
          await stage.worker('gpu', ['gpu']);
          await stage.worker('both', CAPABILITIES);
          await stage.openGateway('g');
          const ids: string[] = [];
          const held: Awaited<ReturnType<Stage['claim']>>[] = [];
          for (const [index, one] of steps.entries()) {
            expect([index, await stage.claimInVain(PLAIN)]).toEqual([index, await stage.next(PLAIN)]);
            if (one.kind === 'add') {
              const { after, key: keyed, ...more } = one;
              const parent = after === null ? undefined : ids[after];
              await stage.add(`t${index}`, {
                ...more,
                ...keyed,
                dependencies: parent === undefined ? [] : [parent],
              });
              ids.push(`t${index}`);
            } else if (one.kind === 'claim') {
              const claimed = await stage.claim(workers['by' in one ? one.by : 0]).catch(() => undefined);
              if (claimed !== undefined) held.push(claimed);
            } else if (one.kind === 'pause' || one.kind === 'resume') {
              if ('what' in one) await stage.pause(one.what, one.kind);
            } else if (one.kind === 'cancel' || one.kind === 'rest') {
              const id = ids['which' in one ? one.which : 0];
              if (id !== undefined && one.kind === 'cancel') await stage.api.post(`/v1/tasks/${id}/cancel`);
              // Its rest is over, and nobody has noticed yet.
              if (id !== undefined && one.kind === 'rest')
                await stage.api.query(
                  `update tasks set gate = 3, next_attempt_at = now() - interval '1 second' where id = $1 and gate = 0
                 and concurrency_key is null and not exists (select from file_waits w where w.task_seq = seq)`,
                  [id],
                );
            } else {
              const [claimed] = held.splice('which' in one ? one.which : 0, 1);
              if (claimed === undefined) continue;
              if (one.kind === 'end') await stage.api.post(`/v1/tasks/${claimed.id}/start`, claimed.proof);
              const verb = one.kind === 'end' ? 'complete' : 'release';
              await stage.api.post(`/v1/tasks/${claimed.id}/${verb}`, claimed.proof);
            }
          }
          const next: (string | null)[] = [];
          for (const { name, claimer } of await stage.everybody()) {
            const shown = await stage.next(claimer);
            expect([name, await stage.claimInVain(claimer)]).toEqual([name, shown]);
            next.push(shown);
          }
          for (const id of ids) {
            const { runnable, reasons } = await stage.explain(id);
            expect([id, runnable]).toEqual([id, next.includes(id)]);
            expect([id, reasons.length > 0 || runnable]).toEqual([id, true]);
          }
        },
      ),
      { numRuns: isLong ? 200 : 10 },
    );
  },
  limitMs(60_000),
);
