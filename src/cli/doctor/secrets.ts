import { type EnvSource } from '../../platform/config/env.js';
import { type Variable, variables } from '../../platform/config/variables/index.js';
import { type Finding, ok, trouble, warning } from '../findings.js';

const SHORTEST = 16;
const GUESSED =
  /^(change[-_ ]?me|secret|password|passwd|admin|administrator|root|test|default|example|token|key|skynet|skyclaw|openclaw|postgres|1234.*|.*change[-_ ]?this.*|your[-_ ].*|<.*>|x+)$/i;
const LONG_RANDOM = 'Set it to a long random text: openssl rand -hex 32';

/** Of these somebody who guesses one may do everything, or hand in work. */
const KEYS = [
  'SKYNET_API_KEY',
  'SKYNET_GATEWAY_TOKEN',
  'SKYNET_AUTH_TOKEN',
  'OPENCLAW_AUTH_TOKEN',
  'SKYCLAW_TOKEN',
  'SKYCLAW_TOKEN_PREVIOUS',
];

/** Secrets that are missing, that anybody would try first, or that are short enough to be tried. */
export function lookAtSecrets(source: EnvSource): Finding[] {
  const valueOf = (name: string) => source[name]?.trim() ?? '';
  const host = valueOf('SKYNET_HOST');
  const isOpen = host !== '' && !/^(127\.|localhost$|::1$)/.test(host);
  const found = [
    ...KEYS.flatMap((name) => judge(name, valueOf(name))),
    ...lookAtPassword(valueOf('DATABASE_URL')),
    ...(valueOf('SKYNET_API_KEY') === '' ? [withoutKey(isOpen)] : []),
    ...(valueOf('SKYCLAW_TOKEN') === '' && (isOpen || valueOf('SKYNET_API_KEY') !== '')
      ? [
          warning(
            'secrets',
            'SKYCLAW_TOKEN is not set.',
            'Whoever reaches the API may hand in jobs, deploy services and act as a host.',
            `${LONG_RANDOM}; here and at the hosts.`,
          ),
        ]
      : []),
    ...(valueOf('SKYCLAW_TOKEN_PREVIOUS') === ''
      ? []
      : [
          warning(
            'secrets',
            'SKYCLAW_TOKEN_PREVIOUS is set.',
            'The token that was replaced is still accepted.',
            'Remove it once all hosts and callers have the new one.',
          ),
        ]),
  ];
  const set = Object.entries(variables as Record<string, Variable>).filter(
    ([name, { secret }]) => secret === true && valueOf(name) !== '',
  ).length;
  return found.length > 0 ? found : [ok('secrets', `${set} set, none of them short or well known.`)];
}

function withoutKey(isOpen: boolean): Finding {
  const finding = 'SKYNET_API_KEY is not set.';
  return isOpen
    ? trouble(
        'secrets',
        finding,
        'Whoever reaches the address of SKYNET_HOST may do everything.',
        LONG_RANDOM,
      )
    : warning(
        'secrets',
        finding,
        'The API is open to whoever is on this machine, and to nobody else.',
        LONG_RANDOM,
      );
}

function judge(name: string, value: string): Finding[] {
  if (value === '') return [];
  if (GUESSED.test(value))
    return [
      trouble('secrets', `${name} is one that anybody would try first.`, 'It protects nothing.', LONG_RANDOM),
    ];
  if (value.length >= SHORTEST) return [];
  return [
    warning(
      'secrets',
      `${name} has fewer than ${SHORTEST} characters.`,
      'It can be found by trying.',
      LONG_RANDOM,
    ),
  ];
}

function lookAtPassword(url: string): Finding[] {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    return [];
  }
  const { username, password, hostname } = parsed;
  const isNear = /^(localhost|127\.|\[::1\]|$)/.test(hostname);
  if (password === '' || !(GUESSED.test(password) || password === username)) return [];
  return [
    (isNear ? warning : trouble)(
      'secrets',
      'The password in DATABASE_URL is one that anybody would try first.',
      'Whoever reaches the database may read and change everything.',
      `${LONG_RANDOM} (alter role … password …).`,
    ),
  ];
}
