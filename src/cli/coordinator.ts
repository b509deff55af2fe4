import 'reflect-metadata';
import { loadEnv } from './environment.js';
import { serve, type ServeFlags } from './serve.js';

/** `skyclaw coordinator`: the control plane at the address of a SkyClaw coordinator, until a signal. */
export async function coordinator({ host, port }: ServeFlags): Promise<void> {
  const env = loadEnv();
  await serve(
    {
      host: host ?? env.text('SKYCLAW_COORDINATOR_HOST'),
      port: port ?? String(env.integer('SKYCLAW_COORDINATOR_PORT', { min: 0, max: 65_535 })),
    },
    env,
  );
}
