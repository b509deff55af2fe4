import { type ActionResult } from '../../../contracts/gateway-api.js';
import { type CodingAgent } from '../domain/remote-actions.js';

/** Asks each coding agent for its version, one after the other: a line each says whether it is there. */
export async function checkCodingAgents(
  agents: Readonly<Record<CodingAgent, string>>,
  perform: (commands: readonly (readonly string[])[]) => Promise<ActionResult>,
): Promise<ActionResult> {
  const lines: string[] = [];
  for (const [name, program] of Object.entries(agents)) {
    const { returncode, stdout } = await perform([[program, '--version']]);
    if (returncode === -1) return { returncode, stdout: lines.join('\n'), stderr: `${name} did not answer.` };
    const version = stdout.trim().split('\n', 1)[0] ?? '';
    lines.push(`${name}: ${returncode === 0 ? `available ${version}`.trim() : 'not available'}`);
  }
  return { returncode: 0, stdout: lines.join('\n'), stderr: '' };
}
