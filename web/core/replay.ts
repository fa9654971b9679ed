// The city as it was: what stood at a moment, and what the log told from then on, at a chosen speed. The same queue as live,
// on the time of the replay; nothing can be done in it.

import { Queue } from './queue.ts';
import type { Alert, Incident, Slot, Stood, Told, Unit } from './types.ts';

export const SPEEDS = [1, 10, 60] as const;
export const SLOT = 5 * 60e6; // microseconds of one bar
const KEPT = 12 * 3600e6; // a window that stays open for days remembers no more
const OVER: readonly string[] = ['Closed', 'Fused'];

export class Replay {
  readonly queue = new Queue();
  readonly speed: number;
  private readonly incidents = new Map<string, Incident>();
  private readonly units = new Map<string, Unit>();
  private at: number;
  private heard: number;

  /** From a moment (microseconds); `local` is the time here (ms). */
  constructor(since: number, speed: number, local: number) {
    this.at = since;
    this.speed = speed;
    this.heard = local;
  }

  /** What stood at its beginning. */
  stood({ alerts, incidents, units }: Stood): void {
    this.queue.read(alerts.map((alert) => ({ alert, says: '' })), false, this.queue.place);
    for (const one of incidents) this.incidents.set(one.id, one);
    for (const one of units) this.units.set(one.id, one);
  }

  /** The log told of something. */
  told(event: Told): void {
    if (!event.body) return;
    if (event.kind === 'alert@1') this.queue.told(event.body as unknown as Alert);
    else if (event.kind === 'incident@1') this.incidents.set(event.subject, event.body as unknown as Incident);
    else if (event.kind === 'unit@1') this.units.set(event.subject, event.body as unknown as Unit);
  }

  /** It is that time in it now (microseconds); `local` is the time here (ms). */
  pulse(at: number, local: number): void {
    this.at = at;
    this.heard = local;
  }

  /** Its time, between two pulses too; a stream that fell silent does not run on by itself. */
  now(local: number): number {
    return Math.round(this.at + Math.min(1000, Math.max(0, local - this.heard)) * 1000 * this.speed);
  }

  /** Those under way, newest first. */
  get underWay(): Incident[] {
    return [...this.incidents.values()].filter((one) => !OVER.includes(one.status)).sort((one, other) => other.opened_at - one.opened_at);
  }

  /** In order of call sign. */
  get roster(): Unit[] {
    return [...this.units.values()].sort((one, other) => one.name.localeCompare(other.name));
  }
}

export interface Bar {
  readonly at: number;
  readonly all: number;
  /** Extreme and severe ones. */
  readonly grave: number;
}

/** A bar for each five minutes between two moments, empty ones too. */
export function bars(slots: readonly Slot[], since: number, until: number): Bar[] {
  const known = new Map(slots.map((slot) => [slot.at, slot.shown]));
  const found: Bar[] = [];
  for (let at = Math.floor(since / SLOT) * SLOT; at < until; at += SLOT) {
    const shown = known.get(at) ?? {};
    const all = Object.values(shown).reduce((sum, count) => sum + count, 0);
    found.push({ at, all, grave: (shown['Extreme'] ?? 0) + (shown['Severe'] ?? 0) });
  }
  return found;
}

/** The slots with one alert more: those that come live are counted here, and not asked for again. */
export function counted(slots: readonly Slot[], alert: Alert): Slot[] {
  const at = Math.floor((alert.shown_at ?? alert.since) / SLOT) * SLOT;
  const before = slots.find((slot) => slot.at === at)?.shown ?? {};
  const severity = alert.scale.severity ?? 'Unknown';
  return [...slots.filter((slot) => slot.at !== at && slot.at >= at - KEPT), { at, shown: { ...before, [severity]: (before[severity] ?? 0) + 1 } }];
}
