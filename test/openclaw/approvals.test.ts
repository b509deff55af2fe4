import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';
import { FakeOpenClaw } from './fake-openclaw.js';
import { ended, events, gate, register, startPlane, turn } from './fixture.js';

let claw: FakeOpenClaw;
let api: TestControlPlane;
beforeEach(async () => {
  claw = await FakeOpenClaw.start();
  claw.model = async ({ exec }) => ((await exec('make release')) ? 'done' : 'denied');
});
afterEach(async () => {
  await api.close();
  await claw.kill();
});

const asked = (id: string) =>
  eventually('the gateway asks', async () => {
    const { body } = await api.fetch(`/v1/tasks/${id}/approvals`);
    return body.approvals.find(({ decision }: { decision: string | null }) => decision === null);
  });
const answer = (id: string, approvalId: string, decision: string) =>
  api.post(`/v1/tasks/${id}/approvals/${approvalId}`, { decision });
const told = async (id: string) =>
  (await events(api, id)).filter(({ event_type }) => event_type.startsWith('approval_'));

describe('a guarded turn', () => {
  it.each([
    ['allow-once', 'done', ['make release']],
    ['deny', 'denied', []],
  ])('asks for its shell command, and hears %s', async (decision, text, executed) => {
    api = await startPlane();
    await register(api, claw);
    await turn(api, 't');
    const approval = await asked('t');
    expect(approval).toMatchObject({
      ...{ task_id: 't', gateway_id: 'claw', command: 'make release', cwd: '/workspace' },
      decisions: ['allow-once', 'deny'],
    });
    const { status, body } = await answer('t', approval.approval_id, decision);
    expect([status, body.approval.decision]).toEqual([200, decision]);
    expect((await ended(api, 't')).result.text).toBe(text);
    expect(claw.executed).toEqual(executed);
    const log = await told('t');
    expect(log.map(({ event_type, payload }) => [event_type, payload.approval_id])).toEqual([
      ['approval_requested', approval.approval_id],
      ['approval_resolved', approval.approval_id],
    ]);
    expect(log[0].payload).toMatchObject({ command: 'make release' });
    expect((await answer('t', approval.approval_id, decision)).status).toBe(200);
    const other = decision === 'deny' ? 'allow-once' : 'deny';
    expect((await answer('t', approval.approval_id, other)).status).toBe(409);
  });

  it('is asked about once, although its connection breaks while it waits', async () => {
    api = await startPlane();
    await register(api, claw);
    await turn(api, 't');
    const { approval_id } = await asked('t');
    claw.cutAll();
    await claw.until((gateway) => gateway.count('exec.approval.list') > 0);
    expect((await answer('t', approval_id, 'allow-once')).status).toBe(200);
    expect((await ended(api, 't')).result.text).toBe('done');
    expect(await told('t')).toHaveLength(2);
  });

  it('can be answered through another replica', async () => {
    api = await startPlane();
    const other = await startPlane({ SKYNET_CONTROL_SCHEDULER_ENABLED: '0' }, api.databaseUrl);
    try {
      await register(api, claw);
      await turn(api, 't');
      const { approval_id } = await asked('t');
      const path = `/v1/tasks/t/approvals/${approval_id}`;
      expect((await other.post(path, { decision: 'allow-once' })).status).toBe(200);
      expect((await ended(api, 't')).result.text).toBe('done');
    } finally {
      await other.close();
    }
  });

  it('whose request has lapsed says so', async () => {
    api = await startPlane();
    await register(api, claw);
    await turn(api, 't');
    const { approval_id } = await asked('t');
    await claw.kill();
    claw.resumes = false;
    await claw.restart();
    const { status, body } = await answer('t', approval_id, 'allow-once');
    expect([status, body.detail]).toEqual([409, 'The gateway no longer waits for it.']);
    expect((await answer('t', 'nothing', 'deny')).status).toBe(404);
    expect((await answer('t', approval_id, 'maybe')).status).toBe(422);
  });

  it('is denied at once where approvals are not relayed, without an administrator’s rights', async () => {
    api = await startPlane({ SKYNET_OPENCLAW_APPROVALS: '0' });
    await register(api, claw);
    await turn(api, 't');
    expect((await ended(api, 't')).result.text).toBe('denied');
    const scopes = claw.requests
      .filter(({ method }) => method === 'connect')
      .map(({ params }) => params['scopes']);
    expect(new Set(scopes.map(String))).toEqual(new Set(['operator.read,operator.write']));
  });
});

describe('permission modes', () => {
  it('read-only refuses the shell, and full needs the operator’s setting', async () => {
    api = await startPlane({ SKYNET_OPENCLAW_ALLOW_FULL: '1' });
    await register(api, claw);
    await turn(api, 'reader', { permission_mode: 'read-only' });
    expect((await ended(api, 'reader')).result.text).toBe('denied');
    await turn(api, 'full', { permission_mode: 'full' });
    expect((await ended(api, 'full')).result.text).toBe('done');
    expect(claw.executed).toHaveLength(1);
  });
});

describe('the text of a turn', () => {
  it('streams as events while it is written', async () => {
    api = await startPlane();
    await register(api, claw);
    const { opened, open } = gate();
    claw.model = async ({ emit }) => {
      for (let index = 0; index < 500; index++) emit(`word${index} `);
      await opened;
      return 'the whole text';
    };
    await turn(api, 't');
    const first = await eventually('some of it is told', async () =>
      (await events(api, 't')).find(({ event_type }) => event_type === 'turn_text'),
    );
    expect(first.payload.offset).toBe(0);
    expect(first.payload.text).toMatch(/^word0 word1 /);
    open();
    expect((await ended(api, 't')).result.text).toBe('the whole text');
    // Five hundred pieces in a moment are one event.
    expect((await events(api, 't')).filter(({ event_type }) => event_type === 'turn_text')).toHaveLength(1);
  });
});
