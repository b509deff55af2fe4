import { type ProviderName } from './catalogue.js';

/** Which providers are asked first for a kind of work; the others follow in the order of priority. */
export const firstForTask = {
  scaffold: ['ollama'],
  crud: ['ollama'],
  boilerplate: ['ollama'],
  fast_patch: ['groq', 'ollama'],
  unit_test: ['groq', 'ollama'],
  planning: ['gemini', 'ollama'],
  readme_polish: ['gemini'],
  hard_debug: ['deepseek', 'claude'],
  complex_refactor: ['ollama', 'claude'],
  general: [],
} as const satisfies Record<string, readonly ProviderName[]>;

export type TaskType = keyof typeof firstForTask;

export const taskTypes = Object.keys(firstForTask) as readonly TaskType[];

export function isTaskType(value: unknown): value is TaskType {
  return taskTypes.includes(value as TaskType);
}
