import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ProvidersOverview } from '../providers-overview.js';
import { ProvidersUsage } from '../usage.service.js';
import { type DayUsage } from '../usage.queries.js';
import { type DayUsageView, ProvidersView, UsageView } from './providers.dto.js';

@ApiTags('models')
@Controller('providers')
export class ProvidersController {
  constructor(
    private readonly overview: ProvidersOverview,
    private readonly usage: ProvidersUsage,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Which model providers are usable, and why others are not' })
  @ApiOkResponse({ type: ProvidersView })
  list(): Promise<ProvidersView> {
    return this.overview.show();
  }

  @Get('usage')
  @ApiOperation({
    summary: 'What was asked of model providers on the last 30 days, and the snapshots of the last week',
  })
  @ApiOkResponse({ type: UsageView })
  async history(): Promise<UsageView> {
    const { days, snapshots } = await this.usage.show();
    return {
      days: days.map((entry) => usageView(entry)),
      snapshots: snapshots.map(({ takenAt, ...entry }) => ({ taken_at: takenAt, ...usageView(entry) })),
    };
  }
}

function usageView({
  provider,
  day,
  requests,
  inputTokens,
  outputTokens,
}: DayUsage): Pick<DayUsageView, keyof DayUsageView> {
  return { provider, day, requests, input_tokens: inputTokens, output_tokens: outputTokens };
}
