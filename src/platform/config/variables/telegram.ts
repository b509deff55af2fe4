import { type Variable } from './variable.js';

export const telegramVariables = {
  TELEGRAM_BOT_TOKEN: {
    group: 'gateway',
    about: "Token of the gateway's Telegram bot. Unset: there is none.",
    secret: true,
  },
  TELEGRAM_ALLOWED_USER_ID: {
    group: 'gateway',
    about: 'The one user of Telegram whom the bot answers.',
  },
  DISABLE_TELEGRAM_BOT: { group: 'gateway', about: '1 runs the gateway without its bot.', default: '0' },
  TELEGRAM_API_BASE: {
    group: 'gateway',
    about: 'Where the Bot API is.',
    default: 'https://api.telegram.org',
  },
} as const satisfies Record<string, Variable>;
