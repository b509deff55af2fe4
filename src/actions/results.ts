import { type ActionResult } from '../contracts/gateway-api.js';
import { cutText } from './cut-text.js';

/** How much of a command's output a result shows. */
export const MAX_STDOUT = 8_192;
export const MAX_STDERR = 4_096;

export const done = (stdout: string): ActionResult => ({ returncode: 0, stdout, stderr: '' });

export const failed = (stderr: string): ActionResult => ({
  returncode: 1,
  stdout: '',
  stderr: cutText(stderr, MAX_STDERR),
});

/** A result with a word of ours before what the program said: it must survive the cut. */
export function noted(result: ActionResult, note: string): ActionResult {
  const stderr = result.stderr === '' ? note : `${note}\n${result.stderr}`;
  return { ...result, stderr: cutText(stderr, MAX_STDERR) };
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
