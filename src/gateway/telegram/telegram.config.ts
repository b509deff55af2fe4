import { type Env } from '../../platform/config/env.js';

export interface TelegramConfig {
  readonly token: string;
  /** Nobody else is answered. */
  readonly allowedUserId: number;
  /** Without a slash at its end. */
  readonly apiBase: string;
}

const DEFAULT_API_BASE = 'https://api.telegram.org';

/** Undefined when there is no bot: it is switched off, or token or user are missing. */
export function telegramConfig(env: Env): TelegramConfig | undefined {
  const allowedUserId = env.optional('TELEGRAM_ALLOWED_USER_ID', 'the number of a user', (raw) =>
    /^\d{1,15}$/.test(raw) ? Number(raw) : undefined,
  );
  if (env.flag('DISABLE_TELEGRAM_BOT')) return undefined;
  const token = env.optional('TELEGRAM_BOT_TOKEN', 'set together with TELEGRAM_ALLOWED_USER_ID', (raw) =>
    allowedUserId === undefined ? undefined : raw,
  );
  if (token === undefined || allowedUserId === undefined) return undefined;
  const apiBase = env.optional('TELEGRAM_API_BASE', 'an http(s) URL', (raw) =>
    URL.canParse(raw) && /^https?:$/.test(new URL(raw).protocol) ? raw.replace(/\/+$/, '') : undefined,
  );
  return { token, allowedUserId, apiBase: apiBase ?? DEFAULT_API_BASE };
}
