import {
  ClaimsService,
  type ClaimedTask,
  EndingsService,
  IntakeService,
  LedgerReader,
  UpkeepService,
} from '../../src/control-plane/ledger/index.js';
import { type Database } from '../../src/platform/database/database.js';
import {
  startTestControlPlane,
  type TestControlPlane,
  type TestControlPlaneOptions,
} from './control-plane.js';

type EnqueueRequest = Parameters<IntakeService['enqueue']>[1];

/** The ledger's services on a database of their own, and what tests do with them all the time. */
export interface TestLedger {
  readonly api: TestControlPlane;
  readonly database: Database;
  readonly intake: IntakeService;
  readonly claims: ClaimsService;
  readonly endings: EndingsService;
  readonly reader: LedgerReader;
  readonly upkeep: UpkeepService;
  /** A request without anything in particular. */
  readonly plain: EnqueueRequest;
  enqueue(id: string, more?: Partial<EnqueueRequest>): ReturnType<IntakeService['enqueue']>;
  /** Claims as a worker that can do anything that `capabilities` says. */
  claim(workerId?: string, limit?: number, capabilities?: readonly string[]): Promise<ClaimedTask[]>;
  finish(task: ClaimedTask, success?: boolean): Promise<boolean>;
  start(task: ClaimedTask): Promise<boolean>;
  status(id: string): Promise<string>;
  gate(id: string): Promise<number | null>;
}

export async function startTestLedger(options: TestControlPlaneOptions = {}): Promise<TestLedger> {
  const api = await startTestControlPlane(options);
  const { database } = api;
  const [intake, claims, endings] = [api.get(IntakeService), api.get(ClaimsService), api.get(EndingsService)];
  const reader = api.get(LedgerReader);
  const proof = (task: ClaimedTask) => ({
    taskId: task.id,
    workerId: task.lockedBy,
    claimToken: task.claimToken,
  });
  return {
    api,
    database,
    intake,
    claims,
    endings,
    reader,
    upkeep: api.get(UpkeepService),
    plain: PLAIN,
    enqueue: (id, more = {}) => intake.enqueue(database, { ...PLAIN, id, ...more }),
    claim: async (workerId = 'worker', limit = 1, capabilities = []) => {
      const slots = Array<string>(limit).fill(workerId);
      const claimer = { holder: 'worker', id: workerId, capabilities } as const;
      return (await claims.claim(database, claimer, { slots, start: false })).claimed;
    },
    start: async (task) => (await claims.start(database, [proof(task)])).has(task.id),
    finish: async (task, success = true) => {
      if (success && !(await claims.start(database, [proof(task)])).has(task.id)) return false;
      return endings.complete(database, proof(task), {
        success,
        result: {},
        error: success ? '' : 'it broke',
      });
    },
    status: async (id) => (await reader.findTask(id))?.status ?? 'missing',
    gate: async (id) => (await reader.findTask(id))?.gate ?? null,
  };
}

/** A task that asks for nothing. */
export const PLAIN: EnqueueRequest = {
  id: null,
  action: 'act',
  params: {},
  priority: 0,
  dependencies: [],
  projectId: null,
  requiredFiles: [],
  readFiles: [],
  files: [],
  gatewayId: null,
  gatewayStrict: false,
  requiredCapabilities: [],
  delivery: 'any',
  maxAttempts: null,
  leaseSeconds: null,
};
