import { type Logger } from '../../platform/logging/logger.js';
import { everyInterval } from '../../platform/loops/interval-clock.js';
import { Loop } from '../../platform/loops/loop.js';
import { type Guidance, guidanceOf } from './domain/guidance.js';
import { type RemoteSkill } from './domain/skill-url.js';
import { type Indexed, indexed, selectSkills, withoutDuplicates } from './domain/selection.js';
import { SkillCache } from './skill-cache.js';
import { SkillFetcher } from './skill-fetcher.js';
import { type FoundSkill, type Scan, scanSkills } from './skill-scan.js';
import { type SkillsConfig } from './skills.config.js';

const PARALLEL_FETCHES = 4;
/** What counts of a longer query. */
export const MOST_QUERY = 10_000;

/** What other features know of skills. */
export interface Skills {
  /** The text for a prompt about `query`; empty when there is nothing to say. Fast: asks neither disk nor network. */
  guidanceFor(query: string): string;
}

/**
 * The skills that are there: read from the folders at the start and again and again, and fetched from GitHub into the cache
 * before each further look. A skill that cannot be fetched keeps its last good copy; each trouble is told once.
 */
export class SkillLibrary extends Loop implements Skills {
  private skills: readonly Indexed<FoundSkill>[] = [];
  private readonly cache: SkillCache | undefined;
  private readonly fetcher: SkillFetcher;
  private told: ReadonlySet<string> = new Set();

  constructor(
    private readonly config: SkillsConfig,
    logger: Logger,
    fetchTimeoutMs?: number,
  ) {
    super({ name: 'skills', intervalMs: config.refreshMs, logger }, everyInterval);
    const { cacheFolder, remote, rawBase } = config;
    this.cache = cacheFolder === undefined ? undefined : new SkillCache(cacheFolder, remote);
    this.fetcher = new SkillFetcher({
      rawBase,
      ...(fetchTimeoutMs === undefined ? {} : { timeoutMs: fetchTimeoutMs }),
    });
  }

  /** All of them, in the order in which the first of equal names wins. */
  get all(): readonly FoundSkill[] {
    return this.skills.map(({ skill }) => skill);
  }

  /** Reads what is on the disk, and goes on from there in the background. Nothing to look at: does nothing, ever. */
  async open(): Promise<void> {
    for (const warning of this.config.warnings) this.logger.warn(warning);
    if (this.config.folder === undefined && this.cache === undefined) return;
    this.tell(await this.look());
    this.start();
  }

  async close(): Promise<void> {
    await this.stop();
    await this.fetcher.close();
  }

  guidanceFor(query: string): string {
    return this.match(query).text;
  }

  /** What {@link guidanceFor} would say, block by block. */
  match(query: string): Guidance {
    const { alwaysOn, snippetChars } = this.config;
    return guidanceOf(selectSkills(this.skills, query.slice(0, MOST_QUERY), alwaysOn), snippetChars);
  }

  protected async runOnce(signal: AbortSignal): Promise<void> {
    const troubles = await this.fetchAll(signal);
    if (!signal.aborted) this.tell([...troubles, ...(await this.look())]);
  }

  /** Reads the folders; returns what was wrong with them. */
  private async look(): Promise<readonly string[]> {
    const { folder } = this.config;
    const none: Scan = { skills: [], warnings: [] };
    const own = folder === undefined ? none : await scanSkills(folder);
    const cached = (await this.cache?.scan()) ?? none;
    this.skills = withoutDuplicates([...own.skills, ...cached.skills]).map(indexed);
    return [...own.warnings, ...cached.warnings];
  }

  private async fetchAll(signal: AbortSignal): Promise<readonly string[]> {
    const troubles: string[] = [];
    let next = 0;
    const lane = async () => {
      for (let skill = this.config.remote[next++]; skill !== undefined; skill = this.config.remote[next++]) {
        if (signal.aborted) return;
        const trouble = await this.fetchOne(skill, signal);
        if (trouble !== null) troubles.push(trouble);
      }
    };
    await Promise.all(Array.from({ length: PARALLEL_FETCHES }, lane));
    return troubles;
  }

  private async fetchOne(skill: RemoteSkill, signal: AbortSignal): Promise<string | null> {
    try {
      await this.cache?.keep(skill, await this.fetcher.fetch(skill, signal));
      return null;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return `The skill ${skill.url} was not fetched (${reason}); its last copy stays.`;
    }
  }

  private tell(troubles: readonly string[]): void {
    for (const trouble of troubles) if (!this.told.has(trouble)) this.logger.warn(trouble);
    this.told = new Set(troubles);
  }
}
