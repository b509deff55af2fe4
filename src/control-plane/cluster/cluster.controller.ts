import { Body, Controller, Get, HttpCode, Inject, Post, Query, Req } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type FastifyRequest } from 'fastify';
import { ApiProblems } from '../../platform/http/api-problems.js';
import { decodeCursor, effectiveLimit, encodeCursor } from '../../platform/http/cursor.js';
import { Route } from '../../platform/http/route.decorator.js';
import { Problem } from '../../platform/problems/problem.js';
import { Audit } from '../audit/index.js';
import { type ControlPlaneConfig } from '../config.js';
import { Readiness } from '../health/index.js';
import { CONFIG } from '../runtime/index.js';
import {
  CoordinatorHealthResponse,
  JoinNetworkRequest,
  JoinNetworkResponse,
  NetworkResponse,
  SnapshotRequest,
  SnapshotResponse,
  StateQuery,
  StateResponse,
} from './cluster.dto.js';
import { SnapshotImport } from './import.service.js';
import { NetworkService } from './network.service.js';
import { readSnapshot } from './snapshot/snapshot.js';
import { type StatePosition, StateService } from './state.service.js';

/** A snapshot carries the outputs of many jobs. */
const MAX_SNAPSHOT_BYTES = 64 * 1_048_576;
/** Remarks that are told one by one. */
const MAX_REMARKS = 1_000;

@ApiTags('cluster')
@Controller()
export class ClusterController {
  constructor(
    private readonly readiness: Readiness,
    private readonly network: NetworkService,
    private readonly state: StateService,
    private readonly snapshots: SnapshotImport,
    private readonly audit: Audit,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
  ) {}

  @Get('health')
  @ApiOperation({ summary: 'Whether this replica serves the SkyClaw routes' })
  @ApiOkResponse({ type: CoordinatorHealthResponse })
  @ApiProblems('unauthorized', 'database-unavailable')
  async health(): Promise<CoordinatorHealthResponse> {
    if (!(await this.readiness.hasDatabase())) {
      throw new Problem('database-unavailable', 'the database is not available', { retryAfterSeconds: 1 });
    }
    return { ok: true, nodeId: this.config.skyclaw.nodeId };
  }

  @Get('v1/network/peers')
  @Route({ scope: 'admin' })
  @ApiOperation({ summary: 'List where else the API can be reached' })
  @ApiOkResponse({ type: NetworkResponse })
  @ApiProblems()
  peers(): Promise<NetworkResponse> {
    return this.network.show();
  }

  @Post('v1/network/join')
  @HttpCode(200)
  @Route({ scope: 'admin' })
  @ApiOperation({ summary: 'Announce where a coordinator can be reached; kept for a day, and never called' })
  @ApiOkResponse({ type: JoinNetworkResponse })
  @ApiProblems('bad-request')
  async join(@Body() { url }: JoinNetworkRequest): Promise<JoinNetworkResponse> {
    return { ok: true, ...(await this.network.join(url)) };
  }

  @Get('v1/state')
  @Route({ scope: 'admin' })
  @ApiOperation({ summary: 'Show hosts, jobs and services' })
  @ApiOkResponse({ type: StateResponse })
  @ApiProblems()
  async show(@Query() { limit, cursor }: StateQuery): Promise<StateResponse> {
    const { next, ...state } = await this.state.page(positionOf(cursor), effectiveLimit(limit));
    return {
      ...state,
      ...(next === null ? {} : { next_cursor: encodeCursor([next.standing, next.beforeSeq]) }),
    };
  }

  @Post('v1/replicate/snapshot')
  @HttpCode(200)
  @Route({
    scope: 'admin',
    maxBodyBytes: MAX_SNAPSHOT_BYTES,
    mendsText: true,
    audit: { action: 'snapshot.import', detail: ['nodeId'], written: 'by the handler' },
  })
  @ApiOperation({ summary: 'Import what another coordinator had: its state, all of it or nothing' })
  @ApiBody({ type: SnapshotRequest })
  @ApiOkResponse({ type: SnapshotResponse })
  @ApiProblems('bad-request')
  async import(@Req() request: FastifyRequest, @Body() body: unknown): Promise<SnapshotResponse> {
    const read = await readSnapshot(body);
    if (!read.ok) throw new Problem('bad-request', read.why);
    const { changed, remarks: renamed } = await this.snapshots.import(read.snapshot, (tx) =>
      this.audit.record(tx, request),
    );
    const remarks = [...read.remarks, ...renamed];
    return {
      ...{ ok: true, changed, nodeId: this.config.skyclaw.nodeId },
      ...{ remarks: remarks.slice(0, MAX_REMARKS), remarkCount: remarks.length },
    };
  }
}

function positionOf(cursor: string | null): StatePosition | null {
  if (cursor === null) return null;
  const [standing, beforeSeq] = decodeCursor(cursor, ['string', 'number']);
  return { standing: standing === 'unfinished' ? 'unfinished' : 'finished', beforeSeq: Number(beforeSeq) };
}
