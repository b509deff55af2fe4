import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { RegistryService } from '../registry/index.js';
import { type Gauge, gauges as gaugeText, type Sample } from '../../platform/metrics/exposition.js';
import { BOUNDS, countUpToBound, readyByProject } from './metrics.queries.js';

/** The figures of the whole ledger and registry, at this moment. */
@Injectable()
export class MetricsService {
  private looking: Promise<string> | undefined;

  constructor(
    private readonly database: Database,
    private readonly registry: RegistryService,
  ) {}

  /** All metrics as text. Callers at the same moment share one look. */
  show(): Promise<string> {
    this.looking ??= this.look().finally(() => (this.looking = undefined));
    return this.looking;
  }

  private async look(): Promise<string> {
    const [ready, counts, gateways] = [
      await readyByProject(this.database),
      await countUpToBound(this.database),
      await this.registry.listGateways(),
    ];
    const ofProjects = (value: (project: (typeof ready.projects)[number]) => number): Sample[] =>
      ready.projects.map((project) => ({ labels: { project: project.projectId }, value: value(project) }));
    const inState = (state: string, value: number): Sample => ({ labels: { state }, value });
    const statuses = [...new Set(gateways.map(({ status }) => status))].sort();
    const gauges: Gauge[] = [
      {
        name: 'skynet_ready_age_seconds',
        help: `How long the longest of a project's ready tasks has been ready, of the ${BOUNDS.tasksOfALine} that come first in each lane.`,
        samples: ofProjects(({ ageMs }) => ageMs / 1_000),
      },
      {
        name: 'skynet_ready_tasks',
        help: `How many tasks of a project are ready, counted up to ${BOUNDS.tasksOfALine} in each lane.`,
        samples: ofProjects(({ tasks }) => tasks),
      },
      {
        name: 'skynet_ready_partial',
        help: `1 when there are more than ${BOUNDS.lines} lines of ready tasks, one a project and lane; the others are not looked at.`,
        samples: [{ labels: {}, value: ready.isPartial ? 1 : 0 }],
      },
      {
        name: 'skynet_tasks',
        help: `How many tasks are ready, rest until a time, or are held by a claim, counted up to ${BOUNDS.counted} of each.`,
        samples: [
          inState('ready', counts.ready),
          inState('resting', counts.resting),
          inState('held', counts.held),
        ],
      },
      {
        name: 'skynet_untold_ends',
        help: `How many ends their dependents are still being told of, counted up to ${BOUNDS.counted}.`,
        samples: [{ labels: {}, value: counts.untoldEnds }],
      },
      {
        name: 'skynet_gateways',
        help: 'How many gateways have a status.',
        samples: statuses.map((status) => ({
          labels: { status },
          value: gateways.filter((gateway) => gateway.status === status).length,
        })),
      },
    ];
    return gaugeText(gauges);
  }
}
