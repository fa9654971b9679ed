// The queue as a person works in it: its order, the cursor, what waits until it is asked for, and folding in a flood.
//
// While somebody's hand is in it (`held`), nothing moves: rows keep their places, what left the list stays as a ghost
// that says what became of it, and new rows wait behind "4 new ↑". `settle` puts all in order again.

import type { Alert } from './types.ts';

export const TABS = ['new', 'acknowledged', 'shelved', 'held'] as const;
export type Tab = (typeof TABS)[number];

export type Priority = 1 | 2 | 3 | 4;
const PRIORITIES: readonly (readonly [number, Priority])[] = [
  [10_000, 1],
  [2_500, 2],
  [900, 3],
];
const FOLDS = 3; // rows of one type that become one in a flood
const CLOSED = 500; // alerts that are over and remembered, so that an old answer brings none back

/** 1, the most pressing, to 4: as `screens/look.py` has it. */
export function priority(alert: Alert): Priority {
  return PRIORITIES.find(([least]) => alert.rank >= least)?.[1] ?? 4;
}

/** One alert, what it says in words ('' while only the log told of it), and whether it left this list meanwhile. */
export interface Row {
  readonly alert: Alert;
  readonly says: string;
  /** What people call the place; '' when nothing near has a name. */
  readonly where?: string;
  readonly gone: boolean;
}

/** What stands in one place of the list: a row, or in a flood all rows of one type. */
export interface Item {
  readonly key: string;
  readonly lead: Row;
  readonly rows: readonly Row[];
}

interface Known {
  alert: Alert;
  says: string;
  where: string;
  mark: number;
}

const byRank = (one: Known, other: Known): number =>
  other.alert.rank - one.alert.rank || other.alert.since - one.alert.since || (one.alert.id < other.alert.id ? -1 : 1);

export class Queue {
  cursor: string | undefined;
  private current: Tab = 'new';
  private hand = false;
  private flood = false;
  private folded = false;
  private order: string[] = [];
  private mark = 0;
  /** How often an alert changed. */
  changes = 0;
  private made: Item[] | undefined;
  private readonly known = new Map<string, Known>();
  private readonly ghosts = new Map<string, Known>();
  private readonly closed = new Map<string, number>();
  private readonly unfolded = new Set<string>();
  private readonly own = new Set<string>();

  /** How far the log was followed here; give it to `read` with what was asked for then. */
  get place(): number {
    return this.mark;
  }

  get tab(): Tab {
    return this.current;
  }

  set tab(tab: Tab) {
    this.current = tab;
    this.cursor = undefined;
    this.settle();
  }

  get held(): boolean {
    return this.hand;
  }

  /** Somebody's hand is in the list, or left it. */
  set held(held: boolean) {
    this.hand = held;
    if (!held) this.settle();
  }

  /** All open alerts, as they were read by a question that was asked at `place`. */
  read(rows: readonly { alert: Alert; says: string; where?: string }[], flood: boolean, place: number): void {
    const named = new Set(rows.map((row) => row.alert.id));
    for (const [id, one] of this.known) if (!named.has(id) && one.mark <= place) this.leave(id, one.alert);
    for (const { alert, says, where = '' } of rows) {
      if ((this.closed.get(alert.id) ?? -1) >= alert.revision) continue;
      const before = this.known.get(alert.id);
      if (before && before.alert.revision > alert.revision) continue;
      this.known.set(alert.id, { alert, says, where, mark: before?.mark ?? place });
    }
    this.flood = flood;
    this.changes += 1;
    this.changed();
  }

  /** The log told of an alert. Gives whether that was news. */
  told(alert: Alert): boolean {
    const before = this.known.get(alert.id);
    const newest = before?.alert.revision ?? this.closed.get(alert.id) ?? -1;
    if (alert.revision <= newest) return false;
    this.mark += 1;
    if (!(TABS as readonly string[]).includes(alert.status)) this.leave(alert.id, alert);
    else this.known.set(alert.id, { alert, says: before?.says ?? '', where: before?.where ?? '', mark: this.mark });
    this.changes += 1;
    this.changed();
    return true;
  }

  /** This person did something about it: it leaves the list under their own hand, also when the log told of it before. */
  mine(id: string): void {
    this.own.add(id);
    this.changed();
  }

  /** What the list shows, from the top. */
  get items(): Item[] {
    this.made ??= this.make();
    return this.made;
  }

  private make(): Item[] {
    const rows = this.order.map((id) => this.row(id)).filter((row) => row !== undefined);
    return this.folded ? this.fold(rows) : rows.map((row) => ({ key: row.alert.id, lead: row, rows: [row] }));
  }

  get at(): Item | undefined {
    return this.items.find((item) => item.key === this.cursor);
  }

  /** Rows that wait until they are asked for, highest first. */
  get fresh(): Alert[] {
    const there = new Set(this.order);
    return this.inTab().filter((one) => !there.has(one.alert.id)).map((one) => one.alert);
  }

  /** How many alerts stand in each list. */
  get counts(): Record<Tab, number> {
    const counts = { new: 0, acknowledged: 0, shelved: 0, held: 0 };
    for (const { alert } of this.known.values()) counts[alert.status as Tab] += 1;
    return counts;
  }

  find(id: string): Row | undefined {
    const one = this.known.get(id);
    return one && { alert: one.alert, says: one.says, where: one.where, gone: false };
  }

  /** All that is open, highest first. */
  get all(): Row[] {
    return [...this.known.values()].sort(byRank).map(({ alert, says, where }) => ({ alert, says, where, gone: false }));
  }

  /** Move the cursor by so many places; the first move lands on the first row. */
  move(by: number): void {
    const items = this.items;
    const from = items.findIndex((item) => item.key === this.cursor);
    const to = from < 0 ? 0 : Math.min(items.length - 1, Math.max(0, from + by));
    this.cursor = items[to]?.key;
  }

  /** Show the rows of a type one by one, although it is a flood; or together again. */
  unfold(key: string): void {
    if (!this.unfolded.delete(key)) this.unfolded.add(key);
    this.made = undefined;
  }

  /**
   * Put everything in its order. The cursor stays with its row; when this person took that away, with the one in its place;
   * when a colleague did, it is nowhere, so that no key is about a row that nobody chose.
   */
  settle(): void {
    const before = this.cursor === undefined ? -1 : this.items.findIndex((item) => item.key === this.cursor);
    const mine = this.byOwnHand(before);
    this.ghosts.clear();
    this.own.clear();
    this.folded = this.flood && this.current === 'new';
    this.order = this.inTab().map((one) => one.alert.id);
    this.made = undefined;
    this.keep(before, mine);
  }

  private byOwnHand(place: number): boolean {
    return this.items[place]?.rows.some((row) => this.own.has(row.alert.id)) ?? false;
  }

  private leave(id: string, alert: Alert): void {
    this.known.delete(id);
    this.closed.set(id, alert.revision);
    if (this.order.includes(id)) this.ghosts.set(id, { alert, says: '', where: '', mark: 0 });
    for (const oldest of this.closed.keys()) {
      if (this.closed.size <= CLOSED) break;
      this.closed.delete(oldest);
    }
  }

  private changed(): void {
    if (!this.hand) return this.settle();
    const before = this.cursor === undefined ? -1 : this.items.findIndex((item) => item.key === this.cursor);
    const mine = this.byOwnHand(before);
    this.made = undefined;
    this.order = this.order.filter((id) => !this.own.has(id) || this.known.get(id)?.alert.status === this.current);
    this.keep(before, mine);
  }

  private keep(place: number, mine: boolean): void {
    const items = this.items;
    if (place < 0 || items.some((item) => item.key === this.cursor)) return;
    const together = items.find((item) => item.rows.some((row) => row.alert.id === this.cursor));
    this.cursor = (together ?? (mine ? items[Math.min(place, items.length - 1)] : undefined))?.key;
  }

  private inTab(): Known[] {
    return [...this.known.values()].filter((one) => one.alert.status === this.current).sort(byRank);
  }

  private row(id: string): Row | undefined {
    const one = this.known.get(id) ?? this.ghosts.get(id);
    return one && { alert: one.alert, says: one.says, where: one.where, gone: one.alert.status !== this.current };
  }

  private fold(rows: Row[]): Item[] {
    const types = new Map<string, Row[]>();
    for (const row of rows) if (priority(row.alert) > 1) types.set(row.alert.type, [...(types.get(row.alert.type) ?? []), row]);
    const items: Item[] = [];
    for (const row of rows) {
      const alike = types.get(row.alert.type) ?? [];
      const key = `type:${row.alert.type}`;
      if (priority(row.alert) === 1 || alike.length < FOLDS || this.unfolded.has(key)) {
        items.push({ key: row.alert.id, lead: row, rows: [row] });
      } else if (alike[0] === row) items.push({ key, lead: row, rows: alike });
    }
    return items;
  }
}
