import { Agent, type Dispatcher, request } from 'undici';
import { readBounded } from '../../platform/http/reply-body.js';
import { isTextType, mayFollow, rawUrlOf, type RemoteSkill } from './domain/skill-url.js';
import { MOST_FILE_BYTES } from './skill-scan.js';

const FETCH_TIMEOUT_MS = 15_000;
const MOST_REDIRECTS = 5;

export interface SkillFetcherOptions {
  readonly rawBase: string | undefined;
  /** How long the text of one skill may take, redirects included. */
  readonly timeoutMs?: number;
}

/** Reads skills from GitHub, or from a mirror of it. */
export class SkillFetcher {
  private readonly agent = new Agent({ pipelining: 1, maxHeaderSize: 16_384 });

  constructor(private readonly options: SkillFetcherOptions) {}

  /** The text of a skill. Throws an error that says why there is none, without the address. */
  async fetch(skill: RemoteSkill, signal: AbortSignal): Promise<string> {
    const { rawBase, timeoutMs = FETCH_TIMEOUT_MS } = this.options;
    const limit = AbortSignal.timeout(timeoutMs);
    const first = new URL(rawUrlOf(skill, rawBase));
    try {
      return await this.follow(first, AbortSignal.any([signal, limit]));
    } catch (error) {
      if (limit.aborted) throw new Error(`no whole answer within ${timeoutMs / 1_000} s`, { cause: error });
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.agent.destroy();
  }

  private async follow(first: URL, signal: AbortSignal): Promise<string> {
    let url = first;
    for (let left = MOST_REDIRECTS; ; left--) {
      const reply = await request(url, {
        dispatcher: this.agent,
        signal,
        headers: {
          accept: 'text/plain, text/markdown, application/octet-stream',
          'accept-encoding': 'identity',
        },
      });
      if (reply.statusCode < 300 || reply.statusCode >= 400) return await textOf(reply);
      discard(reply.body);
      url = nextOf(reply, url);
      if (!mayFollow(url, first)) throw new Error('redirected away from GitHub');
      if (left === 0) throw new Error(`redirected more than ${MOST_REDIRECTS} times`);
    }
  }
}

async function textOf(reply: Dispatcher.ResponseData): Promise<string> {
  const { statusCode, headers, body } = reply;
  const trouble = troubleOf(statusCode, headers);
  if (trouble !== null) {
    discard(body);
    throw new Error(trouble);
  }
  const text = await readBounded(body, MOST_FILE_BYTES);
  if (text.includes('\0')) throw new Error('answered with what is no text');
  return text;
}

/** Cuts an answer off that nobody reads; its stream tells of that as of an error, which is none. */
function discard(body: Dispatcher.ResponseData['body']): void {
  body.on('error', () => undefined).destroy();
}

function troubleOf(statusCode: number, headers: Dispatcher.ResponseData['headers']): string | null {
  if (statusCode !== 200) return `answered ${statusCode}`;
  const type = single(headers['content-type']);
  if (!isTextType(type)) return `answered with ${(type ?? '').slice(0, 100)}, which is no text`;
  const encoding = single(headers['content-encoding']) ?? 'identity';
  return encoding === 'identity' ? null : 'answered in an encoding that was not asked for';
}

function nextOf(reply: Dispatcher.ResponseData, from: URL): URL {
  const location = single(reply.headers['location']) ?? '';
  if (location === '' || !URL.canParse(location, from.href)) throw new Error('redirected to nowhere');
  return new URL(location, from);
}

const single = (header: string | string[] | undefined) => (Array.isArray(header) ? header[0] : header);
