import { Controller, Get, Header } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../../platform/http/api-problems.js';
import { Route } from '../../platform/http/route.decorator.js';
import { CONTENT_TYPE } from '../../platform/metrics/metrics-text.js';
import { MetricsService } from './metrics.service.js';

const EXAMPLE = `# HELP skynet_oldest_ready_age_seconds How long the longest of the ready tasks has been ready; 0 when there is none.
# TYPE skynet_oldest_ready_age_seconds gauge
skynet_oldest_ready_age_seconds 0.412
`;

@ApiTags('health')
@Controller()
export class MetricsController {
  constructor(private readonly metrics: MetricsService) {}

  @Get('metrics')
  @Route({ scope: 'tasks:read', access: 'key', errors: 'problem' })
  @Header('content-type', CONTENT_TYPE)
  @ApiOperation({
    summary: 'Show metrics in the text format of Prometheus',
    description:
      'What this replica has done since it began, and what is true of the whole ledger, whichever replica answers. Every ' +
      'figure has a bound, so that a look costs the same with any backlog; a metric of its own says when a bound was hit. ' +
      'While the database is away the figures that it alone knows are left out. All of them: docs/metrics.md. With ' +
      '`SKYNET_METRICS_PORT` the same is served on a port of its own, without a key.',
  })
  @ApiOkResponse({
    description: 'The metrics.',
    content: { 'text/plain': { schema: { type: 'string' }, example: EXAMPLE } },
  })
  @ApiProblems()
  show(): Promise<string> {
    return this.metrics.show();
  }
}
