// A question with a few answers, each one key away; or an answer in one's own words.

import type { Incident, Place, Unit } from '../core/types.ts';
import type { Row } from '../core/queue.ts';
import { ENDED, FALSE, INCIDENT_STEPS, RESTS, RESTS_FOR, some, status, title, UNIT_STEPS, where } from '../core/words.ts';
import type { Acts } from './acts.ts';
import type { Desk } from './desk.svelte.ts';

export interface Answer {
  readonly says: string;
  readonly detail?: string;
  readonly take: () => unknown;
}

export interface Question {
  readonly asks: string;
  readonly about?: string;
  readonly answers: readonly Answer[];
  /** What one's own words are called, and what is done with them. */
  readonly own?: { readonly says: string; readonly take: (text: string) => unknown };
  /** Something to know before deciding, which comes a little later. */
  readonly hint?: Promise<string>;
}

const DAY = 86_400e6;
const FRESH = 3600e6; // microseconds for which a backtest is told again
const HINT = 1; // days that a backtest looks at: an answer within seconds

export class Choosing {
  question = $state.raw<Question>();
  private readonly desk: Desk;
  private readonly acts: Acts;
  private readonly tried = new Map<string, { at: number; says: Promise<string> }>();

  constructor(desk: Desk, acts: Acts) {
    this.desk = desk;
    this.acts = acts;
  }

  ask(question: Question): void {
    this.question = question;
  }

  whyFalse(rows: readonly Row[]): void {
    const [first] = rows;
    if (!first) return this.desk.say(false, 'No alert is under the cursor.');
    const take = (reason: string) => this.acts.dismiss(rows, reason);
    const last = this.acts.lastReason(first.alert.type);
    const reasons = last ? [last, ...FALSE.filter((one) => one !== last)] : FALSE;
    this.ask({
      asks: 'Why is it false?',
      about: called(rows),
      answers: reasons.slice(0, 9).map((reason) => ({ says: reason, take: () => take(reason) })),
      own: { says: 'Another reason', take },
      hint: this.backtest(first.alert.type),
    });
  }

  shelve(rows: readonly Row[]): void {
    if (rows.length === 0) return this.desk.say(false, 'No alert is under the cursor.');
    this.ask({
      asks: 'For how long can it rest?',
      about: called(rows),
      answers: RESTS_FOR.map(([minutes, says]) => ({ says, take: () => this.whyRests(rows, minutes, says) })),
    });
  }

  addTo(rows: readonly Row[], incidents: readonly Incident[]): void {
    if (rows.length === 0) return this.desk.say(false, 'No alert is under the cursor.');
    this.which(called(rows), incidents, (incident) => this.acts.add(rows, incident.id));
  }

  addCallTo(call: string, about: string, incidents: readonly Incident[]): void {
    this.which(about, incidents, (incident) => this.acts.addCall(call, incident.id));
  }

  /** Somebody points at a place. */
  seen(place: Place): void {
    this.ask({
      asks: 'What is there?', about: `Opens an incident at ${where(place)}`, answers: [],
      own: { says: 'In a few words', take: (type) => this.acts.seen(type, place) },
    });
  }

  step(incident: Incident): void {
    const next = INCIDENT_STEPS[incident.status] ?? [];
    if (next.length === 0) return this.desk.say(false, `It is ${status(incident.status)}: it has no next step.`);
    this.ask({
      asks: 'What is it now?',
      about: `${title(incident.type)}, ${status(incident.status)}`,
      answers: next.map((one) => ({ says: status(one), take: () => this.acts.step(incident, one as Incident['status']) })),
    });
  }

  close(incident: Incident): void {
    const take = (text: string) => this.acts.close(incident.id, text);
    this.ask({
      asks: 'How did it end?',
      about: title(incident.type),
      answers: ENDED.map((says) => ({ says, take: () => take(says) })),
      own: { says: 'In other words', take },
    });
  }

  note(incident: Incident): void {
    this.ask({
      asks: 'What is to be written down?', about: title(incident.type), answers: [],
      own: { says: 'Note', take: (text) => this.acts.note(incident.id, text) },
    });
  }

  unit(unit: Unit): void {
    this.ask({
      asks: `What is ${unit.name} now?`,
      about: `${unit.kind} of ${unit.agency}, ${status(unit.status)}`,
      answers: UNIT_STEPS[unit.status].map((one) => ({ says: status(one), take: () => this.acts.unit(unit, one) })),
    });
  }

  shift(): void {
    if (this.desk.shift) {
      this.ask({ asks: 'End your shift?', answers: [{ says: 'Sign off', take: () => this.acts.signOff() }] });
      return;
    }
    this.ask({
      asks: 'How many alerts an hour will you look at?',
      answers: [6, 12, 20, 30, 60].map((budget) => ({ says: `${budget} an hour`, take: () => this.acts.signOn(budget) })),
    });
  }

  private whyRests(rows: readonly Row[], minutes: number, says: string): void {
    const take = (reason: string) => this.acts.shelve(rows, minutes, reason);
    this.ask({
      asks: 'Why can it rest?',
      about: `${called(rows)}, ${says}`,
      answers: RESTS.map((reason) => ({ says: reason, take: () => take(reason) })),
      own: { says: 'Another reason', take },
    });
  }

  private which(about: string, incidents: readonly Incident[], take: (incident: Incident) => unknown): void {
    if (incidents.length === 0) return this.desk.say(false, 'No incident is under way; open one: key i.');
    const { zone, now } = this.desk;
    this.ask({
      asks: 'Part of which incident?',
      about,
      answers: incidents.slice(0, 9).map((one) => ({
        says: title(one.type), detail: `${status(one.status)}, since ${zone.clock(one.opened_at, now)}`, take: () => take(one),
      })),
    });
  }

  /** What the rule that made this alert would have told in the last day: asked for once an hour, and only of a rule of the city's. */
  private backtest(type: string): Promise<string> {
    const known = this.tried.get(type);
    if (known && this.desk.now - known.at < FRESH) return known.says;
    const asked = this.try(type).catch((thrown: Error) => {
      this.tried.delete(type);
      return `The backtest could not be had: ${thrown.message}`;
    });
    this.tried.set(type, { at: this.desk.now, says: asked });
    return asked;
  }

  private async try(type: string): Promise<string> {
    const found = (await this.desk.inForce()).find((one) => one.rule.name === type);
    if (!found) return 'A detector raised it, and no rule of the city\'s: there is no backtest of it.';
    const told = await this.desk.api.act('post', '/v1/rules/backtest', {}, { rule: found.rule, days: HINT, timeline: 'live', each: 3 });
    const days = Math.max((told.until - told.since) / DAY, 1 / 24);
    const each = Math.round(told.alerts / days);
    return `Its rule, tried on the last day: ${some(each, 'alert', 'alerts')} a day, ${Math.round(told.minutes / days)} minutes of somebody's time.`;
  }
}

function called(rows: readonly Row[]): string {
  const type = title(rows[0]?.alert.type ?? '');
  return rows.length > 1 ? `${type}, ${rows.length} alerts together` : type;
}
