import { Body, Controller, Get, HttpCode, Post, Req, Res } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { type ActionFailure, type ActionResponse, type GatewayStatus } from '../../contracts/gateway-api.js';
import { Database } from '../../platform/database/database.js';
import { statement } from '../../platform/database/statement.js';
import { endServerSpan, startServerSpan } from '../../platform/http/request-tracing.js';
import { readTraceContext, traceFields } from '../../platform/tracing/domain/trace-context.js';
import { Tracer } from '../../platform/tracing/tracer.js';
import { ActionsService } from '../actions/actions.service.js';
import { executionWords } from '../executors/domain/execution-words.js';
import { Executors } from '../executors/executors.js';
import { SshTunnel } from '../ssh/index.js';
import { parseActionRequest } from './action-request.js';
import { AckView, ActionAnswer, ActionBody, ErrorView, SessionsView, StatusView } from './gateway.dto.js';
import { HttpRefusal } from './http-refusal.js';

const PING = statement('gateway.ping', 'select 1 as ok');

@ApiTags('gateway')
@ApiResponse({ status: 401, type: ErrorView, description: 'The bearer token is missing or wrong.' })
@ApiResponse({ status: 403, type: ErrorView, description: 'A web page of another site has sent it.' })
@Controller()
export class GatewayController {
  constructor(
    private readonly actions: ActionsService,
    private readonly database: Database,
    private readonly executors: Executors,
    private readonly ssh: SshTunnel,
    private readonly tracer: Tracer,
  ) {}

  @Get('status')
  @ApiOperation({ summary: 'Whether actions can be executed, and by whom' })
  @ApiOkResponse({ type: StatusView })
  status(): GatewayStatus & StatusView {
    const status = { agent_connected: this.actions.hasAgent, ...this.ssh.status() };
    return { ...status, execution: executionWords(status) };
  }

  @Post('action')
  @HttpCode(200)
  @ApiOperation({ summary: 'Execute an action' })
  @ApiBody({ type: ActionBody })
  @ApiOkResponse({ type: ActionAnswer })
  @ApiResponse({ status: 400, type: ErrorView, description: 'The body is not a request.' })
  @ApiResponse({
    status: 409,
    type: ErrorView,
    description: 'The key was used for something else, or the lease is stale.',
  })
  @ApiResponse({ status: 413, type: ErrorView, description: 'The body is larger than 8 MiB.' })
  @ApiResponse({
    status: 503,
    type: ErrorView,
    description: 'Nobody can execute it now; `outcome` says what is known.',
  })
  @ApiResponse({ status: 504, type: ErrorView, description: 'It goes on; the same key joins or replays it.' })
  async action(
    @Req() request: FastifyRequest,
    @Body() body: unknown,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ActionResponse | ActionFailure> {
    const action = parseActionRequest(body);
    const parent = readTraceContext(action) ?? readTraceContext(request.headers);
    const span = startServerSpan(this.tracer, request, parent);
    let status = 500;
    try {
      const answer = await this.actions.handle({ ...action, ...traceFields(span.context) });
      status = answer.httpStatus;
      void reply.status(status);
      return answer.body;
    } finally {
      endServerSpan(span, status);
    }
  }

  @Get('sessions')
  @ApiOperation({ summary: 'Who can execute actions' })
  @ApiOkResponse({ type: SessionsView })
  sessions(): SessionsView {
    return {
      sessions: this.executors.present
        .flatMap((executor) => executor.sessions())
        .map((session) => ({
          session_id: session.sessionId,
          agent_version: session.agentVersion,
          capabilities: [...session.capabilities],
          connected_at: session.connectedAt.toISOString(),
          last_seen: session.lastSeen.toISOString(),
        })),
    };
  }

  @Post('emergency-stop')
  @HttpCode(200)
  @ApiOperation({ summary: 'Kill what runs, and refuse all actions until resume' })
  @ApiOkResponse({ type: AckView })
  @ApiResponse({
    status: 503,
    type: ErrorView,
    description: 'Nobody is there to be stopped, or the database is away. It holds here all the same.',
  })
  async emergencyStop(): Promise<AckView> {
    if (!(await this.actions.stop())) throw new HttpRefusal(503, 'No agent connected.');
    return { status: this.actions.hasAgent ? 'emergency_stop_sent' : 'not_applicable_in_ssh_mode' };
  }

  @Post('resume')
  @HttpCode(200)
  @ApiOperation({ summary: 'Take actions again' })
  @ApiOkResponse({ type: AckView })
  @ApiResponse({ status: 503, type: ErrorView, description: 'Nobody is there to take actions.' })
  async resume(): Promise<AckView> {
    if (!(await this.actions.resume())) throw new HttpRefusal(503, 'No agent connected.');
    return { status: 'resume_sent' };
  }

  @Get('livez')
  @ApiOperation({ summary: 'Whether the process turns', security: [] })
  @ApiOkResponse({ type: AckView })
  livez(): AckView {
    return { status: 'ok' };
  }

  @Get('readyz')
  @ApiOperation({ summary: 'Whether the gateway can remember what it does', security: [] })
  @ApiOkResponse({ type: AckView })
  @ApiResponse({
    status: 503,
    type: ErrorView,
    description: 'Its database does not answer, or it is shutting down.',
  })
  async readyz(): Promise<AckView> {
    if (this.actions.isDraining) throw new HttpRefusal(503, 'The gateway is shutting down.');
    await this.database.query(PING);
    return { status: 'ok' };
  }
}
