/** What must hold for a capability to be offered: all that is named. */
export interface CapabilityProbe {
  readonly capability: string;
  /** A program and its arguments that must end with 0. */
  readonly command: readonly string[];
  /** Files or folders that must exist. */
  readonly files: readonly string[];
  /** Variables of the daemon that must be set. */
  readonly env: readonly string[];
}

/** Reads the content of SKYCLAW_CAPABILITY_PROBES. Throws an error that says what is wrong with it. */
export function parseCapabilityProbes(content: unknown): readonly CapabilityProbe[] {
  if (!isRecord(content)) throw new Error('It should be a map from capabilities to what must hold for them.');
  return Object.entries(content).map(([capability, value]) => {
    if (!isRecord(value)) throw new Error(`${capability} should be a map of command, files and env.`);
    const unknown = Object.keys(value).find((key) => !['command', 'files', 'env'].includes(key));
    if (unknown !== undefined)
      throw new Error(`${capability} has ${unknown}; it knows command, files and env.`);
    const probe = {
      capability: capability.trim(),
      command: texts(value['command'], `${capability}.command`),
      files: texts(value['files'], `${capability}.files`),
      env: texts(value['env'], `${capability}.env`),
    };
    if (probe.command.length + probe.files.length + probe.env.length === 0) {
      throw new Error(`${capability} asks for nothing; name a command, files or env.`);
    }
    return probe;
  });
}

/** What a host offers: trimmed, unique and sorted. */
export function offeredCapabilities(...lists: readonly (readonly string[])[]): readonly string[] {
  const names = lists.flat().map((name) => name.trim());
  return [...new Set(names.filter((name) => name !== ''))].sort();
}

function texts(value: unknown, where: string): readonly string[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value) && value.every((entry) => typeof entry === 'string' && entry !== '')) {
    return value as string[];
  }
  throw new Error(`${where} should be a list of texts.`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
