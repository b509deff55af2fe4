import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { type RunningGateway } from '../../src/gateway/index.js';
import { Program } from '../support/program.js';
import { nobodyThere, ProjectsFixture, SMALL_PLAN } from './fixture.js';

jest.setTimeout(120_000);

let fixture: ProjectsFixture;
let gateway: RunningGateway;

beforeAll(async () => {
  fixture = await ProjectsFixture.create();
  gateway = await fixture.start({ SKYNET_GATEWAY_TOKEN: 'secret' }, { registered: false });
  await fixture.startExecutor();
});
afterAll(() => fixture.close());

async function project(
  ...args: readonly string[]
): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const program = Program.start('skynet', ['project', ...args], {
    OPENCLAW_GATEWAY_URL: gateway.url,
    SKYNET_GATEWAY_TOKEN: 'secret',
  });
  await once(program.child, 'close');
  return { code: await program.exit(), stdout: program.stdout.trim(), stderr: program.stderr.trim() };
}

it('skynet project leads a project to its end', async () => {
  const steps = 'directory: ok; readme: ok; git_init: ok; git_add: ok; git_commit: ok';
  expect(await project('new', 'From Afar', '--description', 'By command')).toEqual({
    code: 0,
    stdout: `from-afar is made, in ${fixture.root}/from-afar. ${steps}`,
    stderr: '',
  });
  expect((await project('idea', 'from-afar', 'a', 'small', 'library')).stdout).toBe(
    'from-afar is in ideation, waiting for ideas.',
  );
  expect(await project('plan', 'from-afar')).toEqual({
    code: 1,
    stdout: '',
    stderr: '[skynet] There is no plan: All AI providers failed. Last error: groq: HTTP 503: overloaded',
  });
  fixture.provider.answersWith(SMALL_PLAN);
  const { stdout: plan } = await project('plan', 'from-afar');
  expect(plan).toContain('Milestone 1/2: Core');
  expect(plan).toMatch(/ {2}commit +git_commit +waiting +Do commit/);
  expect(plan).toContain('from-afar is in planning, waiting for approval.');
  expect((await project('approve', 'from-afar')).stdout).toMatch(/from-afar is in (?:approved|coding)/);
  const watched = await project('watch', 'from-afar');
  expect(watched.code).toBe(0);
  expect(watched.stdout).toMatch(/milestone_started +Starting milestone 1\/2: Core \(4 tasks\)/);
  expect(watched.stdout.split('\n').at(-1)).toMatch(/completed +Project completed: 7\/7 tasks\.$/);
  const shown = JSON.parse((await project('status', 'from-afar', '--json')).stdout);
  expect(shown.project).toMatchObject({ status: 'completed', ideas: ['a small library'], tasks_done: 7 });
  expect((await project('status')).stdout).toMatch(
    /^PROJECT +STATUS[^\n]*\nfrom-afar +completed +- +1 +7\/7/,
  );
  expect((await project('remove', 'from-afar')).stdout).toContain(
    `Its folder stays: ${fixture.root}/from-afar`,
  );
});

it('skynet project idea takes a list, all of it or nothing', async () => {
  const list = join(fixture.root, 'ideas.txt');
  writeFileSync(list, 'add\r\n\n  subtract  \nmultiply\ndivide\n');
  await project('new', 'Listed');
  fixture.provider.answersWith(SMALL_PLAN);
  expect((await project('idea', 'listed', '--from', list)).stdout).toContain('listed is in planning');
  expect((await project('watch', 'listed')).code).toBe(0);
  const { project: shown } = JSON.parse((await project('status', 'listed', '--json')).stdout);
  expect(shown).toMatchObject({ status: 'completed', ideas: ['add', 'subtract', 'multiply', 'divide'] });
  expect((await project('idea', 'listed')).stderr).toBe('[skynet] Say an idea, or give a list with --from.');
  expect((await project('idea', 'listed', '--from', `${list}.none`)).stderr).toContain(
    '[skynet] The list of ideas cannot be read: ENOENT',
  );
});

it('skynet project says what is wrong, and ends with 1', async () => {
  expect(await project('status', 'nobody')).toEqual({
    code: 1,
    stdout: '',
    stderr: "[skynet] Project 'nobody' not found.",
  });
  expect((await project('new', '???')).stderr).toBe(
    '[skynet] The name of a project needs a letter from a to z or a digit.',
  );
  await project('new', 'Twice');
  expect((await project('new', 'twice')).stderr).toBe("[skynet] Project 'twice' already exists.");
  expect((await project('pause', 'twice')).stderr).toBe(
    "[skynet] Project 'twice' is in ideation and cannot be paused.",
  );
  await project('cancel', 'twice');
  expect(await project('watch', 'twice')).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/cancelled +Project cancelled\.$/),
  });
  const url = await nobodyThere();
  expect((await project('status', '--url', url)).stderr).toContain(
    `The gateway cannot be reached at ${url} (connection refused). Check that it runs there (skynet gateway)`,
  );
});
