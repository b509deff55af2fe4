import { before } from './before.js';
import { files } from './files.js';
import { jobs } from './jobs.js';
import { keys } from './keys.js';
import { others } from './others.js';
import { pauses } from './pauses.js';
import { type Case } from './case.js';
import { takers } from './takers.js';

export { type Case } from './case.js';

/** Every situation that an explanation is tried in. */
export const cases: readonly Case[] = [
  ...takers,
  ...before,
  ...files,
  ...keys,
  ...pauses,
  ...jobs,
  ...others,
];
