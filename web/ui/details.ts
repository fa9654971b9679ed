// What is opened, with what it rests on: several readings, put together.

import { type Api, wrong } from '../core/api.ts';
import type { OpenedAlert, OpenedIncident } from './shown.ts';

export async function readAlert(api: Api, id: string): Promise<OpenedAlert> {
  const [detail, events] = await Promise.all([
    api.get('/v1/alerts/{alert}', { alert: id }),
    api.get('/v1/events/about/{subject}', { subject: id }),
  ]);
  return { detail, events };
}

export async function readIncident(api: Api, id: string): Promise<OpenedIncident> {
  const [incident, events] = await Promise.all([
    api.get('/v1/incidents/{incident}', { incident: id }),
    api.get('/v1/events/about/{subject}', { subject: id }),
  ]);
  const [alerts, calls] = await Promise.all([
    Promise.all(incident.alerts.map(async (alert) => [alert, await seen(api.get('/v1/alerts/{alert}', { alert }))] as const)),
    Promise.all(incident.calls.map(async (call) => [call, await seen(api.get('/v1/calls/{call}', { call }))] as const)),
  ]);
  return { incident, events, alerts, calls };
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
