import { Controller, Get, Header } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../../platform/http/api-problems.js';
import { Route } from '../../platform/http/route.decorator.js';
import { CONTENT_TYPE } from '../../platform/metrics/exposition.js';
import { MetricsService } from './metrics.service.js';

const EXAMPLE = `# HELP skynet_ready_age_seconds How long the longest of a project's ready tasks has been ready, of the 1000 that come first in each lane.
# TYPE skynet_ready_age_seconds gauge
skynet_ready_age_seconds{project="default"} 0.412
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
      'Of the whole ledger, whichever replica answers. Every figure has a bound, so that a look costs the same with any ' +
      'backlog: projects beyond the first 100 (each lane counted) are left out, which `skynet_ready_partial` says.',
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
