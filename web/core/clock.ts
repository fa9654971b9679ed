// One time for all that is shown: the server's, so that a wrong clock on this desk shows no wrong ages.
// The link is judged by the same clock: whoever hears nothing for three seconds says so.

export const STALE = 3000; // ms without a sign of life

const AGES: readonly (readonly [number, string])[] = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
  [1, 's'],
];

/** How long ago, in its largest unit. What is to come is now. */
export function ago(at: number, now: number): string {
  const seconds = Math.max(0, Math.floor((now - at) / 1e6));
  const [length, unit] = AGES.find(([least]) => seconds >= least) ?? [1, 's'];
  return `${Math.floor(seconds / length)} ${unit}`;
}

/** The server's time, from what it said last and how long ago that was here. */
export class Clock {
  private ahead: number;
  private readonly local: () => number;

  constructor(local: () => number = () => Date.now()) {
    this.local = local;
    this.ahead = 0;
  }

  /** The server said that it is `at` there (microseconds). */
  heard(at: number): void {
    this.ahead = at / 1000 - this.local();
  }

  /** Its time now, in microseconds. */
  get now(): number {
    return Math.round((this.local() + this.ahead) * 1000);
  }
}

/** Times in the city, whatever the zone of this desk. */
export class Zone {
  private readonly time: Intl.DateTimeFormat;
  private readonly short: Intl.DateTimeFormat;
  private readonly day: Intl.DateTimeFormat;

  constructor(zone: string, language = 'en-GB') {
    this.time = new Intl.DateTimeFormat(language, { timeZone: zone, hour: '2-digit', minute: '2-digit', second: '2-digit' });
    this.short = new Intl.DateTimeFormat(language, { timeZone: zone, hour: '2-digit', minute: '2-digit' });
    this.day = new Intl.DateTimeFormat(language, { timeZone: zone, day: '2-digit', month: 'short' });
  }

  /** 14:32:08, with its day when that is not the day of `now`. */
  clock(at: number, now: number = at): string {
    const [then, today] = [at / 1000, now / 1000];
    if (this.day.format(then) === this.day.format(today)) return this.time.format(then);
    return `${this.day.format(then)} ${this.short.format(then)}`;
  }

  /** 14:32. */
  minute(at: number): string {
    return this.short.format(at / 1000);
  }
}

export type LinkState = 'waiting' | 'live' | 'stale' | 'lost';

/** What is known of the link: whether it is open, when it was heard last (ms here), and why it ended for good. */
export interface Line {
  readonly up: boolean;
  readonly heard: number;
  readonly tries: number;
  readonly over: string;
}

/** How the link is, at that time (ms here). */
export function state(line: Line, now: number): LinkState {
  if (line.over) return 'lost';
  if (line.up) return now - line.heard > STALE ? 'stale' : 'live';
  return line.heard === 0 && line.tries === 0 ? 'waiting' : 'lost';
}

/** The same in words, with its age: a picture that is old says how old. */
export function says(line: Line, now: number): string {
  const silent = Math.max(0, now - line.heard) / 1000;
  switch (state(line, now)) {
    case 'waiting':
      return 'Connecting';
    case 'live':
      return `Live ${silent.toFixed(1)} s`;
    case 'stale':
      return `Stale ${silent.toFixed(0)} s`;
    case 'lost':
      if (line.over) return `Signed out: ${line.over}`;
      return line.heard === 0 ? `No link, try ${line.tries}` : `No link for ${silent.toFixed(0)} s, try ${line.tries}`;
  }
}
