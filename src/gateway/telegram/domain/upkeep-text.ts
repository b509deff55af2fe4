interface Quota {
  readonly limit: number | null;
  readonly used: number;
}

interface ProviderInWords {
  readonly name: string;
  readonly registered: boolean;
  readonly usable: boolean;
  readonly reason: string | null;
  readonly day: Quota;
  readonly minute: Quota;
}

/** What is used of the quotas of the providers that are configured. */
export function quotaText({ providers }: { readonly providers: readonly ProviderInWords[] }): string {
  const used = ({ used: count, limit }: Quota) => `${count}/${limit ?? 'no limit'}`;
  const lines = providers
    .filter(({ registered }) => registered)
    .map(
      ({ name, usable, reason, day, minute }) =>
        `${name}: today ${used(day)}, this minute ${used(minute)}${usable ? '' : `. ${reason ?? ''}`}`,
    );
  return lines.join('\n') || 'No provider is configured.';
}

interface SentinelInWords {
  readonly seen: readonly { readonly component: string; readonly state: string; readonly detail: string }[];
  readonly alerts: readonly { readonly message: string; readonly createdAt: string }[] | null;
}

const SHOWN_ALERTS = 5;

/** How the components are, and what was told of them lately. */
export function sentinelText({ seen, alerts }: SentinelInWords): string {
  const lines = seen.map(({ component, state, detail }) => `${component}: ${state}. ${detail}`);
  const told = (alerts ?? []).slice(0, SHOWN_ALERTS);
  return [
    ...(lines.length === 0 ? ['The first look is still to come.'] : lines),
    ...(told.length === 0 ? [] : ['', 'Latest alerts:']),
    ...told.map(({ message, createdAt }) => `${minuteOf(createdAt)} ${message}`),
  ].join('\n');
}

interface HeartbeatInWords {
  readonly name: string;
  readonly dueAt: string;
  readonly isRunning: boolean;
  readonly endedAt: string | null;
  readonly outcome: string | null;
  readonly message: string;
}

/** The jobs that recur: how they went last, and when they are due. */
export function heartbeatText(heartbeats: readonly HeartbeatInWords[]): string {
  return heartbeats
    .map(({ name, dueAt, isRunning, endedAt, outcome, message }) => {
      const next = isRunning ? 'runs now' : `next ${minuteOf(dueAt)}`;
      const last =
        endedAt === null || outcome === null ? 'not done yet' : `${outcome} ${minuteOf(endedAt)}. ${message}`;
      return `${name}: ${next}; ${last}`;
    })
    .join('\n');
}

/** An instant in UTC to the minute. */
const minuteOf = (instant: string) => `${instant.slice(0, 16).replace('T', ' ')} UTC`;
