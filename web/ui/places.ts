// Places by what people call them, for the command line.

import { wrong } from '../core/api.ts';
import type { Address } from '../core/types.ts';
import type { Desk } from './desk.svelte.ts';

/** Places that have these words; none when they can't be looked for, which is said. */
export async function findPlaces(desk: Desk, words: string): Promise<readonly Address[]> {
  try {
    return await desk.api.get('/v1/places', {}, { words });
  } catch (thrown) {
    desk.say(false, wrong(thrown).says);
    return [];
  }
}
