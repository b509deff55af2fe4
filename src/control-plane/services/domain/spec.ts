/** What a generation of a service runs. Two generations are alike when all of this is. */
export interface ServiceSpec {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string | null;
  readonly env: Readonly<Record<string, string>> | null;
  /** Trimmed, unique, sorted. A host that lacks one of them runs no replica. */
  readonly requiredCapabilities: readonly string[];
  readonly maxPerHost: number;
  readonly healthPath: string | null;
  readonly image: string | null;
  /** Null: what the host does by default. */
  readonly network: boolean | null;
}

/** Whether two specs start the same process under the same conditions. The order of `env` does not matter. */
export function sameSpec(one: ServiceSpec, other: ServiceSpec): boolean {
  return identity(one) === identity(other);
}

function identity(spec: ServiceSpec): string {
  const { command, args, cwd, env, requiredCapabilities, maxPerHost, healthPath, image, network } = spec;
  const variables =
    env === null ? null : Object.entries(env).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return JSON.stringify([
    ...[command, args, cwd, variables, requiredCapabilities, maxPerHost],
    ...[healthPath, image, network],
  ]);
}
