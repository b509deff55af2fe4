import { Problem } from '../../platform/problems/problem.js';
import { type ProjectDetails, type ProjectsService, projectView } from '../projects/index.js';
import { type Command, type Question } from './command.js';
import { planText, projectLine, projectText } from './domain/project-text.js';
import { words } from './domain/command-line.js';

const MOST_PROJECTS = 20;

/** The commands of projects. They are another way to say what `POST /projects` and its like say. */
export function projectCommands(projects: ProjectsService): readonly Command[] {
  const show = (details: ProjectDetails): string | Question => {
    const view = projectView(details);
    if (view.waits_for !== 'approval') return projectText(view);
    return {
      question: `${planText(view)}\n\nApprove this plan?`,
      approve: () => heard(async () => projectText(projectView(await projects.approve(view.id)))),
    };
  };
  /** A command about one project. */
  const about = (
    name: string,
    what: string,
    run: (project: string) => Promise<string | Question>,
  ): Command => ({
    name,
    about: `<project>: ${what}`,
    run: (args) => {
      const [project = '', more = ''] = words(args, 1);
      if (project === '' || more !== '') return Promise.resolve(`Which project? /${name} <project>`);
      return heard(() => run(project));
    },
  });
  return [
    {
      name: 'newproject',
      about: '<name>: makes a project; further lines describe it',
      run: (args) => {
        const [name = '', ...description] = args.split('\n');
        if (name.trim() === '') return Promise.resolve('What is it called? /newproject <name>');
        if (name.length > 100) return Promise.resolve('A name has at most 100 characters.');
        const text = description.join('\n');
        if (text.length > 2_000) return Promise.resolve('A description has at most 2000 characters.');
        return heard(async () => projectText(projectView(await projects.create(name, text))));
      },
    },
    {
      name: 'idea',
      about: '<project> <idea>: adds an idea',
      run: (args) => {
        const [project = '', idea = ''] = words(args, 1);
        if (idea === '') return Promise.resolve('Which idea for which project? /idea <project> <idea>');
        if (idea.length > 2_000) return Promise.resolve('An idea has at most 2000 characters.');
        return heard(async () => projectText(projectView(await projects.addIdea(project, idea))));
      },
    },
    about('plan', 'has a plan made of its ideas, and asks whether it is approved', async (project) => {
      await projects.plan(project);
      return show(await projects.whenPlanned(project));
    }),
    {
      name: 'projects',
      about: 'the latest projects',
      run: () =>
        heard(async () => {
          const { projects: listed, more } = await projects.list(null, MOST_PROJECTS);
          const lines = listed.map(({ project, done }) => projectLine({ ...project, done }));
          return [...lines, ...(more ? ['… and more'] : [])].join('\n') || 'There are none.';
        }),
    },
    about(
      'status',
      'how far it is; asks whether its plan is approved, if it waits for that',
      async (project) => show(await projects.get(project)),
    ),
    about('pause', 'begins none of its tasks until it is resumed', async (project) =>
      show(await projects.pause(project)),
    ),
    about('resume_project', 'lets it go on', async (project) => show(await projects.resume(project))),
    about('cancel', 'ends it, and cancels its tasks', async (project) =>
      show(await projects.cancel(project)),
    ),
    about('removeproject', 'forgets it, if you agree; its folder stays', async (project) => {
      const { slug, directory } = (await projects.get(project)).project;
      return {
        question: `Forget project ${slug}? Its folder ${directory} stays.`,
        approve: () =>
          heard(async () => {
            await projects.remove(project);
            return `Project ${slug} is forgotten.`;
          }),
      };
    }),
  ];
}

/** What is refused is an answer as well. */
async function heard<T>(work: () => Promise<T>): Promise<T | string> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Problem) return error.message;
    throw error;
  }
}
