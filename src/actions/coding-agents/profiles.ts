import { type Keep } from '../processes/kept-output.js';

/** The coding agents that can be run. */
export const agentNames = ['codex', 'claude', 'cline', 'openclaw'] as const;
export type AgentName = (typeof agentNames)[number];

/** What may stand in an argument, and is replaced by what it is in this run. */
export type Placeholder = '{prompt_file}' | '{run_id}' | '{timeout_seconds}';

/**
 * Where a value is in JSON: names and indexes from the outside in; `*` is every element of a list, whose texts are put
 * one below the other.
 */
export type JsonPath = readonly (string | number)[];

/** How an agent's last word is found in what it prints. What cannot be read is shown as it is. */
export type Answer =
  | { readonly format: 'text' }
  | {
      /** `json`: one document. `json-lines`: one a line, of which the last that has all of `where` counts. */
      readonly format: 'json' | 'json-lines';
      readonly where?: Readonly<Record<string, string>>;
      /** Where the text is; the first place that has some counts. */
      readonly text: readonly JsonPath[];
      /** Where a `true` says that the agent failed although it ended with 0. */
      readonly failed?: JsonPath;
    };

/** All that there is to know about a coding agent. A new one is an entry below and a setting for its binary. */
export interface AgentProfile {
  /** The arguments of a run without a person. They never hold the prompt, which other users of the machine could read. */
  readonly args: readonly string[];
  /** How the prompt gets in: by standard input, or in a file of its own for those that read none. */
  readonly prompt: 'stdin' | 'file';
  readonly answer: Answer;
  /** What is kept of its output to find the answer in. */
  readonly keep: Keep;
}

const KIB = 1_024;

export const agentProfiles: Readonly<Record<AgentName, AgentProfile>> = {
  codex: {
    args: ['exec', '--sandbox', 'workspace-write', '--skip-git-repo-check', '--color', 'never', '-'],
    prompt: 'stdin',
    // Its last message is all that it prints to its standard output.
    answer: { format: 'text' },
    keep: { from: 'start', maxCharacters: 64 * KIB },
  },
  claude: {
    args: ['--print', '--output-format', 'json', '--permission-mode', 'acceptEdits'],
    prompt: 'stdin',
    answer: { format: 'json', text: [['result']], failed: ['is_error'] },
    keep: { from: 'start', maxCharacters: 1_024 * KIB },
  },
  cline: {
    args: ['--yolo', '--json', 'Do what standard input says.'],
    prompt: 'stdin',
    answer: { format: 'json-lines', where: { type: 'run_result' }, text: [['text']] },
    keep: { from: 'end', maxCharacters: 256 * KIB },
  },
  openclaw: {
    args: [
      ...['agent', '--local', '--agent', 'main', '--session-id', '{run_id}'],
      ...['--message-file', '{prompt_file}', '--timeout', '{timeout_seconds}', '--json'],
    ],
    prompt: 'file',
    answer: {
      format: 'json',
      text: [
        ['payloads', '*', 'text'],
        ['result', 'payloads', '*', 'text'],
      ],
    },
    keep: { from: 'start', maxCharacters: 1_024 * KIB },
  },
};

/** The agent that a request names. */
export function agentOf(
  name: string,
): { readonly ok: true; readonly agent: AgentName } | { readonly ok: false; readonly error: string } {
  const agent = agentNames.find((known) => known === name);
  if (agent !== undefined) return { ok: true, agent };
  return { ok: false, error: `Unknown agent: ${name} (known: ${agentNames.join(', ')})` };
}
