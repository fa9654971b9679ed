// What is opened, with what it rests on: several readings, put together. In a replay, as it was: nothing that came later.

import { type Api, wrong } from '../core/api.ts';
import type { Replay } from '../core/replay.ts';
import type { Told } from '../core/types.ts';
import type { OpenedAlert, OpenedIncident } from './shown.ts';

export async function readAlert(api: Api, id: string, past?: Replay): Promise<OpenedAlert> {
  const [detail, events] = await Promise.all([
    api.get('/v1/alerts/{alert}', { alert: id }),
    api.get('/v1/events/about/{subject}', { subject: id }),
  ]);
  if (!past) return { detail, events };
  const then = before(events, past);
  const alert = past.queue.find(id)?.alert ?? detail.alert;
  const named = new Set(alert.detections);
  return { detail: { ...detail, alert, detections: detail.detections.filter((one) => named.has(one.detection.id)) }, events: then };
}

export async function readIncident(api: Api, id: string, past?: Replay): Promise<OpenedIncident> {
  const [today, told] = await Promise.all([
    api.get('/v1/incidents/{incident}', { incident: id }),
    api.get('/v1/events/about/{subject}', { subject: id }),
  ]);
  const incident = past?.underWay.find((one) => one.id === id) ?? today;
  const events = past ? before(told, past) : told;
  const [alerts, calls] = await Promise.all([
    Promise.all(incident.alerts.map(async (alert) => [alert, await seen(api.get('/v1/alerts/{alert}', { alert }))] as const)),
    Promise.all(incident.calls.map(async (call) => [call, await seen(api.get('/v1/calls/{call}', { call }))] as const)),
  ]);
  return { incident, events, alerts, calls };
}

function before(events: readonly Told[], past: Replay): Told[] {
  const now = past.now(Date.now());
  return events.filter((one) => one.at <= now);
}

/** What may be seen; undefined for what may not, or is gone. */
async function seen<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (thrown) {
    const { kind } = wrong(thrown);
    if (kind === 'denied' || kind === 'gone') return undefined;
    throw thrown;
  }
}
