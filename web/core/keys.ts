// The one table of keys: what is pressed, what it does, and where. Help is drawn from it, and nothing else listens.

export type Doing =
  | 'down' | 'up' | 'open' | 'back' | 'acknowledge' | 'incident' | 'add' | 'shelve' | 'unshelve' | 'false' | 'false-again'
  | 'fresh' | 'note' | 'close' | 'step' | 'next-tab' | 'last-tab' | 'status' | 'command' | 'help'
  | 'go-queue' | 'go-work' | 'go-units' | 'go-map' | 'go-time' | 'go-detail' | 'now' | 'sign';

export interface Key {
  /** As `KeyboardEvent.key` tells it; two with a space are pressed one after the other. */
  readonly press: string;
  readonly does: Doing;
  readonly says: string;
  readonly group: 'Move' | 'Alert' | 'Incident' | 'Unit' | 'Go';
  /** It changes something: off while the link is lost. */
  readonly acts?: boolean;
}

export const KEYS: readonly Key[] = [
  { press: 'j', does: 'down', says: 'next row', group: 'Move' },
  { press: 'k', does: 'up', says: 'row before', group: 'Move' },
  { press: 'Enter', does: 'open', says: 'open the row', group: 'Move' },
  { press: 'Escape', does: 'back', says: 'back', group: 'Move' },
  { press: 'n', does: 'fresh', says: 'show what is new', group: 'Move' },
  { press: ']', does: 'next-tab', says: 'next list', group: 'Move' },
  { press: '[', does: 'last-tab', says: 'list before', group: 'Move' },
  { press: '/', does: 'command', says: 'find or do anything', group: 'Move' },
  { press: '?', does: 'help', says: 'these keys', group: 'Move' },
  { press: 'a', does: 'acknowledge', says: 'acknowledge', group: 'Alert', acts: true },
  { press: 'i', does: 'incident', says: 'open an incident', group: 'Alert', acts: true },
  { press: 'p', does: 'add', says: 'part of an incident', group: 'Alert', acts: true },
  { press: 'x', does: 'false', says: 'false alarm', group: 'Alert', acts: true },
  { press: 'X', does: 'false-again', says: 'false, for the same reason as the last of its kind', group: 'Alert', acts: true },
  { press: 's', does: 'shelve', says: 'shelve for a while', group: 'Alert', acts: true },
  { press: 'u', does: 'unshelve', says: 'take back from the shelf', group: 'Alert', acts: true },
  { press: 't', does: 'note', says: 'write a note', group: 'Incident', acts: true },
  { press: 'w', does: 'step', says: 'next step', group: 'Incident', acts: true },
  { press: 'e', does: 'close', says: 'end it', group: 'Incident', acts: true },
  { press: 'v', does: 'status', says: 'set the status of the unit', group: 'Unit', acts: true },
  { press: 'g q', does: 'go-queue', says: 'queue', group: 'Go' },
  { press: 'g i', does: 'go-work', says: 'incidents', group: 'Go' },
  { press: 'g u', does: 'go-units', says: 'units', group: 'Go' },
  { press: 'g m', does: 'go-map', says: 'map', group: 'Go' },
  { press: 'g t', does: 'go-time', says: 'time bar: arrows choose a moment, Enter shows it', group: 'Go' },
  { press: 'l', does: 'now', says: 'back to now', group: 'Go' },
  { press: 'g d', does: 'go-detail', says: 'what is open', group: 'Go' },
  { press: 'g s', does: 'sign', says: 'your shift', group: 'Go' },
];

/** A key as somebody pressed it, and where: the part of a KeyboardEvent that is looked at. */
export interface Pressed {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly isComposing: boolean;
}

/** Where it was pressed: in something that is typed into, or on something that a key works by itself. */
export interface Where {
  readonly typing: boolean;
  readonly pressable: boolean;
}

const PATIENCE = 1500; // ms between two keys that belong together

/** From keys to what they do. Remembers the first of two that are pressed one after the other. */
export class Keys {
  /** Single letters can be switched off (WCAG 2.1.4): Escape, Enter and those with Alt held remain. */
  letters = true;
  private first = '';
  private at = 0;
  private readonly table: readonly Key[];

  constructor(table: readonly Key[] = KEYS) {
    this.table = table;
  }

  /** What a key does there at that time (ms); undefined for nothing of ours. */
  pressed(event: Pressed, where: Where, now: number): Key | undefined {
    const before = now - this.at <= PATIENCE ? this.first : '';
    this.first = '';
    if (event.ctrlKey || event.metaKey || event.isComposing) return undefined;
    if (where.typing) return event.key === 'Escape' ? this.named('Escape') : undefined;
    if (where.pressable && (event.key === 'Enter' || event.key === ' ')) return undefined;
    if (!this.letters && event.key.length === 1 && !event.altKey) return undefined;
    if (this.letters && event.altKey) return undefined;
    const both = before ? this.named(`${before} ${event.key}`) : undefined;
    if (both) return both;
    if (this.table.some((one) => one.press.startsWith(`${event.key} `))) {
      this.first = event.key;
      this.at = now;
      return undefined;
    }
    return this.named(event.key);
  }

  private named(press: string): Key | undefined {
    return this.table.find((one) => one.press === press);
  }
}

/** The table in its groups, for help. */
export function groups(table: readonly Key[] = KEYS): [string, Key[]][] {
  const found = new Map<string, Key[]>();
  for (const key of table) found.set(key.group, [...(found.get(key.group) ?? []), key]);
  return [...found];
}

/** The key of something that is done, for its button. */
export function keyOf(does: Doing): string {
  return KEYS.find((one) => one.does === does)?.press ?? '';
}
