/** Which commands of this host others may run, and how. */
export interface CommandRules {
  readonly allowed: ReadonlySet<string>;
  /** Whether interpreters may be given code on their command line. */
  readonly denyInlineEval: boolean;
}

/** The exit code of what was refused before it ran. */
export const REFUSED_EXIT_CODE = 126;

/** Why a command is refused, or undefined when it may run. Names are compared exactly: a path is never allowed. */
export function refusalOfCommand(
  command: string,
  args: readonly string[],
  { allowed, denyInlineEval }: CommandRules,
): string | undefined {
  if (command.includes('/') || !allowed.has(command)) return `command not allowed: ${command}`;
  return denyInlineEval ? refusalOfInlineCode(command, args) : undefined;
}

/** Why `SKYCLAW_DENY_INLINE_EVAL` refuses a command line, or undefined. Only interpreters are looked at. */
export function refusalOfInlineCode(command: string, args: readonly string[]): string | undefined {
  const name = command.slice(command.lastIndexOf('/') + 1);
  const family = INTERPRETERS.find(({ names }) => names.test(name));
  const flag = family && args.find((arg) => family.inline.test(arg));
  return flag === undefined ? undefined : `inline code is not allowed: ${command} ${shown(flag)}`;
}

/**
 * Flags that carry code, wherever they stand: a rule that followed each interpreter's own order of arguments would be one
 * to slip through. So `bash script.sh -c` is refused as well.
 */
const INTERPRETERS: readonly { readonly names: RegExp; readonly inline: RegExp }[] = [
  { names: /^(ba|da|z|k|a|fi|c|tc|mk)?sh$|^busybox$/, inline: /^[-+][a-zA-Z]*c/ },
  {
    names: /^(node|nodejs|bun|deno|tsx|ts-node)$/,
    inline:
      /^-[a-zA-Z]*[ep]|^--(eval|print)\b|^eval$|^(--(import|require|loader|experimental-loader)=)?data:/,
  },
  { names: /^(python|pypy)[\d.]*$/, inline: /^-[a-zA-Z]*c/ },
  { names: /^(perl|ruby|lua|luajit|php|osascript)[\d.]*$/, inline: /^-[a-zA-Z]*[eErR]|^--(run|eval)\b/ },
  { names: /^(npm|npx|pnpm|pnpx|yarn)$/, inline: /^-c|^--(call|shell-mode)\b/ },
];

/** The flag without the code that may hang on it. */
function shown(flag: string): string {
  return flag.split('=')[0]?.slice(0, 20) ?? flag;
}
