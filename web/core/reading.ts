// Something that is read again when the log says that it changed: at once, and then at most so often; the last picture
// stays while a new one is fetched, and when it can't be.

import { type Wrong, wrong } from './api.ts';

export type Seen = 'loading' | 'there' | 'wrong';

export interface Timers {
  readonly now: () => number;
  readonly after: (ms: number, run: () => void) => void;
}

const OURS: Timers = { now: () => Date.now(), after: (ms, run) => void setTimeout(run, ms) };

const PACE = 4; // what takes long is read the less often: it has a quarter of the time at most

export class Reading<T> {
  value: T | undefined;
  /** Why the newest reading failed; the value before it stays. */
  failed: Wrong | undefined;
  /** When it was read last (ms here). */
  at = 0;
  private running = false;
  private waiting = false;
  private again = false;
  private asked = -Infinity;
  private took = 0;
  private stopped = false;
  private readonly read: () => Promise<T>;
  private readonly told: () => void;
  private readonly every: number;
  private readonly timers: Timers;

  constructor(read: () => Promise<T>, told: () => void, every = 1000, timers: Timers = OURS) {
    this.read = read;
    this.told = told;
    this.every = every;
    this.timers = timers;
  }

  get seen(): Seen {
    if (this.value !== undefined) return 'there';
    return this.failed ? 'wrong' : 'loading';
  }

  /** It is to be read: now, or as soon as it may. However often it is due meanwhile, it is read once. */
  due(): void {
    if (this.stopped) return;
    if (this.running) {
      this.again = true;
      return;
    }
    if (this.waiting) return;
    const wait = this.asked + Math.max(this.every, PACE * this.took) - this.timers.now();
    if (wait <= 0) void this.run();
    else {
      this.waiting = true;
      this.timers.after(wait, () => {
        this.waiting = false;
        this.due();
      });
    }
  }

  /** Nobody looks at it any more. */
  stop(): void {
    this.stopped = true;
  }

  private async run(): Promise<void> {
    this.running = true;
    this.asked = this.timers.now();
    try {
      const value = await this.read();
      this.value = value;
      this.failed = undefined;
      this.at = this.timers.now();
    } catch (thrown) {
      this.failed = wrong(thrown);
    }
    this.running = false;
    this.took = this.timers.now() - this.asked;
    if (this.stopped) return;
    this.told();
    if (this.again) {
      this.again = false;
      this.due();
    }
  }
}
