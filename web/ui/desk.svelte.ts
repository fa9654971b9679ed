// What this window shows: readings that the log renews, the queue, what is opened, what was said last. All thinking is in core/.

import { Api, LIFE, SAFETY } from '../core/api.ts';
import { Clock, type Line, state as linkState, Zone } from '../core/clock.ts';
import type { LogKind } from '../core/hub.ts';
import { connect, follow } from '../core/live.ts';
import { type Item, Queue, type Tab } from '../core/queue.ts';
import { Reading } from '../core/reading.ts';
import { counted } from '../core/replay.ts';
import type { Agent, Alert, Call, Glass, Incident, InForce, Located, Measures, Post, Report, Shift, Slot, Source, Told } from '../core/types.ts';
import { readAlert, readIncident } from './details.ts';
import { Past } from './past.svelte.ts';
import { type List, type Message, NOTHING, type Opened, type OpenedAlert, type OpenedIncident, type Shown, type WorkTab } from './shown.ts';
import workerUrl from '../core/worker.ts?sharedworker&url';

const OFTEN = 1000; // ms between two readings of one thing, at least
const SLOWLY = 5000; // ms between two readings of what the log does not tell of: positions
const PATIENCE = 700; // ms that the picture waits for the link
const A_LOOK = 250; // ms that the cursor rests on a row before it is opened
const UNDER_WAY = 200;
const TOLD = 20;
const OFF = 'The link is lost, so what is shown may be old: nothing is sent until it is back.';
const PAST = 'This is the past, in which nothing can be done: key l goes back to now.';
const LEFT_ALONE = 30_000; // ms without a key or a move, after which no hand is in the list

type Name = 'alerts' | 'incidents' | 'calls' | 'reports' | 'posts' | 'units' | 'shift' | 'glass' | 'sources';

/** What is read again when the log tells of something. */
const DUE: Readonly<Record<LogKind, readonly Name[]>> = {
  'alert@1': ['alerts'],
  'incident@1': ['incidents', 'calls'],
  'call@1': ['calls'],
  'report@1': ['reports'],
  'post@1': ['posts'],
  'unit@1': ['units'],
  'shift@1': ['shift', 'alerts'],
  'break-glass@1': ['glass'],
  'break-glass-ended@1': ['glass'],
  'break-glass-reviewed@1': ['glass'],
};

export class Desk {
  readonly me: Agent;
  readonly city: string;
  readonly zone: Zone;
  readonly clock = new Clock();
  readonly api: Api;

  now = $state(0);
  beat = $state(Date.now());
  line = $state.raw<Line>({ up: false, heard: 0, tries: 0, over: '' });
  items = $state.raw<Item[]>([]);
  /** Changes when an alert did, and not when only the cursor moved. */
  known = $state(0);
  fresh = $state.raw<Alert[]>([]);
  holding = $state(false);
  cursor = $state<string>();
  tab = $state<Tab>('new');
  measures = $state.raw<Measures>();
  alerts = $state.raw<Shown<unknown>>(NOTHING);
  readonly live = new Queue();
  private liveIncidents = $state.raw<Shown<Incident[]>>(NOTHING);
  calls = $state.raw<Shown<Call[]>>(NOTHING);
  reports = $state.raw<Shown<Report[]>>(NOTHING);
  posts = $state.raw<Shown<Post[]>>(NOTHING);
  private liveUnits = $state.raw<Shown<Located[]>>(NOTHING);
  past = $state.raw<Past>();
  slots = $state.raw<Slot[]>([]);
  shift = $state.raw<Shift | null>();
  glasses = $state.raw<Glass[]>([]);
  sources = $state.raw<Source[]>([]);
  opened = $state.raw<Opened>();
  openedAlert = $state.raw<Shown<OpenedAlert>>(NOTHING);
  openedIncident = $state.raw<Shown<OpenedIncident>>(NOTHING);
  list = $state<List>('queue');
  work = $state<WorkTab>('incidents');
  at = $state<Record<'work' | 'units', string | undefined>>({ work: undefined, units: undefined });
  message = $state.raw<Message>();

  private rules: Promise<InForce[]> | undefined;
  private readonly readings: Record<Name, Reading<unknown>>;
  private detail: Reading<unknown> | undefined;
  private look: ReturnType<typeof setTimeout> | undefined;
  private touched = 0;

  constructor(me: Agent, city: { name: string; zone: string; at: number }, api = new Api(SAFETY)) {
    this.me = me;
    this.city = city.name;
    this.zone = new Zone(city.zone);
    this.api = api;
    this.clock.heard(city.at);
    this.now = this.clock.now;
    const most = { most: TOLD };
    this.readings = {
      alerts: this.reading(() => this.readAlerts(), (shown) => (this.alerts = shown)),
      incidents: this.reading(() => api.get('/v1/incidents', {}, { most: UNDER_WAY }), (shown) => (this.liveIncidents = shown)),
      calls: this.reading(() => api.get('/v1/calls/newest', {}, most), (shown) => (this.calls = shown)),
      reports: this.reading(() => api.get('/v1/reports/newest', {}, most), (shown) => (this.reports = shown)),
      posts: this.reading(() => api.get('/v1/posts/newest', {}, most), (shown) => (this.posts = shown)),
      units: this.reading(async () => (await api.get('/v1/units', {})).units, (shown) => (this.liveUnits = shown)),
      shift: this.reading(async () => ({ shift: await api.get('/v1/shift', {}) }), (shown) => (this.shift = shown.value?.shift)),
      glass: this.reading(() => api.get('/v1/break-glass/noticed', {}), (shown) => this.sawGlass(shown.value ?? [])),
      sources: this.reading(() => api.get('/v1/sources', {}), (shown) => (this.sources = shown.value ?? [])),
    };
  }

  /** Follow the log, and read everything: in this order nothing falls between the two. Without a link the picture comes, too. */
  start(): () => void {
    const first = setTimeout(() => this.renew(), PATIENCE);
    const stop = follow(connect(workerUrl, this.me.id), SAFETY, {
      line: (line) => this.heardLine(line),
      pulse: (at) => this.clock.heard(at),
      event: (kind, data) => this.heard(kind, data),
    });
    const beating = setInterval(() => this.tick(), OFTEN / 4);
    const slow = () => [this.readings.units, ...(this.sources.length ? [] : [this.readings.sources])].forEach((one) => one.due()); // What is simulated says so: who sends is asked for until it is known.
    const slowly = setInterval(() => !document.hidden && !this.off && slow(), SLOWLY);
    return () => {
      stop();
      clearTimeout(first);
      clearInterval(beating);
      clearInterval(slowly);
      for (const one of Object.values(this.readings)) one.stop();
      this.detail?.stop();
    };
  }

  /** The queue that is shown: as it is, or as it was. */
  get queue(): Queue {
    return this.past?.replay.queue ?? this.live;
  }

  get incidents(): Shown<Incident[]> {
    return this.past ? this.past.incidents : this.liveIncidents;
  }

  get units(): Shown<Located[]> {
    return this.past ? this.past.units : this.liveUnits;
  }

  /** Why nothing may be done; '' when something may. */
  get off(): string {
    if (this.past) return PAST;
    return linkState(this.line, this.beat) === 'lost' ? OFF : '';
  }

  /** Look at the city as it was, from that moment on (microseconds). */
  lookBack(since: number, speed: number): void {
    this.past?.stop();
    this.open(undefined);
    this.past = new Past(this, since, speed);
    this.tick();
    this.draw();
  }

  /** Go back to now. */
  lookNow(): void {
    if (!this.past) return;
    this.past.stop();
    this.past = undefined;
    this.open(undefined);
    this.tick();
    this.draw();
  }

  get own(): Glass | undefined {
    return this.glasses.find((one) => one.begun.by === this.me.id && this.stands(one));
  }

  stands(glass: Glass): boolean {
    return !glass.ended && glass.begun.until > this.clock.now;
  }

  say(ok: boolean, text: string): void {
    this.message = { ok, text };
  }

  /** Read it all again. */
  renew(): void {
    for (const one of Object.values(this.readings)) one.due();
    this.detail?.due();
  }

  due(...names: Name[]): void {
    for (const name of names) this.readings[name].due();
    this.detail?.due();
  }

  /** The queue changed: show it. */
  draw(): void {
    this.items = this.queue.items;
    this.fresh = this.queue.fresh;
    this.cursor = this.queue.cursor;
    this.tab = this.queue.tab;
    this.holding = this.queue.held;
    this.known = this.past ? -this.queue.changes : this.queue.changes;
  }

  /** Somebody's hand is at work here. */
  touch(): void {
    this.touched = Date.now();
  }

  /** Somebody's hand is in the queue, or left it. */
  hold(held: boolean): void {
    if (held) this.touch();
    if (this.queue.held === held) return;
    this.queue.held = held;
    this.draw();
  }

  /** An alert as it was answered: it is in the log. Where the cursor goes on, so does what is shown. */
  took(alert: Alert): void {
    const before = this.live.cursor;
    this.live.mine(alert.id);
    this.live.told(alert);
    this.draw();
    const next = this.past || this.live.cursor === before ? undefined : this.live.at?.lead.alert.id;
    if (next && this.opened?.is === 'alert') this.open({ is: 'alert', id: next });
    this.due('alerts');
  }

  /** Open something, once the cursor has rested on it; or at once. */
  open(opened: Opened | undefined, soon = false): void {
    clearTimeout(this.look);
    if (soon) this.look = setTimeout(() => this.open(opened), A_LOOK);
    else if (opened?.is !== this.opened?.is || opened?.id !== this.opened?.id) this.opens(opened);
  }

  /** The rules in force, asked for once. */
  inForce(): Promise<InForce[]> {
    this.rules ??= this.api.get('/v1/rules', {});
    this.rules.catch(() => (this.rules = undefined));
    return this.rules;
  }

  private opens(opened: Opened | undefined): void {
    this.detail?.stop();
    this.detail = undefined;
    this.opened = opened;
    this.openedAlert = NOTHING;
    this.openedIncident = NOTHING;
    if (opened?.is === 'alert' && !this.queue.at?.rows.some((row) => row.alert.id === opened.id)) {
      // What a key is about is what is shown: the cursor goes there, or nowhere.
      this.queue.cursor = this.queue.items.find((item) => item.rows.some((row) => row.alert.id === opened.id))?.key;
      this.draw();
    }
    if (opened?.is === 'alert') this.detail = this.reading(() => readAlert(this.api, opened.id, this.past?.replay), (shown) => (this.openedAlert = shown));
    if (opened?.is === 'incident') this.detail = this.reading(() => readIncident(this.api, opened.id, this.past?.replay), (shown) => (this.openedIncident = shown));
    this.detail?.due();
  }

  private reading<T>(read: () => Promise<T>, show: (shown: Shown<T>) => void): Reading<T> {
    const one: Reading<T> = new Reading(read, () => show({ seen: one.seen, value: one.value, failed: one.failed }), OFTEN);
    return one;
  }

  private async readAlerts(): Promise<true> {
    const place = this.live.place;
    const read = await this.api.get('/v1/alerts', {});
    this.live.read(read.alerts, read.measures.flood, place);
    this.measures = read.measures;
    this.draw();
    return true;
  }

  private sawGlass(glasses: Glass[]): void {
    this.glasses = glasses;
    const why = this.own ? LIFE : SAFETY;
    if (why.purpose === this.api.why.purpose) return;
    this.api.why = why;
    this.renew();
  }

  private heardLine(line: Line): void {
    if (line.up && !this.line.up) this.renew();
    this.line = line;
    this.beat = Date.now();
  }

  private heard(kind: LogKind, data: string): void {
    const event = JSON.parse(data) as Told;
    if (kind === 'alert@1' && event.body) this.heardAlert(event.body as unknown as Alert);
    for (const name of DUE[kind]) this.readings[name].due();
    if (event.subject === this.opened?.id) this.detail?.due();
  }

  private heardAlert(alert: Alert): void {
    if (!this.live.told(alert)) return;
    if (alert.revision === 0) this.slots = counted(this.slots, alert);
    if (!this.past) this.draw();
  }

  tick(): void {
    this.beat = Date.now();
    this.now = this.past ? this.past.replay.now(this.beat) : this.clock.now;
    if (this.queue.held && this.beat - this.touched > LEFT_ALONE) this.hold(false);
    if (this.api.why === LIFE && !this.own) this.sawGlass(this.glasses);
  }
}
