// From keys and the command line to what is done: one place, so that a key, a button and the line do the same.

import { type Command, type There } from '../core/command.ts';
import { type Doing, Keys, type Key } from '../core/keys.ts';
import { type Row, TABS } from '../core/queue.ts';
import type { Call, Incident, Located, Place } from '../core/types.ts';
import { CLOSABLE, status, UNIT_STATUSES } from '../core/words.ts';
import type { Acts } from './acts.ts';
import { Choosing } from './choosing.svelte.ts';
import type { Desk } from './desk.svelte.ts';
import { SCREENS } from './screens.ts';
import type { List, WorkTab } from './shown.ts';

const LETTERS = 'tutela.letters';
const WORK: readonly WorkTab[] = ['incidents', 'calls', 'reports', 'posts'];

export class Hands {
  commanding = $state(false);
  helping = $state(false);
  letters = $state(localStorage.getItem(LETTERS) !== 'off');
  /** Where the map looks, while there is one. */
  centre: () => Place | undefined = () => undefined;
  readonly choosing: Choosing;
  readonly desk: Desk;
  readonly acts: Acts;
  private readonly keys = new Keys();

  constructor(desk: Desk, acts: Acts) {
    this.desk = desk;
    this.acts = acts;
    this.choosing = new Choosing(desk, acts);
    this.keys.letters = this.letters;
  }

  setLetters(on: boolean): void {
    this.letters = on;
    this.keys.letters = on;
    localStorage.setItem(LETTERS, on ? 'on' : 'off');
  }

  /** A key went down somewhere in the window. */
  pressed(event: KeyboardEvent): void {
    this.desk.touch();
    const target = event.target instanceof HTMLElement ? event.target : undefined;
    if (target?.closest('dialog')) return;
    const where = {
      typing: target?.matches('input, textarea, select, [contenteditable=true]') ?? false,
      pressable: target?.matches('button, a, summary, [role=tab]') ?? false,
    };
    const key = this.keys.pressed(event, where, event.timeStamp);
    if (!key) return;
    event.preventDefault();
    // A key that is held down moves, and does nothing twice.
    if (!event.repeat || key.does === 'down' || key.does === 'up') this.does(key);
  }

  /** Units in the order in which their lanes show them. */
  get units(): Located[] {
    const units = this.desk.units.value ?? [];
    return UNIT_STATUSES.flatMap((lane) => units.filter((one) => one.unit.status === lane));
  }

  /** The rows that an alert's key is about: those under the cursor, or the alert that is opened. */
  get rows(): readonly Row[] {
    const { desk } = this;
    if (desk.list === 'queue' && desk.queue.at) return desk.queue.at.rows.filter((row) => !row.gone);
    const row = desk.opened?.is === 'alert' ? desk.queue.find(desk.opened.id) : undefined;
    return row ? [row] : [];
  }

  /** The incident that a key is about: the one that is opened. */
  get incident(): Incident | undefined {
    return this.desk.opened?.is === 'incident' ? this.desk.openedIncident.value?.incident : undefined;
  }

  get call(): Call | undefined {
    return this.desk.opened?.is === 'call' ? this.desk.calls.value?.find((one) => one.id === this.desk.opened?.id) : undefined;
  }

  /** What the command line knows of. */
  get there(): There {
    const { desk } = this;
    return {
      alerts: desk.queue.all,
      incidents: desk.incidents.value ?? [],
      calls: desk.calls.value ?? [],
      units: desk.units.value ?? [],
      screens: SCREENS.filter((one) => !one.roles || one.roles.includes(desk.me.role)),
      alert: this.rows[0],
      incident: this.incident,
      call: this.call,
      places: [],
      centre: this.centre(),
    };
  }

  does(key: Key): void {
    if (key.acts && this.desk.off) this.desk.say(false, this.desk.off);
    else this.do(key.does);
  }

  do(doing: Doing): void {
    const { acts, choosing } = this;
    const { rows, incident, call } = this;
    const ways: Record<Doing, () => unknown> = {
      down: () => this.move(1),
      up: () => this.move(-1),
      open: () => this.enter(),
      back: () => this.back(),
      fresh: () => this.settle(),
      'next-tab': () => this.turn(1),
      'last-tab': () => this.turn(-1),
      command: () => (this.commanding = true),
      help: () => (this.helping = !this.helping),
      acknowledge: () => acts.acknowledge(rows),
      incident: () => (call ? acts.callIncident(call.id) : acts.incident(rows)),
      add: () => (call ? choosing.addCallTo(call.id, call.category, this.others) : choosing.addTo(rows, this.others)),
      false: () => choosing.whyFalse(rows),
      'false-again': () => this.falseAgain(),
      shelve: () => choosing.shelve(rows),
      unshelve: () => acts.unshelve(rows),
      note: () => (incident ? choosing.note(incident) : this.needs()),
      step: () => (incident ? choosing.step(incident) : this.needs()),
      close: () => (incident ? this.close(incident) : this.needs()),
      status: () => this.setStatus(),
      sign: () => choosing.shift(),
      'go-queue': () => this.goTo('queue'),
      'go-work': () => this.goTo('work'),
      'go-units': () => this.goTo('units'),
      'go-map': () => focus('.maplibregl-canvas'),
      'go-time': () => focus('#time'),
      now: () => this.desk.lookNow(),
      'go-detail': () => focus('#detail'),
    };
    ways[doing]();
  }

  /** What the command line was told to do. */
  run(command: Command): void {
    const { desk, acts } = this;
    this.commanding = false;
    const row = 'id' in command ? desk.queue.find(command.id) : undefined;
    const rows = row ? [row] : [];
    switch (command.do) {
      case 'alert': return desk.open({ is: 'alert', id: command.id });
      case 'incident': return desk.open({ is: 'incident', id: command.id });
      case 'call': return desk.open({ is: 'call', id: command.id });
      case 'unit': return this.pick('units', command.id);
      case 'acknowledge': return void acts.acknowledge(rows);
      case 'make-incident': return void acts.incident(rows);
      case 'seen': return void acts.seen(command.type, command.place);
      case 'call-incident': return void acts.callIncident(command.id);
      case 'false': return void acts.dismiss(rows, command.text);
      case 'shelve': return void acts.shelve(rows, command.minutes, command.text);
      case 'note': return void acts.note(command.id, command.text);
      case 'close': return void acts.close(command.id, command.text);
      case 'status': {
        const found = desk.units.value?.find((one) => one.unit.id === command.id);
        return found && void acts.unit(found.unit, command.status);
      }
      case 'sign-on': return void acts.signOn(command.budget);
      case 'sign-off': return void acts.signOff();
      case 'help': this.helping = true; return;
      case 'go': location.assign(command.to);
    }
  }

  /** Put the cursor there, by a click or by its name, and open it. */
  pick(list: List, id: string): void {
    const { desk } = this;
    desk.list = list;
    if (list === 'queue') {
      desk.hold(true);
      desk.queue.cursor = id;
      desk.draw();
      const alert = desk.queue.at?.lead.alert.id;
      if (alert) desk.open({ is: 'alert', id: alert });
    } else {
      desk.at[list] = id;
      if (list === 'work') this.openWork(id, false);
    }
  }

  settle(): void {
    this.desk.queue.settle();
    this.desk.list = 'queue';
    this.desk.draw();
  }

  private move(by: number): void {
    const { desk } = this;
    if (desk.list === 'queue') {
      desk.hold(true);
      desk.queue.move(by);
      desk.draw();
      const alert = desk.queue.at?.lead.alert.id;
      if (alert) desk.open({ is: 'alert', id: alert }, true);
      focus('#queue');
      return;
    }
    const list = desk.list;
    const ids = list === 'units' ? this.units.map((one) => one.unit.id) : this.workIds;
    const from = ids.indexOf(desk.at[list] ?? '');
    const id = ids[from < 0 ? 0 : Math.min(ids.length - 1, Math.max(0, from + by))];
    desk.at[list] = id;
    if (list === 'work' && id) this.openWork(id, true);
  }

  private enter(): void {
    const { desk } = this;
    if (desk.list === 'units') return this.setStatus();
    const item = desk.list === 'queue' ? desk.queue.at : undefined;
    if (item && item.rows.length > 1) {
      desk.queue.unfold(item.key);
      desk.queue.cursor = item.lead.alert.id;
      desk.draw();
    }
    focus('#detail');
  }

  private back(): void {
    const { desk } = this;
    if (this.helping) this.helping = false;
    else if (document.activeElement instanceof HTMLElement && document.activeElement.closest('#detail')) this.goTo(desk.list);
    else if (desk.list !== 'queue') this.goTo('queue');
    else {
      desk.open(undefined);
      desk.queue.cursor = undefined;
      desk.hold(false);
      desk.draw();
      if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
    }
  }

  private turn(by: number): void {
    const { desk } = this;
    if (desk.list === 'work') {
      desk.work = WORK[(WORK.indexOf(desk.work) + by + WORK.length) % WORK.length] ?? 'incidents';
      desk.at.work = undefined;
      return;
    }
    desk.queue.tab = TABS[(TABS.indexOf(desk.queue.tab) + by + TABS.length) % TABS.length] ?? 'new';
    desk.draw();
  }

  private goTo(list: List): void {
    this.desk.list = list;
    if (list !== 'queue' && !this.desk.at[list]) this.move(1);
    focus(`#${list}`);
  }

  private get workIds(): string[] {
    const { desk } = this;
    return (desk[desk.work].value ?? []).map((one) => one.id);
  }

  private openWork(id: string, soon: boolean): void {
    if (this.desk.work === 'incidents') this.desk.open({ is: 'incident', id }, soon);
    if (this.desk.work === 'calls') this.desk.open({ is: 'call', id }, soon);
  }

  private get others(): Incident[] {
    return this.desk.incidents.value ?? [];
  }

  private falseAgain(): void {
    const [first] = this.rows;
    const reason = first && this.acts.lastReason(first.alert.type);
    if (reason) void this.acts.dismiss(this.rows, reason);
    else this.choosing.whyFalse(this.rows);
  }

  private close(incident: Incident): void {
    if (CLOSABLE.includes(incident.status)) this.choosing.close(incident);
    else this.desk.say(false, `It is ${status(incident.status)}, and can't be closed yet: resolve it first, key w.`);
  }

  private setStatus(): void {
    const found = this.units.find((one) => one.unit.id === this.desk.at.units);
    if (found) this.choosing.unit(found.unit);
    else this.goTo('units');
  }

  private needs(): void {
    this.desk.say(false, 'No incident is open: go to one with g i.');
  }
}

function focus(selector: string): void {
  const found = document.querySelector(selector);
  if (found instanceof HTMLElement && document.activeElement !== found) found.focus({ preventScroll: false });
}
