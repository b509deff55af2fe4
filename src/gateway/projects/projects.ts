import { type DynamicModule } from '@nestjs/common';
import { type Database } from '../../platform/database/database.js';
import { type Logger } from '../../platform/logging/logger.js';
import { type ChatModels } from '../providers/index.js';
import { type Skills } from '../skills/index.js';
import { ControlPlane } from './ledger/control-plane.js';
import { Planner } from './planner/planner.js';
import { ProjectStreams } from './project-streams.js';
import { type ProjectsConfig } from './projects.config.js';
import { ProjectsModule } from './projects.module.js';
import { ProjectsService } from './projects.service.js';
import { type ActionExecutor, Driver } from './driving/driver.js';
import { Drives } from './driving/drives.js';
import { LedgerWork } from './driving/ledger-work.js';
import { ProjectLeasesLoop, ProjectsLoop } from './driving/projects.loop.js';

export interface ProjectsParts {
  readonly database: Database;
  readonly executor: ActionExecutor;
  readonly config: ProjectsConfig;
  readonly logger: Logger;
  readonly chatModels: ChatModels;
  readonly skills: Skills;
  /** Whether somebody can be asked about what leaves the machine. */
  readonly canAsk: boolean;
}

/** Everything about projects in one gateway: routes, and the work in the background. */
export class Projects {
  readonly module: DynamicModule;
  readonly service: ProjectsService;
  readonly loops: readonly [ProjectsLoop, ProjectLeasesLoop];
  private readonly drives: Drives;

  constructor({ database, executor, config, logger, chatModels, skills, canAsk }: ProjectsParts) {
    const planner = new Planner(chatModels, skills, { outward: config.approvesGit || canAsk });
    const ledger = new LedgerWork(database, new ControlPlane(config.controlPlane), config);
    const driver = new Driver({ database, executor, planner, ledger, config });
    this.drives = new Drives(database, driver, logger);
    const loop = new ProjectsLoop(database, this.drives, executor, config.maxRunning, logger);
    this.loops = [loop, new ProjectLeasesLoop(this.drives, logger)];
    this.service = new ProjectsService(database, this.drives, config, () => loop.nudge());
    this.module = ProjectsModule.with(this.service, new ProjectStreams(database, config.maxStreams, logger));
  }

  /** Takes up projects, those included that another process has left, from now on. */
  start(): void {
    for (const loop of this.loops) loop.start();
  }

  /** Takes up nothing more, ends the work where it is, and waits for that. */
  async close(): Promise<void> {
    const [loop, leases] = this.loops;
    await loop.stop();
    await this.drives.close();
    await leases.stop();
  }
}
