export { traceOfClaim } from './claim-traces.js';
export { type ClaimCall, CoalescedLedger } from './coalesced-ledger.service.js';
export { ClaimsService } from './claims.service.js';
export { DependentsService, PORTION } from './dependents.service.js';
export { backoffSeconds } from './domain/backoff.js';
export {
  fits,
  isForGateways,
  isForHosts,
  isForWorkers,
  isOpenToStrangers,
  isWhereBound,
  lacking,
  type Need,
  needOf,
  neverReason,
} from './domain/fitness.js';
export { GATE } from './domain/gate.js';
export { nameOf, type Pause, type PauseTarget } from './domain/pause.js';
export { type ClaimedTask, type Claimer, type ClaimProof, type Task } from './domain/task.js';
export { TaskNotes } from './task-notes.service.js';
export { taskIds } from './task-ids.js';
export { terminalStates, type TaskStatus } from './domain/task-state.js';
export { EndingsService } from './endings.service.js';
export { EnqueueWarnings } from './warnings.service.js';
export { Foresight } from './foresight.service.js';
export { HostJobs, leaseExpiredAfter } from './host-jobs.service.js';
export { type ForeignJob } from './domain/foreign-job.js';
export { ImportService } from './import.service.js';
export { type EnqueueRequest, IntakeService } from './intake.service.js';
export { JobLocksService } from './job-locks.service.js';
export { EnqueueTaskRequest, TaskRequest } from './ledger.dto.js';
export { LedgerMetrics } from './ledger.metrics.js';
export { LedgerModule } from './ledger.module.js';
export { type ExpiredLease } from './queries/upkeep.queries.js';
export { type HolderOfTasks } from './queries/lease.queries.js';
export { LedgerReader } from './reader.service.js';
export { type JobStanding } from './queries/job.queries.js';
export { type Job } from './queries/job-row.js';
export { enqueueRequest } from './requests.js';
export { blankToNull, capabilitySet } from './domain/text-lists.js';
export { WaitingClaims } from './waiting-claims.service.js';
export { type BlockedFile, type Situation, Situations } from './situation.service.js';
export { UpkeepService } from './upkeep.service.js';
export { type KeySituation } from './queries/key-situation.queries.js';
export { type Invariant, tryInvariants } from './queries/invariants.queries.js';
export { BOUNDS, type Relative, type TaskFacts } from './queries/situation.queries.js';
