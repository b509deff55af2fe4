import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import * as queries from './profiles.queries.js';
import { type Fact, type Profile } from './profiles.queries.js';

const MOST_FACTS = 200;
/** A shorter text stands in too many others to say what is to be forgotten. */
const LEAST_PART = 3;

export interface ProfileWithFacts extends Profile {
  readonly facts: readonly Fact[];
}

/** Why a fact was not remembered. */
export type Refusal = 'memory-off' | 'full';

/** What the gateway remembers of the people whom it talks to, and whether it may. */
@Injectable()
export class ProfilesService {
  constructor(private readonly database: Database) {}

  /** A person with all that is remembered; null when there is no such profile. */
  async find(userId: number): Promise<ProfileWithFacts | null> {
    const profile = await queries.findProfile(this.database, userId);
    return profile && this.withFacts(profile);
  }

  /** The same, made anew if there is none. */
  async findOrAdd(userId: number): Promise<ProfileWithFacts | null> {
    await queries.addProfile(this.database, userId);
    return this.find(userId);
  }

  /**
   * Remembers a fact under a key, in the place of what it said before, and makes the profile if there is none. Refuses when
   * the person has switched memory off, and beyond 200 facts.
   */
  remember(userId: number, key: string, text: string): Promise<Refusal | 'remembered'> {
    return this.database.transaction(async (tx) => {
      await queries.addProfile(tx, userId);
      const profile = await queries.lockProfile(tx, userId);
      if (profile?.memoryEnabled !== true) return 'memory-off';
      if ((await queries.countOtherFacts(tx, userId, key)) >= MOST_FACTS) return 'full';
      await queries.remember(tx, userId, key, text);
      return 'remembered';
    });
  }

  /** Forgets what has this key or text, or contains it; returns the keys. Null when there is no such profile. */
  async forget(userId: number, keyOrText: string): Promise<readonly string[] | null> {
    const profile = await queries.findProfile(this.database, userId);
    return profile && queries.forget(this.database, userId, keyOrText, LEAST_PART);
  }

  /** Lets things be remembered, or no longer. What is remembered stays until it is forgotten. Null when there is no such profile. */
  async setMemory(userId: number, enabled: boolean): Promise<ProfileWithFacts | null> {
    const profile = await queries.setMemory(this.database, userId, enabled);
    return profile && this.withFacts(profile);
  }

  private async withFacts(profile: Profile): Promise<ProfileWithFacts> {
    return { ...profile, facts: await queries.listFacts(this.database, profile.userId, MOST_FACTS) };
  }
}
