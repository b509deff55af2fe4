import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { RegistryService } from '../../src/control-plane/registry/index.js';
import { Stage } from './support.js';
import { fc } from '../support/properties.js';

let stage: Stage;
beforeAll(async () => (stage = await Stage.open()));
afterAll(() => stage.close());
beforeEach(async () => {
  await stage.clear();
  stage.api.get(RegistryService).forgetRoster();
});

describe('GET /v1/jobs/{id}/explain', () => {
  it('is the same document', async () => {
    await stage.job('t', { requiredCapabilities: ['gpu'] });
    const { status, body } = await stage.api.fetch('/v1/jobs/t/explain');
    const { checked_at, ...explained } = await stage.explain('t');
    expect([status, body]).toEqual([200, { ...explained, checked_at: expect.any(String) }]);
    expect(checked_at).not.toBe('');
  });

  it('knows jobs only', async () => {
    await stage.add('action');
    for (const id of ['action', 'none']) {
      const { status, body } = await stage.api.fetch(`/v1/jobs/${id}/explain`);
      expect([status, body.error]).toEqual([404, 'job not found']);
    }
  });

  it('says when a job fails that nobody starts, and of how many attempts it is the next', async () => {
    await stage.host('h', [], { maxParallel: 1 });
    await stage.job('t', { ttlMs: 3_600_000, maxAttempts: 3 });
    const { body } = await stage.api.fetch('/v1/jobs/t/explain');
    expect(body).toMatchObject({ expires_at: expect.any(String), attempts: 0, max_attempts: 3 });
    expect(body.summary).toContain(`It fails when no host has started it by ${body.expires_at}.`);
    await stage.hostClaim('h');
    await stage.host('h');
    const { body: again } = await stage.api.fetch('/v1/jobs/t/explain');
    expect(again).toMatchObject({ status: 'released', expires_at: null, attempts: 1, runnable: true });
  });

  it('names the routes of jobs for jobs, and those of tasks for tasks', async () => {
    await stage.host('h');
    await stage.job('p');
    await stage.add('a');
    await stage.job('t', { dependencies: ['p', 'a'] });
    const [reason] = (await stage.explain('t')).reasons;
    expect(reason?.unblock.map(({ path }) => path)).toEqual(['/v1/jobs/p/explain', '/v1/tasks/a/explain']);
  });
});

describe('a job that is handed in', () => {
  const submit = async (...requiredCapabilities: string[]) =>
    (
      await stage.api.post('/v1/jobs', {
        payload: { kind: 'shell', command: 'true' },
        requirement: { requiredCapabilities },
      })
    ).body;

  it('is answered with a warning when no host could ever take it', async () => {
    await stage.worker('w', ['gpu']);
    expect((await submit()).warnings).toEqual(['It can never run as things stand: No host is registered.']);
    await stage.host('h', ['shell']);
    expect(await submit('shell')).not.toHaveProperty('warnings');
    const { job, warnings } = await submit(' gpu ');
    const never = "No registered host has the capability 'gpu'.";
    expect(warnings).toEqual([`It can never run as things stand: ${never}`]);
    expect((await stage.explain(job.id)).never_reason).toBe(never);
  });

  it('is answered with a warning while the queue is paused', async () => {
    await stage.host('h');
    await stage.pause('queue');
    expect((await submit()).warnings).toEqual([
      expect.stringMatching(/^The queue is paused since .* \(Later\.\)/),
    ]);
  });
});

const CAPABILITIES = ['gpu', 'ssd'];
const HOSTS = ['plain', 'gpu', 'both'];
const which = fc.nat(20);
const by = fc.constantFrom(...HOSTS);
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('add' as const),
      priority: fc.constantFrom(0, 0, 1),
      requiredCapabilities: fc.subarray(CAPABILITIES),
      after: fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: which }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('claim' as const), by }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('complete' as const), which }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('lease over' as const), which }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), by }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('cordon' as const, 'drain' as const, 'uncordon' as const),
      by,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('pause' as const, 'resume' as const) }) },
);

it('what a look, a claim of each host and an explanation say of a job is the same, whatever came before', async () => {
  const register = (name: string) =>
    stage.host(name, name === 'both' ? CAPABILITIES : name === 'gpu' ? ['gpu'] : [], {
      maxParallel: name === 'both' ? 2 : 1,
    });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 25 }), async (steps) => {
      await stage.clear();
      await stage.worker('worker', CAPABILITIES);
      for (const name of HOSTS) await register(name);
      await stage.add('action');
      const ids: string[] = [];
      const held: Awaited<ReturnType<Stage['hostClaim']>>[] = [];
      for (const [index, one] of steps.entries()) {
        if (one.kind === 'add') {
          const { after, priority, requiredCapabilities } = one;
          const parent = after === null ? undefined : ids[after];
          const dependencies = parent === undefined ? [] : [parent];
          await stage.job(`j${index}`, { priority, requiredCapabilities, dependencies });
          ids.push(`j${index}`);
        } else if (one.kind === 'claim') {
          const claimed = await stage.hostClaim(one.by).catch(() => undefined);
          if (claimed !== undefined) held.push(claimed);
        } else if (one.kind === 'complete') {
          const [claimed] = held.splice(one.which, 1);
          if (claimed !== undefined)
            await stage.api.post(`/v1/jobs/${claimed.id}/complete`, { ...claimed, success: true });
        } else if (one.kind === 'lease over') {
          await stage.api.query(
            `update tasks set lease_expires_at = now() - interval '1 second' where id = $1 and holder = 'host'`,
            [held[one.which]?.id ?? ''],
          );
        } else if (one.kind === 'restart') {
          await register(one.by);
        } else if (one.kind === 'pause' || one.kind === 'resume') {
          await stage.pause('queue', one.kind);
        } else if ('by' in one) {
          await stage.order(one.by, one.kind);
        }
        for (const id of HOSTS) {
          const host = { holder: 'host', id } as const;
          expect([index, id, await stage.claimInVain(host)]).toEqual([index, id, await stage.next(host)]);
        }
      }
      const next = new Set<string | null>();
      for (const { name, claimer } of await stage.everybody()) {
        const shown = await stage.next(claimer);
        expect([name, await stage.claimInVain(claimer)]).toEqual([name, shown]);
        next.add(shown);
      }
      for (const id of ids) {
        const { runnable, reasons } = await stage.explain(id);
        expect([id, runnable]).toEqual([id, next.has(id)]);
        expect([id, reasons.length > 0 || runnable]).toEqual([id, true]);
      }
    }),
    { numRuns: 10 },
  );
}, 60_000);
