import { describe, expect, it } from '@jest/globals';
import { type Need, neverReason } from '../../ledger/index.js';
import { claimersFor } from './claimers.js';
import { type Facts, type GatewayFacts, type HostFacts, type WorkerFacts } from './facts.js';
import { isConclusive, isRunnable, neverOf, reasonsOf, summaryOf } from './reasons.js';
import { listed, quoted } from './sentences.js';

const NOW = '2030-01-01T00:00:00.000000+00:00';
const need = (more: Partial<Need> = {}): Need => ({
  audience: 'any',
  boundTo: null,
  capabilities: [],
  ...more,
});
const worker = (workerId: string, more: Partial<WorkerFacts> = {}): WorkerFacts => ({
  ...{ workerId, workers: 1, gatewayId: null, capabilities: [], status: 'online', isAlive: true, ...more },
});
const gateway = (gatewayId: string, more: Partial<GatewayFacts> = {}): GatewayFacts => ({
  ...{ gatewayId, host: 'http://h', capabilities: [], status: 'online', declaredStatus: 'online' },
  ...{ statusReason: '', isUp: true, isUsable: true, pausedAt: null, pauseReason: null },
  ...{ inFlight: 0, maxInFlight: 8, ...more },
});

const host = (hostId: string, more: Partial<HostFacts> = {}): HostFacts => ({
  ...{ hostId, capabilities: [], status: 'online', isAlive: true, closed: null },
  ...{ maxParallel: 2, activeLeases: 0, ...more },
});
const JOB = need({ audience: 'hosts' });

type Task = Facts['situation']['task'];
function facts(task: Partial<Task>, more: Partial<Facts> = {}, situation: object = {}): Facts {
  return {
    situation: {
      task: {
        ...{ seq: 1, id: 't', projectId: 'default', kind: 'action', lane: 'action/any//', status: 'queued' },
        ...{ gate: 0, version: 1, rank: 0, delivery: 'any', gatewayId: null, gatewayStrict: false },
        ...{
          requiredCapabilities: [],
          files: [],
          concurrency: null,
          pendingDependencies: 0,
          attempts: 0,
          maxAttempts: 5,
        },
        ...{ holder: null, lockedBy: null, lockedAt: null, leaseExpiresAt: null, renewedAt: null },
        ...{ leaseIsOver: false, nextAttemptAt: null, isResting: false, hasOpenExecution: false },
        ...{ dispatchGatewayId: null, error: '', createdAt: NOW, updatedAt: NOW, completedAt: null },
        ...{ expiresAt: null },
        ...{ checkedAt: NOW, ...task },
      },
      ...{ pauses: [], parents: [], blame: [], files: [], waits: null, key: null, ahead: [], ...situation },
    },
    need: need(),
    gateways: [],
    workers: [worker('w')],
    ...{ hosts: [], ableHosts: [] },
    prospects: [{ claimer: 'any worker', taskId: 't' }],
    ...more,
  };
}
const codesOf = (of: Facts) => reasonsOf(of).map(({ code }) => code);

describe('reasonsOf', () => {
  it('has none for a task that the next claim takes', () => {
    const ready = facts({});
    expect(reasonsOf(ready)).toEqual([]);
    expect(isRunnable(ready)).toBe(true);
    expect(summaryOf(ready, [])).toBe('It is ready: the next claim takes it.');
  });

  it('says of a task whose dependencies have just succeeded that it is about to hear of it', () => {
    const untold = facts({ gate: 1, pendingDependencies: 1 }, { prospects: [] });
    expect(codesOf(untold)).toEqual(['waiting_for_dependency']);
    expect(isConclusive(untold)).toBe(true);
  });

  it('names all that is in the way, what comes first in front', () => {
    const parent = { id: 'p', status: 'running', error: '', lockedBy: 'w' };
    const stuck = facts(
      { gate: 1, pendingDependencies: 1, isResting: true, nextAttemptAt: NOW, attempts: 2 },
      { workers: [], prospects: [] },
      { parents: [parent] },
    );
    expect(codesOf(stuck)).toEqual(['waiting_for_dependency', 'resting', 'no_worker', 'no_gateway']);
    expect(summaryOf(stuck, reasonsOf(stuck))).toBe(
      "It waits for 1 dependency to succeed: 'p'. And there are 3 more reasons.",
    );
  });

  it('counts dependencies that are not listed', () => {
    const parents = ['a', 'b', 'c', 'd'].map((id) => ({ id, status: 'queued', error: '', lockedBy: null }));
    const [reason] = reasonsOf(facts({ gate: 1, pendingDependencies: 900 }, {}, { parents }));
    expect(reason?.message).toBe("It waits for 900 dependencies to succeed: 'a', 'b', 'c' and 897 more.");
  });

  it('tells a failed dependency of a task that still waits', () => {
    const parents = [{ id: 'p', status: 'failed', error: 'it broke', lockedBy: null }];
    expect(codesOf(facts({ gate: 1, pendingDependencies: 1 }, {}, { parents }))).toEqual([
      'dependency_failed',
    ]);
  });

  it('says nothing of gateways while a worker is there, and nothing of workers while a gateway has room', () => {
    expect(
      codesOf(facts({}, { gateways: [gateway('g', { isUp: false, isUsable: false, status: 'offline' })] })),
    ).toEqual([]);
    expect(codesOf(facts({}, { workers: [], gateways: [gateway('g')] }))).toEqual([]);
  });

  it('tells a full gateway from one that is away', () => {
    const full = gateway('full', { inFlight: 8 });
    const away = gateway('away', {
      isUp: false,
      isUsable: false,
      status: 'offline',
      statusReason: 'refused',
    });
    const push = { need: need({ audience: 'push' }), workers: [], prospects: [] };
    expect(codesOf(facts({}, { ...push, gateways: [full, away] }))).toEqual(['no_capacity']);
    expect(codesOf(facts({}, { ...push, gateways: [away] }))).toEqual(['no_gateway']);
    expect(reasonsOf(facts({}, { ...push, gateways: [away] }))[0]?.message).toBe(
      "Gateway 'away', the only one that may take it, is offline (refused).",
    );
  });

  it('asks to look again when what was seen explains nothing', () => {
    const moving = facts({}, { prospects: [{ claimer: 'any worker', taskId: null }] });
    expect(isConclusive(moving)).toBe(false);
    expect(codesOf(moving)).toEqual(['queued_behind']);
    expect(isConclusive(facts({}))).toBe(true);
  });

  it('does not call a task that has ended impossible', () => {
    const ended = facts(
      { status: 'failed', gate: 6, completedAt: NOW },
      { need: need({ boundTo: 'nowhere' }) },
    );
    expect(codesOf(ended)).toEqual(['not_waiting']);
    expect(neverOf(ended)).toBeNull();
  });
});

describe('neverReason', () => {
  const gpu = ['gpu'];
  it.each([
    [need(), [], [], null],
    [need({ audience: 'pull' }), [], [], null],
    [need({ audience: 'push' }), [worker('w')], [], 'No gateway is registered.'],
    [need({ capabilities: gpu }), [], [], 'No worker or gateway is registered.'],
    [need({ capabilities: gpu }), [worker('w', { capabilities: gpu, isAlive: false })], [], null],
    [
      need({ capabilities: gpu }),
      [worker('w')],
      [gateway('g', { capabilities: gpu, isUp: false, isUsable: false })],
      null,
    ],
    [
      need({ capabilities: gpu, audience: 'pull' }),
      [worker('w')],
      [gateway('g', { capabilities: gpu })],
      "No registered worker has the capability 'gpu'.",
    ],
    [
      need({ capabilities: gpu, boundTo: 'g' }),
      [worker('w', { capabilities: gpu })],
      [gateway('g')],
      "No registered worker or gateway at gateway 'g' has the capability 'gpu'.",
    ],
    [
      need({ audience: 'pull', boundTo: 'g' }),
      [worker('w')],
      [gateway('g')],
      "No worker of gateway 'g' is registered, and no other may take the task.",
    ],
    [need({ boundTo: 'g' }), [worker('w', { gatewayId: 'g' })], [], null],
  ])('of %j is what it should be (%#)', (wanted, workers, gateways, reason) => {
    expect(neverReason(wanted, { workers, gateways, hosts: [] })).toBe(reason);
  });
});

describe('claimersFor', () => {
  const names = (wanted: Need, workers: WorkerFacts[], gateways: GatewayFacts[] = []) =>
    claimersFor({ need: wanted, workers, gateways, ableHosts: [] }).map(({ name }) => name);

  it('asks those who can do the least, each kind once', () => {
    const workers = [
      worker('all', { capabilities: ['gpu', 'ssd', 'x'] }),
      worker('ssd', { capabilities: ['gpu', 'ssd'] }),
      worker('x', { capabilities: ['gpu', 'x'] }),
      worker('x-silent', { capabilities: ['x', 'gpu'], isAlive: false }),
      worker('none'),
    ];
    expect(names(need({ capabilities: ['gpu'] }), workers)).toEqual(["worker 'ssd'", "worker 'x'"]);
  });

  it('does not take a worker of one gateway for less than one of another', () => {
    const capabilities = ['gpu'];
    const [g, h] = ['g', 'h'].map((id) => worker(id, { capabilities, gatewayId: id }));
    const free = worker('free', { capabilities });
    const wanted = need({ capabilities });
    if (g === undefined || h === undefined) throw new Error();
    expect(names(wanted, [g, h])).toEqual(["worker 'g'", "worker 'h'"]);
    expect(names(wanted, [g, free, h])).toEqual(["worker 'free'"]);
  });

  it('asks for a dispatcher only when a gateway that can do it has room', () => {
    const push = need({ audience: 'push' });
    expect(names(push, [worker('w')], [gateway('g', { inFlight: 8 })])).toEqual([]);
    expect(names(push, [], [gateway('g', { inFlight: 7 })])).toEqual(['the dispatcher']);
    expect(names(need(), [], [gateway('g')])).toEqual(['any worker', 'the dispatcher']);
  });

  it('asks hosts that have room and can do the least, and nobody else, for a job', () => {
    const ableHosts = [
      host('all', { capabilities: ['gpu', 'ssd'] }),
      host('full', { activeLeases: 2 }),
      host('closed', { closed: { since: NOW, reason: '' } }),
      host('gpu', { capabilities: ['gpu'], isAlive: false }),
      host('gpu-too', { capabilities: ['gpu'] }),
    ];
    const asked = claimersFor({ need: JOB, workers: [worker('w')], gateways: [gateway('g')], ableHosts });
    expect(asked).toEqual([{ name: "host 'gpu'", claimer: { holder: 'host', id: 'gpu' } }]);
  });
});

describe('a job', () => {
  const known = [worker('h', { capabilities: ['shell'] })];
  const of = (ableHosts: HostFacts[], hosts = known, wanted = JOB) =>
    facts({ kind: 'shell' }, { need: wanted, hosts, ableHosts, prospects: [] });

  it('waits for nobody while a host has room, whatever the others are', () => {
    const away = host('away', { isAlive: false, status: 'offline' });
    expect(codesOf(of([away, host('full', { activeLeases: 2 }), host('h')]))).toEqual(['queued_behind']);
  });

  it('names all kinds of hosts that could take it and do not', () => {
    const closed = { since: NOW, reason: 'patching' };
    const busy = host('full', { activeLeases: 2 });
    const away = host('away', { isAlive: false, status: 'offline' });
    const drained = host('d', { closed, status: 'drained' });
    expect(codesOf(of([busy, away, drained]))).toEqual(['paused', 'no_capacity']);
    expect(codesOf(of([away, drained]))).toEqual(['paused', 'no_host']);
    const [reason] = reasonsOf(of([drained]));
    expect(reason?.message).toBe(`Host 'd', which could take it, is drained since ${NOW}: patching.`);
    expect(reasonsOf(of([busy]))[0]?.message).toBe(
      "The host that may take it is full: 'full' runs 2 jobs of 2.",
    );
  });

  it('can never run where no host can do it, whatever workers and gateways can', () => {
    const gpu = need({ audience: 'hosts', capabilities: ['gpu'] });
    const others = {
      workers: [worker('w', { capabilities: ['gpu'] })],
      gateways: [gateway('g', { capabilities: ['gpu'] })],
    };
    expect(neverReason(gpu, { ...others, hosts: [] })).toBe('No host is registered.');
    expect(neverReason(gpu, { ...others, hosts: known })).toBe(
      "No registered host has the capability 'gpu'.",
    );
    expect(neverReason(JOB, { ...others, hosts: known })).toBeNull();
    expect(neverReason(need({ audience: 'push' }), { workers: [], gateways: [], hosts: known })).toBe(
      'No gateway is registered.',
    );
    const [reason] = reasonsOf(of([], known, gpu));
    expect(reason?.message).toBe("No host can do all that it requires ('gpu'); host 'h' lacks 'gpu'.");
  });

  it('says when it fails unless it is started', () => {
    const limited = of([]);
    const expiring = { ...limited.situation.task, expiresAt: NOW };
    const told = { ...limited, situation: { ...limited.situation, task: expiring } };
    expect(summaryOf(told, reasonsOf(told))).toMatch(/ It fails when no host has started it by 2030/);
  });
});

describe('sentences', () => {
  it('list names, and count those that are too many', () => {
    expect(listed([])).toBe('');
    expect(listed(['a'])).toBe("'a'");
    expect(listed(['a', 'b'])).toBe("'a' and 'b'");
    expect(listed(['a', 'b', 'c', 'd'])).toBe("'a', 'b', 'c' and 1 more");
    expect(quoted(`  a\n b ${'x'.repeat(300)}`)).toHaveLength(201);
  });
});
