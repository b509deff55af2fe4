import { type Heartbeats } from '../heartbeats/index.js';
import { type Sentinel } from '../sentinel/index.js';
import { type Command } from './command.js';
import { heartbeatText, quotaText, sentinelText } from './domain/upkeep-text.js';

/** The commands that say how the gateway is. `quotas`: what `GET /providers` shows. */
export function upkeepCommands(
  sentinel: Sentinel,
  heartbeats: Heartbeats,
  quotas: () => Promise<Parameters<typeof quotaText>[0]>,
): readonly Command[] {
  return [
    {
      name: 'quota',
      about: 'what is used of the quotas of model providers',
      run: async () => quotaText(await quotas()),
    },
    {
      name: 'sentinel',
      about: 'how the components are, and the latest alerts',
      run: async () => sentinelText(await sentinel.overview()),
    },
    {
      name: 'heartbeat',
      about: 'the jobs that recur, and how they went',
      run: async () => heartbeatText(await heartbeats.list()),
    },
  ];
}
