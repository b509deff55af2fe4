import { type Variable } from './variable.js';

export const skillVariables = {
  SKYNET_EXTERNAL_SKILLS_DIR: {
    group: 'gateway',
    about: 'Folder that is searched for skills (SKILL.md), at any depth.',
  },
  SKYNET_EXTERNAL_SKILL_URLS: {
    group: 'gateway',
    about:
      'Skills to fetch, separated by commas or lines: https://github.com/{owner}/{repository}/tree/{ref}/{path}, blob, or raw.githubusercontent.com.',
  },
  SKYNET_EXTERNAL_SKILLS_CACHE_DIR: {
    group: 'gateway',
    about:
      'Where fetched skills are kept for when GitHub does not answer; searched like SKYNET_EXTERNAL_SKILLS_DIR.',
    default: '.skynet-skills',
  },
  SKYNET_EXTERNAL_SKILLS_REFRESH_SECS: {
    group: 'gateway',
    about: 'Seconds between two looks at skills, in folders and on GitHub.',
    default: '300',
  },
  SKYNET_SKILLS_RAW_BASE: {
    group: 'gateway',
    about: 'A mirror that is asked for skills instead of https://raw.githubusercontent.com.',
  },
  SKYNET_ALWAYS_ON_PROMPT_SKILLS: {
    group: 'gateway',
    about: 'Comma list of the skills that are part of every prompt; a comma alone means none.',
    default: 'memory-governance,agent-memory,self-improvement,memory-management,claude-reflection',
  },
  SKYNET_ALWAYS_ON_PROMPT_SNIPPET_CHARS: {
    group: 'gateway',
    about: 'Characters of each of them that a prompt gets; at least 300.',
    default: '1200',
  },
} as const satisfies Record<string, Variable>;
