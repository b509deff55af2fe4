import { Env, type EnvSource } from '../../platform/config/env.js';
import { DatabaseUnavailableError, errorCode } from '../../platform/database/errors.js';
import { Session } from '../../platform/database/session.js';
import { openProgramDatabase } from '../database.js';
import { loadOrigins } from '../environment.js';
import { type Finding, ok, showFindings, trouble } from '../findings.js';
import { lookAtClocks } from './clocks.js';
import { lookAtDatabase } from './database.js';
import { listReplicas, type Replica } from './doctor.queries.js';
import { lookAtGateways } from './gateways.js';
import { lookAtReplica } from './loops.js';
import { lookAtMigrations } from './migrations.js';
import { lookAtPooler } from './pooler.js';
import { lookAtRetention } from './retention.js';
import { lookAtSecrets } from './secrets.js';
import { listSettings, lookAtSettings } from './settings.js';
import { lookAtTables } from './tables.js';

export interface DoctorFlags {
  readonly json?: boolean;
  readonly strict?: boolean;
  readonly url?: string;
  /** In milliseconds. */
  readonly oldTransaction: number;
}

/** `skynet doctor`: looks at everything that an installation depends on, changes nothing, and says what to do. */
export async function doctor(flags: DoctorFlags): Promise<void> {
  const environment = loadOrigins();
  const { source } = environment;
  const env = new Env(source);
  const findings = [...lookAtSettings(environment), ...lookAtSecrets(source)];
  const database = await openProgramDatabase(env, () => undefined);
  const looked = await lookThrough(database.url, env, flags).finally(() => database.release());
  findings.push(...looked.findings, ...(await lookAtApis(flags.url, source, looked.replicas)));
  showFindings(findings, { ...flags, more: { settings: listSettings(environment) } });
}

interface Looked {
  readonly findings: readonly Finding[];
  readonly replicas: readonly Replica[];
}

async function lookThrough(url: string, env: Env, flags: DoctorFlags): Promise<Looked> {
  let session: Session;
  try {
    session = await Session.open(url, 'skynet-doctor');
  } catch (error) {
    return { findings: [cannotConnect(error)], replicas: [] };
  }
  try {
    return await lookInside(session, { url, env, flags });
  } catch (error) {
    if (!(error instanceof DatabaseUnavailableError)) throw error;
    return { findings: [cannotConnect(error)], replicas: [] };
  } finally {
    await session.close();
  }
}

async function lookInside(
  session: Session,
  { url, env, flags }: { readonly url: string; readonly env: Env; readonly flags: DoctorFlags },
): Promise<Looked> {
  const findings = [
    ...(await lookAtDatabase(session)),
    ...(await lookAtPooler(url)),
    ...(await lookAtMigrations(session)),
  ];
  // What comes now reads tables that are there only when the schema is what this build knows.
  if (findings.some(({ check, level }) => check === 'migrations' && level !== 'ok')) {
    return { findings: [...findings, ...(await lookAtClocks(session, []))], replicas: [] };
  }
  const replicas = await listReplicas(session);
  findings.push(
    ...(await lookAtClocks(session, replicas)),
    ok('replicas', `${replicas.length} alive.`),
    ...(await lookAtGateways(session)),
    ...(await lookAtTables(session, { oldTransactionMs: flags.oldTransaction })),
    ...(await lookAtRetention(session, env)),
  );
  return { findings, replicas };
}

function cannotConnect(error: unknown): Finding {
  const cause = error instanceof DatabaseUnavailableError ? error.cause : error;
  const why = errorCode(cause) ?? (cause instanceof Error ? cause.message : String(cause));
  return trouble(
    'database',
    `It cannot be reached (${why}).`,
    'Replicas do not start, and those that run answer 503. What was accepted is in the database.',
    'Check DATABASE_URL, that PostgreSQL runs, and the network between: psql "$DATABASE_URL" -c "select 1"',
  );
}

/** The replicas that can be reached: at the address that is set, and where they say that they are. */
async function lookAtApis(
  given: string | undefined,
  source: EnvSource,
  replicas: readonly Replica[],
): Promise<Finding[]> {
  const address = given ?? source['SKYNET_ORCHESTRATOR_URL']?.trim() ?? '';
  const urls = [address, ...replicas.map(({ publicUrl }) => publicUrl ?? '')]
    .filter((url) => url !== '')
    .map((url) => url.replace(/\/+$/, ''));
  if (urls.length === 0) {
    return [
      ok(
        'loops',
        'Not looked at: no address is set.',
        'With --url or SKYNET_ORCHESTRATOR_URL the replicas are asked.',
      ),
    ];
  }
  const key = source['SKYNET_API_KEY']?.trim() ?? '';
  // The key goes to the address that was given for it, and to no other that a table names.
  const headersFor = (url: string) =>
    key !== '' && url === urls[0] && address !== '' ? { 'x-api-key': key } : {};
  const looks = [...new Set(urls)].map((url) => lookAtReplica(url, headersFor(url)));
  return (await Promise.all(looks)).flat();
}
