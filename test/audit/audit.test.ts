import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { pruneEntries } from '../../src/control-plane/audit/audit.queries.js';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { type Json } from '../support/json.js';
import { ScriptableGateway } from '../support/scriptable-gateway.js';
import { type Act, HIDDEN, startWithSubjects } from './acts.js';

const HOLDER = 'work of whoever holds a claim, which the log of events tells of';
const INTAKE = 'work that is handed in, which the log of events tells of';
const SELF = 'a program that says of itself that it is there';
const OUTSIDER = 'a call by a key of the public API, whose jobs are counted and logged';

/** Routes that change something and are no administrative acts, each with the reason. */
const WORK: Readonly<Record<string, string>> = {
  'POST /v1/tasks/enqueue': INTAKE,
  'POST /v1/tasks/batch': INTAKE,
  'POST /v1/jobs': INTAKE,
  'POST /v1/tasks/claim': HOLDER,
  'POST /v1/tasks/start': HOLDER,
  'POST /v1/tasks/renew': HOLDER,
  'POST /v1/tasks/complete': HOLDER,
  'POST /v1/tasks/release': HOLDER,
  'POST /v1/tasks/{id}/start': HOLDER,
  'POST /v1/tasks/{id}/renew': HOLDER,
  'POST /v1/tasks/{id}/complete': HOLDER,
  'POST /v1/tasks/{id}/release': HOLDER,
  'POST /v1/files/claim': HOLDER,
  'POST /v1/files/release': HOLDER,
  'POST /v1/jobs/{id}/renew': HOLDER,
  'POST /v1/jobs/{id}/complete': HOLDER,
  'POST /v1/jobs/{id}/logs': HOLDER,
  'POST /v1/hosts/{id}/claim': HOLDER,
  'POST /v1/hosts/{id}/services/claim': HOLDER,
  'POST /v1/services/{id}/report': HOLDER,
  'POST /v1/services/{id}/logs': HOLDER,
  'POST /v1/gateways/{gateway_id}/heartbeat': SELF,
  'POST /v1/register-worker': SELF,
  'POST /v1/workers/{id}/heartbeat': SELF,
  'POST /v1/hosts/register': SELF,
  'POST /v1/hosts/{id}/heartbeat': SELF,
  'POST /v1/network/join': SELF,
  'POST /v1/public/jobs': OUTSIDER,
  'POST /v1/public/jobs/{id}/cancel': OUTSIDER,
};

let gateway: ScriptableGateway;
let api: TestControlPlane;
let acts: readonly Act[];
beforeAll(async () => {
  gateway = await ScriptableGateway.start();
  ({ api, acts } = await startWithSubjects(gateway));
});
afterAll(async () => {
  await api.close();
  await gateway.close();
});

const entries = async (query = 'limit=1000'): Promise<Json[]> =>
  (await api.fetch(`/v1/audit?${query}`)).body.entries;
const perform = ({ route, path, body }: Act, headers: Record<string, string> = {}) =>
  api.call(route.split(' ')[0] ?? '', path, route.startsWith('DELETE') ? undefined : (body ?? {}), headers);

/** What the database holds of all that acts may change, but for what changes by itself. */
async function holdings(): Promise<string> {
  const tables = await api.query<{ name: string }>(
    `select c.relname::text as name from pg_class c
     where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and c.relname not like 'events%'
       and c.relname not in ('audit_entries', 'replicas', 'idempotency_keys') order by 1`,
  );
  const volatile = `array['last_heartbeat', 'last_probe_at', 'last_seen_at', 'updated_at']`;
  const found: string[] = [];
  for (const { name } of tables) {
    const [row] = await api.query<{ held: string }>(
      `select coalesce(md5(string_agg(r.text, '' order by r.text)), '') as held
       from (select (to_jsonb(t) - ${volatile})::text as text from ${name} t) r`,
    );
    found.push(`${name} ${row?.held ?? ''}`);
  }
  return found.join('\n');
}

describe('the audit trail', () => {
  it('knows of every route that changes something whether it is an administrative act', () => {
    const { paths } = parse(readFileSync('openapi.yaml', 'utf8')) as { paths: Record<string, object> };
    const changing = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods)
        .filter((method) => method !== 'get')
        .map((method) => `${method.toUpperCase()} ${path}`),
    );
    const known = [...acts.map(({ route }) => route), ...Object.keys(WORK)];
    expect(changing.filter((route) => !known.includes(route))).toEqual([]);
    expect(known.filter((route) => !changing.includes(route))).toEqual([]);
    expect(acts.filter(({ route }) => route in WORK)).toEqual([]);
  });

  it('lets no act be done of which it cannot tell', async () => {
    await api.query(`alter table audit_entries add constraint none check (false) not valid`);
    const before = await holdings();
    const calls = gateway.executions.size;
    for (const act of acts) {
      expect([act.route, (await perform(act)).status]).toEqual([act.route, 500]);
      expect([act.route, await holdings()]).toEqual([act.route, before]);
    }
    // A credential is stored before the gateway is looked at.
    const withCredential = {
      ...{ gateway_id: 'claw', host: gateway.url, protocol: 'openclaw', credential: HIDDEN },
    };
    expect((await api.post('/v1/register-gateway', withCredential)).status).toBe(500);
    expect(await holdings()).toBe(before);
    expect(gateway.executions.size).toBe(calls);
    await api.query(`alter table audit_entries drop constraint none`);
  });

  it('tells of every act: what, to what, by whom, from where, and never a secret', async () => {
    for (const act of acts) {
      const [before] = await entries('limit=1');
      const headers = { 'x-forwarded-for': '203.0.113.7', 'x-request-id': `req-${act.action}` };
      const reply = await perform(act, headers);
      expect([act.route, reply.status, reply.text]).toEqual([act.route, act.status ?? 200, reply.text]);
      const [entry, ...others] = (await entries('limit=5')).filter(({ id }) => id > (before?.id ?? 0));
      expect(others).toEqual([]);
      expect(entry).toEqual({
        ...{ id: expect.any(Number), at: expect.any(String), action: act.action },
        subject: act.subject ?? expect.stringMatching(/./),
        ...{ actor_kind: 'anonymous', actor: 'anonymous', client_ip: '203.0.113.7' },
        ...{ request_id: `req-${act.action}`, detail: act.detail ?? {} },
      });
    }
    const withCredential = {
      ...{ gateway_id: 'claw', host: gateway.url, protocol: 'openclaw', credential: HIDDEN },
    };
    expect((await api.post('/v1/register-gateway', withCredential)).status).toBe(200);
    expect((await entries('subject=claw')).map(({ action }) => String(action))).toEqual([
      'gateway.register',
      'gateway.credential',
    ]);
    const rows = await api.query(`select to_jsonb(e)::text from audit_entries e`);
    expect(JSON.stringify(rows)).not.toContain(HIDDEN);
  });

  it('tells of an act once, however often it is repeated, and of none that was refused', async () => {
    const header = { 'x-idempotency-key': 'once' };
    const count = async () => (await entries()).length;
    const before = await count();
    await api.post('/v1/projects/repeated/pause', { reason: 'x' }, header);
    await api.post('/v1/projects/repeated/pause', { reason: 'x' }, header);
    expect(await count()).toBe(before + 1);
    expect((await api.post('/v1/gateways/unknown/drain')).status).toBe(404);
    expect((await api.call('DELETE', '/v1/schedules/unknown')).status).toBe(404);
    expect((await api.post('/v1/schedules', { cron: 'nonsense', task: {} })).status).toBe(422);
    expect((await api.post('/v1/register-gateway', { gateway_id: 'x', host: 'ftp://x' })).status).toBe(400);
    expect(await count()).toBe(before + 1);
  });

  it('is read by actor, action, subject and time, in pages, and exported whole', async () => {
    const all = await entries();
    expect(all.map(({ id }) => Number(id))).toEqual(all.map(({ id }) => Number(id)).sort((a, b) => b - a));
    const of = (wanted: (entry: Json) => boolean) => all.filter(wanted);
    expect(await entries('limit=1000&action=queue.pause')).toEqual(
      of(({ action }) => action === 'queue.pause'),
    );
    expect(await entries('limit=1000&action=webhook.*')).toEqual(
      of(({ action }) => String(action).startsWith('webhook.')),
    );
    expect(await entries('limit=1000&subject=h&actor=anonymous')).toEqual(
      of(({ subject }) => subject === 'h'),
    );
    expect(await entries('actor=nobody')).toEqual([]);
    const middle = String(all[10]?.at);
    const at = encodeURIComponent(middle);
    expect(await entries(`limit=1000&since=${at}`)).toEqual(of((entry) => entry.at >= middle));
    expect(await entries(`limit=1000&until=${at}`)).toEqual(of((entry) => entry.at < middle));
    const paged: Json[] = [];
    for (let cursor = ''; ;) {
      const { body } = await api.fetch(`/v1/audit?limit=7${cursor}`);
      paged.push(...(body.entries as Json[]));
      if (body.next_cursor === undefined) break;
      cursor = `&cursor=${String(body.next_cursor)}`;
    }
    expect(paged).toEqual(all);
    const exported = await api.fetch('/v1/audit?format=ndjson&limit=1');
    expect(exported.headers['content-type']).toBe('application/x-ndjson; charset=utf-8');
    expect(exported.text.endsWith('\n')).toBe(true);
    const lines = exported.text.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([...all].reverse());
    expect((await api.fetch('/v1/audit?format=ndjson&actor=nobody')).text).toBe('');
    expect((await api.fetch('/v1/audit?since=yesterday')).status).toBe(422);
  });

  it('exports more entries than one page of the database holds', async () => {
    await api.query(
      `insert into audit_entries (action, subject, actor_kind, actor, client_ip, request_id)
       select 'made.up', n::text, 'k', 'a', 'ip', 'r' from generate_series(1, 1201) n`,
    );
    const lines = (await api.fetch('/v1/audit?format=ndjson&action=made.*')).text.trim().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { readonly subject: string }).subject)).toEqual(
      Array.from({ length: 1_201 }, (_, index) => String(index + 1)),
    );
  });

  it('cannot be changed, and is shortened by its retention alone', async () => {
    for (const text of [
      `update audit_entries set actor = 'somebody else'`,
      `delete from audit_entries`,
      `truncate audit_entries`,
    ])
      await expect(api.query(text)).rejects.toThrow('The audit trail is append-only');
    await api.query(
      `insert into audit_entries (at, action, subject, actor_kind, actor, client_ip, request_id)
       select now() - n * interval '1 day', 'old', n::text, 'k', 'a', 'ip', 'r' from generate_series(1, 10) n`,
    );
    expect(await pruneEntries(api.database, 7.5, 2)).toBe(2);
    expect(await pruneEntries(api.database, 7.5, 100)).toBe(1);
    expect((await entries('action=old')).map(({ subject }) => String(subject))).toEqual(
      Array.from({ length: 7 }, (_, index) => String(7 - index)),
    );
    // Less than a day is a day: what was just done stays.
    expect(await pruneEntries(api.database, 0, 1_000)).toBe(7);
    await expect(api.query(`delete from audit_entries`)).rejects.toThrow('append-only');
  });
});

it('tells who has shown which key, and not what anybody claims where none is asked for', async () => {
  const env = { SKYNET_API_KEY: 'the-key', SKYCLAW_TOKEN: 'the-token' };
  const closed = await startTestControlPlane({ env });
  try {
    await closed.post('/v1/queue/pause', {}, { 'x-api-key': 'the-key' });
    await closed.post('/v1/public-keys', { label: 'l', capabilities: ['a'] }, { 'x-api-key': 'the-key' });
    await closed.post('/v1/services', { name: 's', command: 'x' }, { 'x-skyclaw-token': 'the-token' });
    expect((await closed.fetch('/v1/audit')).status).toBe(401);
    const { body, text } = await closed.fetch('/v1/audit', { 'x-api-key': 'the-key' });
    expect(
      body.entries.map(({ actor_kind, actor }: Json) => `${String(actor_kind)}: ${String(actor)}`),
    ).toEqual([
      expect.stringMatching(/^token: SKYCLAW_TOKEN#[0-9a-f]{8}$/),
      expect.stringMatching(/^environment key: SKYNET_API_KEY#[0-9a-f]{8}$/),
      expect.stringMatching(/^environment key: SKYNET_API_KEY#[0-9a-f]{8}$/),
    ]);
    expect(text).not.toContain('the-');
    const byKind = await closed.fetch('/v1/audit?actor=token', { 'x-api-key': 'the-key' });
    expect(byKind.body.entries).toHaveLength(1);
  } finally {
    await closed.close();
  }
  const headers = { 'x-api-key': 'invented', 'x-forwarded-for': '203.0.113.9' };
  const open = await startTestControlPlane();
  await open.post('/v1/queue/pause', {}, headers);
  const { body } = await open.fetch('/v1/audit');
  expect(body.entries).toMatchObject([{ actor_kind: 'anonymous', client_ip: '127.0.0.1' }]);
  await open.close();
});
