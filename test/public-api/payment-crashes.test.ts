import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PaymentsLoop } from '../../src/control-plane/public-api/payments.loop.js';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';
import { Program } from '../support/program.js';
import { Facilitator, newNonce, paidV2, PRICE } from './facilitator.js';
import { bearer, type HeldLock, holdLock, makeKey, once, submit } from './fixture.js';

const never = new Promise<void>(() => undefined);

/** Has every change of a payment wait for whoever holds the lock of the state that it leads to. */
const STOPS = `
  create function stop_there() returns trigger language plpgsql as $$
  begin
    perform pg_advisory_xact_lock_shared(402, hashtext(new.state || case when new.job_id is null then '' else '+job' end));
    return new;
  end $$;
  create trigger stop_there before insert or update on public_payments for each row execute function stop_there();
`;
const at = (state: string) => `select pg_advisory_xact_lock(402, hashtext('${state}'))`;

/**
 * Where a request ends in the middle, by the death of its replica or by the loss of its connection to the database, and
 * whether the payment has been taken by then.
 */
const POINTS = [
  { name: 'loses the database while the payment is recorded', lock: at('verified'), isTaken: false },
  { name: 'loses the database before the payment is settled', lock: at('settling'), isTaken: false },
  {
    name: 'is killed while it is settled, before it is taken',
    isKilled: true,
    settles: { until: never, first: 'wait' },
    isTaken: false,
  },
  {
    name: 'is killed while it is settled, after it is taken',
    isKilled: true,
    settles: { until: never, first: 'take' },
    isTaken: true,
  },
  {
    name: 'is killed before it is recorded that it is settled',
    isKilled: true,
    lock: at('settled'),
    isTaken: true,
  },
  {
    name: 'is killed in the transaction that hands in its job',
    isKilled: true,
    lock: at('settled+job'),
    isTaken: true,
  },
  {
    name: 'loses the database before the answer is kept',
    ...{ lockLate: 'lock table idempotency_keys in exclusive mode', isTaken: true },
  },
] as const;

describe('a replica that', () => {
  let facilitator: Facilitator;
  let api: TestControlPlane;
  let other: TestControlPlane;
  const victims: (Promise<{ readonly program: Program; readonly url: string }> | undefined)[] = [];
  let env: Record<string, string>;
  beforeAll(async () => {
    facilitator = await Facilitator.start();
    env = {
      SKYCLAW_X402_FACILITATOR_URL: facilitator.url,
      SKYCLAW_X402_TIMEOUT_MS: '10000',
      SKYCLAW_PUBLIC_URL: 'https://api.example',
    };
    api = await startTestControlPlane({ env });
    other = await startTestControlPlane({ env, databaseUrl: api.databaseUrl });
    await api.query(STOPS);
    void nextVictim(0);
  });
  afterAll(async () => {
    for (const victim of await Promise.all(victims.filter((one) => one !== undefined))) {
      await victim.program.kill('SIGKILL');
    }
    await other.close();
    await api.close();
    await facilitator.close();
  });

  /** A replica that is going to be killed, as a process of its own. */
  function victim(index: number) {
    return (victims[index] ??= (async () => {
      const program = Program.start('skynet', ['serve'], {
        ...{ ...env, DATABASE_URL: api.databaseUrl, SKYNET_PORT: '0', SKYNET_LOG_LEVEL: 'silent' },
        ...{ SKYCLAW_COORDINATOR_NODE_ID: `victim-${index}`, SKYNET_DB_POOL_SIZE: '4' },
      });
      return { program, url: await program.line(/SKYNET control plane: (\S+)/) };
    })());
  }

  /** Starts the replica of the next point that kills one, so that it is there by then. */
  function nextVictim(from: number): Promise<unknown> {
    const index = POINTS.findIndex((point, n) => n >= from && 'isKilled' in point);
    return index === -1 ? Promise.resolve() : victim(index);
  }

  /** Kills a replica, and has the server notice at once: what it had not committed is undone. */
  async function kill(index: number): Promise<void> {
    const { program } = await victim(index);
    await program.kill('SIGKILL');
    const name = `skynet/victim-${index}`;
    await api.query('select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1', [
      name,
    ]);
    await eventually('the replica is gone', async () => {
      const left = await api.query('select 1 from pg_stat_activity where application_name = $1', [name]);
      return left.length === 0 ? true : undefined;
    });
  }

  it.each(POINTS.map((point, index) => ({ ...point, index })))(
    '$name loses no payment, takes none twice, and gives one job',
    async (point) => {
      const { url } = 'isKilled' in point ? await victim(point.index) : other;
      void nextVictim(point.index + 1);
      const { secret, key } = await makeKey(api, { price: PRICE });
      const nonce = newNonce();
      const headers = { ...paidV2(nonce), ...once() };
      const body = { payload: { kind: 'openclaw-run', args: [nonce] } };
      const jobs = () =>
        api.query<{ job_id: string }>('select job_id from public_jobs where key_id = $1', [key.id]);

      let lock: HeldLock | undefined;
      let goOn = (): void => undefined;
      if ('lock' in point) lock = await holdLock(api, point.lock);
      if ('settles' in point) facilitator.script.settle.push(point.settles);
      if ('lockLate' in point) {
        const until = new Promise<void>((done) => (goOn = done));
        facilitator.script.settle.push({ until, first: 'take' });
      }
      const lost = fetch(`${url}/v1/public/jobs`, {
        method: 'POST',
        headers: { ...bearer(secret), ...headers, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }).then(
        ({ status }) => status,
        () => 'lost',
      );
      const reached = () =>
        eventually('the facilitator is asked to settle', () =>
          Promise.resolve(facilitator.of('settle', nonce).length === 1 ? true : undefined),
        );
      if ('settles' in point) await reached();
      if ('lockLate' in point) {
        await reached();
        lock = await holdLock(api, point.lockLate);
        goOn();
      }
      const stopped = (await lock?.someoneWaits()) ?? [];
      if ('isKilled' in point) await kill(point.index);
      else await api.query('select pg_terminate_backend(pid) from unnest($1::int[]) as pid', [stopped]);
      await lock?.release();
      expect(await lost).toBe('isKilled' in point ? 'lost' : 503);
      expect(facilitator.taken.has(nonce)).toBe(point.isTaken);

      // The lease of the attempt that was under way is over.
      const due = () => api.query('update public_payments set due_at = now() where key_id = $1', [key.id]);
      if (point.isTaken) {
        await eventually('the payment has its job, though nobody asks', async () => {
          await due();
          api.get(PaymentsLoop).nudge();
          return (await jobs()).length > 0 ? true : undefined;
        });
      } else {
        expect(await jobs()).toEqual([]);
        if ('settles' in point) await due();
      }
      const again = await submit(api, secret, body, headers);
      expect(again.status).toBe(200);
      expect((await submit(api, secret, body, headers)).text).toBe(again.text);
      expect(await jobs()).toEqual([{ job_id: again.body.job.id }]);
      expect(facilitator.taken.has(nonce)).toBe(true);
      const [payment] = await api.query('select state, job_id from public_payments where key_id = $1', [
        key.id,
      ]);
      expect(payment).toEqual({ state: 'settled', job_id: again.body.job.id });
      const [used] = await api.query('select jobs from public_months where key_id = $1', [key.id]);
      expect(Number(used?.['jobs'])).toBe(1);
      const [handedIn] = await api.query('select count(*) as n from tasks where params::text like $1', [
        `%${nonce}%`,
      ]);
      expect(Number(handedIn?.['n'])).toBe(1);
    },
  );
});
