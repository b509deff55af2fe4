import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { ErrorView } from '../http/gateway.dto.js';
import { Heartbeats } from './heartbeats.js';
import { HeartbeatsView } from './heartbeats.dto.js';

@ApiTags('heartbeats')
@ApiResponse({ status: 401, type: ErrorView, description: 'The bearer token is missing or wrong.' })
@Controller('heartbeats')
export class HeartbeatsController {
  constructor(private readonly heartbeats: Heartbeats) {}

  @Get()
  @ApiOperation({ summary: 'The jobs that recur: how they went last, who does them, when they are due' })
  @ApiOkResponse({ type: HeartbeatsView })
  async list(): Promise<HeartbeatsView> {
    const heartbeats = await this.heartbeats.list();
    return {
      heartbeats: heartbeats.map((entry) => ({
        name: entry.name,
        every_seconds: entry.everyMs / 1_000,
        next_at: entry.dueAt,
        running: entry.isRunning,
        gateway: entry.gateway,
        started_at: entry.startedAt,
        ended_at: entry.endedAt,
        outcome: entry.outcome,
        message: entry.message,
        runs: entry.runs,
      })),
    };
  }
}
