// What happened to an alert or incident, told from its events: who did what, and when. As `screens/story.py` tells it.

import type { Alert, Incident, Told } from './types.ts';
import { short } from './words.ts';

export interface Happened {
  readonly at: number;
  readonly by: string;
  readonly says: string;
}

type Clock = (at: number) => string;

const BECAME: Readonly<Record<string, string>> = {
  held: 'held back: the budget of those on shift is used up',
  new: 'shown',
  acknowledged: 'acknowledged',
  dismissed: 'dismissed',
  incident: 'made part of an incident',
  expired: 'expired: nobody saw to it in time',
};

/** The story of an alert, oldest first. `clock` gives a time in words. */
export function ofAlert(events: readonly Told[], clock: Clock): Happened[] {
  return changes<Alert>(events, (before, after) => alert(before, after, clock));
}

/** The story of an incident, oldest first. */
export function ofIncident(events: readonly Told[]): Happened[] {
  return changes<Incident>(events, incident);
}

function changes<T>(events: readonly Told[], says: (before: T | undefined, after: T) => string[]): Happened[] {
  let before: T | undefined;
  const found: Happened[] = [];
  for (const event of events) {
    if (!event.body) continue;
    const after = event.body as unknown as T;
    for (const one of says(before, after)) found.push({ at: event.at, by: event.by, says: one });
    before = after;
  }
  return found;
}

function alert(before: Alert | undefined, after: Alert, clock: Clock): string[] {
  const found: string[] = [];
  if (!before) found.push('noticed');
  else if (after.count > before.count) found.push(`noticed again, ×${after.count}`);
  if (after.status !== before?.status) found.push(became(after, clock));
  return found;
}

function became(now: Alert, clock: Clock): string {
  if (now.status === 'shelved') return `shelved until ${clock(now.shelved_until ?? 0)}: ${now.reason ?? ''}`;
  const says = BECAME[now.status] ?? now.status;
  return now.reason ? `${says}: ${now.reason}` : says;
}

function incident(before: Incident | undefined, after: Incident): string[] {
  if (!before) return [`opened, from ${after.alerts.length > 0 ? 'an alert' : after.calls.length > 0 ? 'a call' : 'what somebody saw'}`];
  const found: string[] = [];
  if (after.status !== before.status) found.push(stepped(after));
  found.push(...moreOrLess('alert', before.alerts, after.alerts));
  found.push(...moreOrLess('call', before.calls, after.calls));
  found.push(...moreOrLess('incident', before.fused, after.fused));
  if (after.agencies.join() !== before.agencies.join()) found.push(`works on it: ${after.agencies.join(', ') || 'nobody'}`);
  for (const note of after.notes.slice(before.notes.length)) found.push(`noted: ${note.text}`);
  return found;
}

function stepped(now: Incident): string {
  if (now.status === 'Closed') return `closed: ${now.disposition ?? ''}`;
  if (now.status === 'Fused') return `fused into ${now.fused_into ?? ''}`;
  return `now ${now.status}`;
}

function moreOrLess(what: string, before: readonly string[], after: readonly string[]): string[] {
  return [
    ...after.filter((id) => !before.includes(id)).map((id) => `${what} added: ${short(id)}`),
    ...before.filter((id) => !after.includes(id)).map((id) => `${what} taken out: ${short(id)}`),
  ];
}
