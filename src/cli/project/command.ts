import { setTimeout as wait } from 'node:timers/promises';
import { Command } from 'commander';
import { say, sayJson, textFrom, UsageError } from '../terminal.js';
import { openProjects, type ProjectDetails, type ProjectOrder } from './gateway-projects.js';
import { planText, projectTable, projectText, sentence } from './show.js';
import { watchProject } from './watch.js';

interface ProjectFlags {
  readonly url?: string;
  readonly json?: true;
}

interface NewFlags extends ProjectFlags {
  readonly description?: string;
}

interface IdeaFlags extends ProjectFlags {
  readonly from?: string;
}

interface PlanFlags extends ProjectFlags {
  readonly wait: boolean;
}

const LOOK_EVERY_MS = 500;

/** `skynet project …`: projects of a gateway, from ideas to commits. */
export function projectCommand(): Command {
  const project = new Command('project')
    .description('lead projects from ideas to commits')
    .showSuggestionAfterError();
  withFlags(project.command('new'))
    .description('make a project, with a folder, a README and a git repository')
    .argument('<name>', 'what it is called; its folder is named after it')
    .option('--description <text>', 'what it is about')
    .addHelpText('after', '\nExample:\n  skynet project new "Math Library" --description "Small functions"')
    .action(create);
  withFlags(project.command('idea'))
    .description('add an idea or a list of them, as long as the project is in ideation')
    .argument('<project>', 'id or slug')
    .argument('[idea...]', 'what should be built')
    .option('--from <file>', 'a list, one idea a line (- is standard input)')
    .addHelpText(
      'after',
      '\nExamples:\n  skynet project idea math-library a function that adds two numbers' +
        '\n  skynet project idea math-library --from ideas.txt',
    )
    .action(addIdea);
  withFlags(project.command('plan'))
    .description('have a plan made of the ideas, and print it')
    .argument('<project>', 'id or slug')
    .option('--no-wait', 'do not wait for the plan')
    .addHelpText('after', '\nExample:\n  skynet project plan math-library')
    .action(plan);
  addOrder(project, 'approve', 'approve the plan: the project runs as soon as a place is free');
  withFlags(project.command('status'))
    .description('list projects, or show one with its plan')
    .argument('[project]', 'id or slug')
    .addHelpText('after', '\nExamples:\n  skynet project status\n  skynet project status math-library')
    .action(status);
  withFlags(project.command('watch'))
    .description('print what happens to a project until it ends; exit code 0 when it has completed')
    .argument('<project>', 'id or slug')
    .addHelpText('after', '\nExample:\n  skynet project watch math-library')
    .action(watch);
  addOrder(project, 'pause', 'begin no further task until it is resumed');
  addOrder(project, 'resume', 'let a paused project go on');
  addOrder(project, 'cancel', 'end a project and cancel its tasks');
  withFlags(project.command('remove'))
    .description('forget a project that does not run; its folder stays')
    .argument('<project>', 'id or slug')
    .addHelpText('after', '\nExample:\n  skynet project remove math-library')
    .action(remove);
  return project;
}

function withFlags(command: Command): Command {
  return command
    .option('--url <address>', 'address of the gateway (OPENCLAW_GATEWAY_URL)')
    .option('--json', 'print what the API answers');
}

function addOrder(project: Command, order: ProjectOrder, about: string): void {
  withFlags(project.command(order))
    .description(about)
    .argument('<project>', 'id or slug')
    .addHelpText('after', `\nExample:\n  skynet project ${order} math-library`)
    .action(async (name: string, flags: ProjectFlags) => {
      tell(await openProjects(flags.url).order(name, order), flags);
    });
}

async function create(name: string, flags: NewFlags): Promise<void> {
  const answer = await openProjects(flags.url).create(name, flags.description ?? '');
  if (flags.json === true) {
    sayJson(answer);
    return;
  }
  const { slug, directory, bootstrap_summary: summary } = answer.project;
  say(`${slug} is made, in ${directory}.${summary === '' ? '' : ` ${summary}`}`);
}

async function addIdea(name: string, words: readonly string[], flags: IdeaFlags): Promise<void> {
  const { from } = flags;
  const listed = from === undefined ? [] : linesOf(textFrom(from, 'The list of ideas'));
  const ideas = [...(words.length === 0 ? [] : [words.join(' ')]), ...listed];
  if (ideas.length === 0) throw new UsageError('Say an idea, or give a list with --from.');
  tell(await openProjects(flags.url).addIdeas(name, ideas), flags);
}

/** The lines of a list that are not blank. */
function linesOf(text: string): readonly string[] {
  return text.split(/\r?\n/).filter((line) => line.trim() !== '');
}

async function plan(name: string, flags: PlanFlags): Promise<void> {
  const projects = openProjects(flags.url);
  let answer = await projects.order(name, 'plan');
  while (flags.wait && answer.project.waits_for === 'plan') {
    await wait(LOOK_EVERY_MS);
    answer = await projects.get(name);
  }
  const { project } = answer;
  if (flags.json === true) sayJson(answer);
  else if (project.plan !== null) say(`${planText(project)}\n\n${sentence(project)}`);
  else if (!flags.wait) say(sentence(project));
  if (flags.wait && project.plan === null) throw new UsageError(`There is no plan: ${project.error}`);
}

async function status(name: string | undefined, flags: ProjectFlags): Promise<void> {
  const projects = openProjects(flags.url);
  if (name === undefined) {
    const answer = await projects.list();
    if (flags.json === true) sayJson(answer);
    else say(projectTable(answer.projects));
    return;
  }
  const answer = await projects.get(name);
  if (flags.json === true) sayJson(answer);
  else say(projectText(answer.project));
}

async function watch(name: string, flags: ProjectFlags): Promise<void> {
  const end = await watchProject(openProjects(flags.url), name, { json: flags.json === true });
  if (end !== 'completed') process.exitCode = 1;
}

async function remove(name: string, flags: ProjectFlags): Promise<void> {
  const answer = await openProjects(flags.url).remove(name);
  if (flags.json === true) sayJson(answer);
  else say(`${answer.removed} is forgotten. Its folder stays: ${answer.directory}`);
}

function tell(answer: { readonly project: ProjectDetails }, { json }: ProjectFlags): void {
  if (json === true) sayJson(answer);
  else say(sentence(answer.project));
}
