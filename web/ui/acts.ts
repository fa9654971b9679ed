// What a person does: each act asks for what it needs, is sent once, and is told in one sentence. Nothing is shown before
// the log has it.

import { Wrong, wrong } from '../core/api.ts';
import type { Row } from '../core/queue.ts';
import type { Incident, Place, Unit } from '../core/types.ts';
import { some, status, title, type UnitStatus } from '../core/words.ts';
import type { Desk } from './desk.svelte.ts';

export class Acts {
  private readonly desk: Desk;
  private readonly reasons = new Map<string, string>();

  constructor(desk: Desk) {
    this.desk = desk;
  }

  /** The reason by which an alert of that type was said to be false last, in this window. */
  lastReason(type: string): string | undefined {
    return this.reasons.get(type);
  }

  acknowledge(rows: readonly Row[]): Promise<void> {
    return this.each(rows, 'Acknowledged: it waits for you now.', 'acknowledged', async ({ alert }) => {
      this.desk.took(await this.desk.api.act('post', '/v1/alerts/{alert}/acknowledge', { alert: alert.id }, undefined));
    });
  }

  async dismiss(rows: readonly Row[], reason: string): Promise<void> {
    for (const { alert } of rows) this.reasons.set(alert.type, reason);
    await this.each(rows, `Dismissed: ${reason}`, 'dismissed', async ({ alert }) => {
      this.desk.took(await this.desk.api.act('post', '/v1/alerts/{alert}/dismiss', { alert: alert.id }, { reason }));
    });
  }

  shelve(rows: readonly Row[], minutes: number, reason: string): Promise<void> {
    const until = new Date(this.desk.clock.now / 1000 + minutes * 60_000).toISOString();
    const back = this.desk.zone.minute(Date.parse(until) * 1000);
    return this.each(rows, `Shelved until ${back}: ${reason}`, 'shelved', async ({ alert }) => {
      this.desk.took(await this.desk.api.act('post', '/v1/alerts/{alert}/shelve', { alert: alert.id }, { reason, until }));
    });
  }

  unshelve(rows: readonly Row[]): Promise<void> {
    return this.each(rows, 'Taken back into the queue.', 'taken back', async ({ alert }) => {
      this.desk.took(await this.desk.api.act('post', '/v1/alerts/{alert}/unshelve', { alert: alert.id }, undefined));
    });
  }

  /** One incident of all of these. */
  incident(rows: readonly Row[]): Promise<void> {
    const [first, ...rest] = rows;
    return this.run(async () => {
      if (!first) return 'No alert is under the cursor.';
      const made = await this.desk.api.act('post', '/v1/incidents', {}, { alert: first.alert.id });
      this.desk.live.mine(first.alert.id);
      for (const { alert } of rest) {
        this.desk.live.mine(alert.id);
        await this.desk.api.act('post', '/v1/incidents/{incident}/alerts', { incident: made.id }, { alert: alert.id });
      }
      this.desk.due('alerts', 'incidents');
      this.desk.open({ is: 'incident', id: made.id });
      return rest.length > 0 ? `Incident opened, of ${rows.length} alerts.` : 'Incident opened.';
    });
  }

  callIncident(call: string): Promise<void> {
    return this.run(async () => {
      const made = await this.desk.api.act('post', '/v1/incidents', {}, { call });
      this.desk.due('incidents', 'calls');
      this.desk.open({ is: 'incident', id: made.id });
      return 'Incident opened.';
    });
  }

  /** Of what somebody saw, or was told by radio. */
  seen(type: string, place: Place): Promise<void> {
    return this.run(async () => {
      const made = await this.desk.api.act('post', '/v1/incidents', {}, { type, place });
      this.desk.due('incidents');
      this.desk.open({ is: 'incident', id: made.id });
      return 'Incident opened.';
    });
  }

  add(rows: readonly Row[], incident: string): Promise<void> {
    return this.each(rows, 'Added to the incident.', 'added', async ({ alert }) => {
      this.desk.live.mine(alert.id);
      await this.desk.api.act('post', '/v1/incidents/{incident}/alerts', { incident }, { alert: alert.id });
      this.desk.due('alerts', 'incidents');
    });
  }

  addCall(call: string, incident: string): Promise<void> {
    return this.run(async () => {
      await this.desk.api.act('post', '/v1/incidents/{incident}/calls', { incident }, { call });
      this.desk.due('incidents', 'calls');
      return 'Added to the incident.';
    });
  }

  takeOut(incident: string, what: 'alert' | 'call', id: string): Promise<void> {
    return this.run(async () => {
      if (what === 'alert') {
        await this.desk.api.act('delete', '/v1/incidents/{incident}/alerts/{alert}', { incident, alert: id }, undefined);
      } else await this.desk.api.act('delete', '/v1/incidents/{incident}/calls/{call}', { incident, call: id }, undefined);
      this.desk.due('alerts', 'incidents', 'calls');
      return what === 'alert' ? 'Taken out. The alert is back in the queue, acknowledged by you.' : 'Taken out.';
    });
  }

  note(incident: string, text: string): Promise<void> {
    return this.run(async () => {
      await this.desk.api.act('post', '/v1/incidents/{incident}/notes', { incident }, { text });
      this.desk.due('incidents');
      return 'Written down.';
    });
  }

  step(incident: Incident, next: Incident['status']): Promise<void> {
    return this.run(async () => {
      await this.desk.api.act('post', '/v1/incidents/{incident}/status', { incident: incident.id }, { status: next });
      this.desk.due('incidents');
      return `${title(incident.type)} is ${status(next).toLowerCase()} now.`;
    });
  }

  close(incident: string, disposition: string): Promise<void> {
    return this.run(async () => {
      await this.desk.api.act('post', '/v1/incidents/{incident}/disposition', { incident }, { disposition });
      this.desk.due('incidents');
      return `Closed: ${disposition}`;
    });
  }

  unit(unit: Unit, next: UnitStatus): Promise<void> {
    return this.run(async () => {
      await this.desk.api.act('post', '/v1/units/{unit}/status', { unit: unit.id }, { status: next });
      this.desk.due('units');
      return `${unit.name} is ${status(next).toLowerCase()} now.`;
    });
  }

  signOn(budget: number): Promise<void> {
    return this.run(async () => {
      await this.desk.api.act('post', '/v1/shift', {}, { budget });
      this.desk.due('shift', 'alerts');
      return `You are on shift, with ${budget} alerts an hour.`;
    });
  }

  signOff(): Promise<void> {
    return this.run(async () => {
      await this.desk.api.act('delete', '/v1/shift', {}, undefined);
      this.desk.due('shift', 'alerts');
      return 'You are off shift.';
    });
  }

  endGlass(glass: string): Promise<void> {
    return this.run(async () => {
      const system = this.desk.api.as({ purpose: 'system-operation', basis: 'PublicInterest' });
      await system.act('post', '/v1/break-glass/{glass}/end', { glass }, undefined);
      this.desk.due('glass');
      return 'It is ended.';
    });
  }

  /** The same for each row; when some can't be done, the others are, and it is told how many. */
  private each(rows: readonly Row[], one: string, done: string, act: (row: Row) => Promise<void>): Promise<void> {
    return this.run(async () => {
      if (rows.length === 0) return 'No alert is under the cursor.';
      if (rows.length === 1 && rows[0]) {
        await act(rows[0]);
        return one;
      }
      let failed = 0;
      let last = '';
      for (const row of rows) {
        try {
          await act(row);
        } catch (thrown) {
          failed += 1;
          last = wrong(thrown).says;
        }
      }
      if (failed > 0) throw new Wrong('late', `${rows.length - failed} ${done}, ${some(failed, 'was', 'were')} not: ${last}`);
      return `${some(rows.length, 'alert', 'alerts')} ${done}.`;
    });
  }

  private async run(work: () => Promise<string>): Promise<void> {
    if (this.desk.off) return this.desk.say(false, this.desk.off);
    try {
      this.desk.say(true, await work());
    } catch (thrown) {
      this.desk.say(false, wrong(thrown).says);
      this.desk.renew();
    }
  }
}
