export { type Command, type Question } from './command.js';
export { gatewayCommands } from './gateway-commands.js';
export { TelegramBot } from './telegram-bot.js';
export { type TelegramConfig, telegramConfig } from './telegram.config.js';
