import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { connect, databaseOf, migrate } from '../platform/database/connect.js';
import { type Logger } from '../platform/logging/logger.js';
import { openTracer } from '../platform/tracing/open-tracer.js';
import { ActionsService } from './actions/actions.service.js';
import { upkeepLoops } from './actions/upkeep.loops.js';
import { AgentServer } from './agents/index.js';
import { Executors } from './executors/executors.js';
import { LocalExecutor } from './executors/local-executor.js';
import { type GatewayConfig } from './gateway.config.js';
import { GatewayModule } from './gateway.module.js';
import { createGatewayApp } from './http/app.js';
import { GatewayController } from './http/gateway.controller.js';
import { ProfilesModule } from './profiles/index.js';
import { gitApproval, Projects, throughActions } from './projects/index.js';
import { createProviders, ollamaThrough } from './providers/index.js';
import { defaultGatewayId, RegistrationLoop } from './registration/index.js';
import { SkillLibrary, SkillsModule } from './skills/index.js';
import { SshTunnel } from './ssh/index.js';
import { gatewayCommands, projectCommands, TelegramBot, upkeepCommands } from './telegram/index.js';
import { Upkeep } from './upkeep.js';

export interface GatewayOptions {
  readonly config: GatewayConfig;
  readonly databaseUrl: string;
  readonly logger: Logger;
  /** What local actions may see of the environment; they get a small part of it. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface RunningGateway {
  readonly url: string;
  /** Where agents connect; undefined: none can. */
  readonly agentsUrl: string | undefined;
  /** Refuses new actions, waits for running ones, kills what is left, and closes. May be called twice. */
  close(): Promise<void>;
}

/** Connects, migrates and listens. Throws when the database is not there or the port is taken. */
export async function startGateway(options: GatewayOptions): Promise<RunningGateway> {
  const { config, databaseUrl, logger, env } = options;
  const tracer = await openTracer(
    config.tracing,
    { program: 'gateway', instance: randomBytes(4).toString('hex') },
    logger,
  );
  const agents = config.agents === undefined ? undefined : new AgentServer(config.agents, logger);
  const dataSource = await connect({
    url: databaseUrl,
    applicationName: 'skynet-gateway',
    poolSize: config.databasePoolSize,
    program: 'gateway',
  });
  try {
    await migrate(dataSource);
    const database = databaseOf(dataSource);
    const local = new LocalExecutor(config.allowedRoots, env, config.actions);
    const { leaseViolationPolicy } = config.actions;
    const ssh = new SshTunnel(config.ssh, { database, logger, local, leaseViolationPolicy });
    const executors = new Executors({
      ...(agents === undefined ? {} : { agents }),
      ...(ssh.executor === undefined ? {} : { ssh: ssh.executor }),
      sshOnly: ssh.isForced,
      local,
    });
    const bot = config.telegram && new TelegramBot(config.telegram, logger);
    const actions = new ActionsService({
      database,
      executors,
      logger,
      tracer,
      answerGraceMs: config.answerGraceMs,
      approval: gitApproval(config.projects, bot),
    });
    const ollama = ollamaThrough(actions, executors);
    const providers = createProviders({ config: config.providers, database, logger, ollama });
    const skills = new SkillLibrary(config.skills, logger);
    const projects = new Projects({
      ...{ database, logger, skills, chatModels: providers.models },
      executor: throughActions(actions),
      config: config.projects,
      canAsk: bot !== undefined,
    });
    const loops = [...upkeepLoops(actions, database, logger), ...ssh.loops];
    const upkeep = new Upkeep({
      ...{ config, database, logger, usage: providers.usage, projects: projects.service },
      worker: {
        isConfigured: executors.isConfigured,
        get isReady() {
          return actions.isReady;
        },
      },
      loops: projects.loops,
      tell: bot && ((message) => bot.tell(message)),
    });
    const features = [
      ...[providers.module, projects.module, ...upkeep.modules],
      ...[SkillsModule.with(skills), ProfilesModule.with(database)],
    ];
    const module = GatewayModule.with({ database, actions, executors, ssh, tracer, features });
    const app = await createGatewayApp({ config, logger, module, actions });
    agents?.heedStop(await actions.isStopped());
    await agents?.listen();
    await app.listen({ host: config.host, port: config.port });
    await skills.open();
    for (const loop of loops) loop.start();
    projects.start();
    const url = (await app.getUrl()).replace('[::1]', 'localhost');
    const registration =
      config.registration &&
      new RegistrationLoop({ config: config.registration, url, load: () => actions.load, logger });
    registration?.start();
    upkeep.start(defaultGatewayId(hostname(), new URL(url).port));
    const status = () => app.get(GatewayController).status();
    bot?.start([
      ...gatewayCommands({ actions, executors, skills, status }),
      ...projectCommands(projects.service),
      ...upkeepCommands(upkeep.sentinel, upkeep.heartbeats, () => providers.overview.show()),
    ]);
    let closing: Promise<void> | undefined;
    const close = async () => {
      await Promise.all([
        ...[bot?.stop(), registration?.leave(), projects.close(), upkeep.close()],
        ...[actions.drain(config.patienceMs), providers.close(config.patienceMs)],
      ]);
      for (const loop of loops) await loop.stop();
      ssh.close();
      await skills.close();
      await app.close();
      await agents?.close();
      await dataSource.destroy();
      await tracer.close();
    };
    return { url, agentsUrl: agents?.url, close: () => (closing ??= close()) };
  } catch (error) {
    await agents?.close();
    await dataSource.destroy();
    throw error;
  }
}
