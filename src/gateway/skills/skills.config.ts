import { resolve } from 'node:path';
import { type Env } from '../../platform/config/env.js';
import { parseSkillUrl, type RemoteSkill } from './domain/skill-url.js';

export interface SkillsConfig {
  /** Undefined: no folder of one's own. */
  readonly folder: string | undefined;
  /** Undefined: nothing is fetched, and none was named. */
  readonly cacheFolder: string | undefined;
  readonly remote: readonly RemoteSkill[];
  /** Instead of https://raw.githubusercontent.com; without a slash at its end. */
  readonly rawBase: string | undefined;
  /** Names of skills that are part of every prompt. */
  readonly alwaysOn: readonly string[];
  /** How much of each of them. */
  readonly snippetChars: number;
  readonly refreshMs: number;
  /** Settings that were left out, a sentence each. */
  readonly warnings: readonly string[];
}

const MOST_URLS = 200;
const LEAST_SNIPPET = 300;
const MOST_SNIPPET = 6_000;

export function skillsConfig(env: Env): SkillsConfig {
  const { remote, warnings } = remoteSkills(env.text('SKYNET_EXTERNAL_SKILL_URLS'));
  const isCacheNamed = env.isSet('SKYNET_EXTERNAL_SKILLS_CACHE_DIR');
  return Object.freeze({
    folder: env.isSet('SKYNET_EXTERNAL_SKILLS_DIR')
      ? resolve(env.text('SKYNET_EXTERNAL_SKILLS_DIR'))
      : undefined,
    cacheFolder:
      isCacheNamed || remote.length > 0 ? resolve(env.text('SKYNET_EXTERNAL_SKILLS_CACHE_DIR')) : undefined,
    remote,
    rawBase: env.optional('SKYNET_SKILLS_RAW_BASE', 'an http(s) URL', (raw) =>
      URL.canParse(raw) && /^https?:$/.test(new URL(raw).protocol) ? raw.replace(/\/+$/, '') : undefined,
    ),
    alwaysOn: env.list('SKYNET_ALWAYS_ON_PROMPT_SKILLS'),
    snippetChars: Math.max(
      LEAST_SNIPPET,
      env.integer('SKYNET_ALWAYS_ON_PROMPT_SNIPPET_CHARS', { min: 0, max: MOST_SNIPPET }),
    ),
    refreshMs: env.number('SKYNET_EXTERNAL_SKILLS_REFRESH_SECS', { min: 0.05, max: 86_400 }) * 1_000,
    warnings,
  });
}

function remoteSkills(list: string): Pick<SkillsConfig, 'remote' | 'warnings'> {
  const entries = list
    .split(/[,\n]/)
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  const read = entries.map(parseSkillUrl);
  const good = new Map(read.filter((skill) => skill !== null).map((skill) => [skill.url, skill]));
  const bad = read.filter((skill) => skill === null).length;
  const warnings = [
    ...(bad === 0
      ? []
      : [
          'SKYNET_EXTERNAL_SKILL_URLS should name skills on github.com (tree or blob) or raw.githubusercontent.com; ' +
            `${bad} of its entries are ignored.`,
        ]),
    ...(good.size > MOST_URLS
      ? [`SKYNET_EXTERNAL_SKILL_URLS names more than ${MOST_URLS} skills; the rest is ignored.`]
      : []),
  ];
  return { remote: [...good.values()].slice(0, MOST_URLS), warnings };
}
