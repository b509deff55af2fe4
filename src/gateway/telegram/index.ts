export { gatewayCommands } from './gateway-commands.js';
export { projectCommands } from './project-commands.js';
export { type Approval, TelegramBot } from './telegram-bot.js';
export { type TelegramConfig, telegramConfig } from './telegram.config.js';
export { upkeepCommands } from './upkeep-commands.js';
