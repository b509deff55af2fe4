import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { ErrorView } from '../http/gateway.dto.js';
import { type Overview, Sentinel } from './sentinel.js';
import { SentinelView } from './sentinel.dto.js';

@ApiTags('sentinel')
@ApiResponse({ status: 401, type: ErrorView, description: 'The bearer token is missing or wrong.' })
@Controller('sentinel')
export class SentinelController {
  constructor(private readonly sentinel: Sentinel) {}

  @Get()
  @ApiOperation({ summary: 'How the components are, and the latest alerts' })
  @ApiOkResponse({ type: SentinelView })
  async show(): Promise<SentinelView> {
    return view(await this.sentinel.overview());
  }
}

function view({ gateway, lookedAt, seen, failures, alerts, checks }: Overview): SentinelView {
  return {
    gateway,
    looked_at: lookedAt?.toISOString() ?? null,
    components: seen.map(({ component, state, detail, since }) => ({
      name: component,
      state,
      detail,
      since: since.toISOString(),
      failures:
        failures
          ?.filter((failure) => failure.component === component)
          .map((failure) => ({ gateway: failure.gateway, detail: failure.detail, since: failure.since })) ??
        null,
    })),
    alerts:
      alerts?.map(({ id, component, kind, message, createdAt }) => ({
        ...{ id, component, kind, message },
        created_at: createdAt,
      })) ?? null,
    health_checks:
      checks?.map((check) => ({
        gateway: check.gateway,
        findings: { ...check.findings },
        checked_at: check.checkedAt,
      })) ?? null,
  };
}
