import 'reflect-metadata';
import { connect, databaseOf, migrate } from '../platform/database/connect.js';
import { type Logger } from '../platform/logging/logger.js';
import { ActionsService } from './actions/actions.service.js';
import { upkeepLoops } from './actions/upkeep.loops.js';
import { type Executor } from './executors/executor.js';
import { LocalExecutor } from './executors/local-executor.js';
import { type GatewayConfig } from './gateway.config.js';
import { GatewayModule } from './gateway.module.js';
import { createGatewayApp } from './http/app.js';
import { type ChatModels, Projects, type Skills, throughActions } from './projects/index.js';

export interface GatewayOptions {
  readonly config: GatewayConfig;
  readonly databaseUrl: string;
  readonly logger: Logger;
  /** What local actions may see of the environment; they get a small part of it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What plans projects; absent: no project can be planned. */
  readonly chatModels?: ChatModels | undefined;
  readonly skills?: Skills | undefined;
}

export interface RunningGateway {
  readonly url: string;
  /** Refuses new actions, waits for running ones, kills what is left, and closes. May be called twice. */
  close(): Promise<void>;
}

/** Connects, migrates and listens. Throws when the database is not there or the port is taken. */
export async function startGateway(options: GatewayOptions): Promise<RunningGateway> {
  const { config, databaseUrl, logger, env } = options;
  const dataSource = await connect({
    url: databaseUrl,
    applicationName: 'skynet-gateway',
    poolSize: config.databasePoolSize,
    program: 'gateway',
  });
  try {
    await migrate(dataSource);
    const database = databaseOf(dataSource);
    const executors: readonly Executor[] = [new LocalExecutor(config.allowedRoots, env)];
    const actions = new ActionsService({
      database,
      executors,
      logger,
      answerGraceMs: config.answerGraceMs,
    });
    const projects = new Projects({
      ...options,
      database,
      executor: throughActions(actions),
      config: config.projects,
    });
    const module = GatewayModule.with({ database, actions, executors, imports: [projects.module] });
    const app = await createGatewayApp({ config, logger, module, actions });
    const loops = upkeepLoops(actions, database, logger);
    await app.listen({ host: config.host, port: config.port });
    for (const loop of loops) loop.start();
    projects.start();
    let closing: Promise<void> | undefined;
    const close = async () => {
      await Promise.all([actions.drain(config.patienceMs), projects.close()]);
      for (const loop of loops) await loop.stop();
      await app.close();
      await dataSource.destroy();
    };
    return { url: (await app.getUrl()).replace('[::1]', 'localhost'), close: () => (closing ??= close()) };
  } catch (error) {
    await dataSource.destroy();
    throw error;
  }
}
