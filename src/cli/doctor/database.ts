import { type Asks } from '../../platform/database/session.js';
import { type Finding, ok, trouble, warning } from '../findings.js';
import { getServer } from './doctor.queries.js';
import { bytes } from './words.js';

const OLDEST_MAJOR = 15;
const CROWDED = 0.9;

/** What the server is. */
export async function lookAtDatabase(session: Asks): Promise<Finding[]> {
  const {
    major,
    version,
    database,
    isStandby,
    bytes: size,
    connections,
    mostConnections,
  } = await getServer(session);
  const said = `PostgreSQL ${version}, database ${database}, ${bytes(size)}.`;
  const found: Finding[] = [
    major >= OLDEST_MAJOR
      ? ok('database', said)
      : trouble('database', said, `The control plane needs ${OLDEST_MAJOR} or newer.`, 'Upgrade the server.'),
  ];
  if (isStandby) {
    found.push(
      trouble(
        'database',
        'It is a standby.',
        'Nothing can be written there.',
        'Let DATABASE_URL lead to the primary.',
      ),
    );
  }
  if (connections > CROWDED * mostConnections) {
    found.push(
      warning(
        'database',
        `${connections} of ${mostConnections} connections are in use.`,
        'The next program that starts may be refused.',
        'Lower SKYNET_DB_POOL_SIZE, put a pooler in front, or raise max_connections.',
      ),
    );
  }
  return found;
}
