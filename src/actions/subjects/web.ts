import { type HTMLElement, parse } from 'node-html-parser';
import { request } from 'undici';
import { readBounded } from '../../platform/http/reply-body.js';
import { type ActionResult } from '../../contracts/gateway-api.js';
import { type ActionContext, type MachineActions } from '../machine-action.js';
import { numberParam, text, textParam, whole } from '../parameters.js';
import { done, failed } from '../results.js';
import { withinLimit } from '../time-limit.js';

const MAX_PAGE_BYTES = 2 * 1_048_576;
/** So that ten results fit into what a result shows. */
const MAX_TITLE = 150;
const MAX_URL = 300;
const MAX_SNIPPET = 300;

export const webActions: MachineActions = {
  web_search: {
    params: { query: text({ required: true, maxCharacters: 1_000 }), num_results: whole(1, 10) },
    repeatable: true,
    execute: (context) =>
      searchTheWeb(
        context,
        textParam(context.params, 'query'),
        numberParam(context.params, 'num_results', 5),
      ),
  },
};

/** What a search has found. */
export interface Finding {
  readonly title: string;
  readonly url: string;
  readonly snippet: string;
}

async function searchTheWeb(context: ActionContext, query: string, most: number): Promise<ActionResult> {
  const url = new URL(context.config.webSearchUrl);
  url.searchParams.set('q', query);
  const { status, page } = await withinLimit(context, async (signal) => {
    const { statusCode, body } = await request(url, {
      signal,
      headers: { accept: 'text/html', 'user-agent': 'Mozilla/5.0 (compatible; SKYNET web_search)' },
    });
    return { status: statusCode, page: await readBounded(body, MAX_PAGE_BYTES) };
  });
  if (status !== 200) return failed(`The search at ${url.host} answered ${status}.`);
  const findings = findingsOf(page).slice(0, most);
  return done(findings.length === 0 ? 'No results.' : findings.map(asText).join('\n\n'));
}

/** The results of a page as DuckDuckGo writes it for browsers without scripts. Advertisements are left out. */
export function findingsOf(page: string): Finding[] {
  return parse(page)
    .querySelectorAll('.result')
    .filter((result) => !result.classList.contains('result--ad'))
    .flatMap((result) => {
      const link = result.querySelector('a.result__a');
      const url = targetOf(link?.getAttribute('href') ?? '');
      if (link === null || url === null) return [];
      const snippet = result.querySelector('.result__snippet');
      return [{ title: textOf(link), url, snippet: snippet === null ? '' : textOf(snippet) }];
    });
}

/** Where a link of a page of results leads: it passes through the search engine, which is skipped. Web addresses only. */
function targetOf(href: string): string | null {
  const base = 'https://duckduckgo.com';
  if (!URL.canParse(href, base)) return null;
  const link = new URL(href, base);
  const target = link.searchParams.get('uddg') ?? link.href;
  return URL.canParse(target) && /^https?:$/.test(new URL(target).protocol) ? target : null;
}

function textOf(element: HTMLElement): string {
  return element.textContent.replace(/\s+/g, ' ').trim();
}

function asText({ title, url, snippet }: Finding, index: number): string {
  const lines = [`${index + 1}. ${title.slice(0, MAX_TITLE)}`, `   ${url.slice(0, MAX_URL)}`];
  return [...lines, ...(snippet === '' ? [] : [`   ${snippet.slice(0, MAX_SNIPPET)}`])].join('\n');
}
