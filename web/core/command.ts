// The command line: `s M21 av` sets a unit's status, `a` acknowledges, and any other words find what has them.
// Pure: text and what there is give suggestions, each with what it would do, or with why that can't be done.

import type { Row } from './queue.ts';
import type { Address, Call, Incident, Located, Place } from './types.ts';
import { CLOSABLE, status, title, UNIT_STATUSES, UNIT_STEPS, type UnitStatus, where } from './words.ts';

export type Command =
  | { readonly do: 'alert' | 'incident' | 'call' | 'unit'; readonly id: string }
  | { readonly do: 'acknowledge' | 'make-incident' | 'call-incident'; readonly id: string }
  | { readonly do: 'seen'; readonly type: string; readonly place: Place }
  | { readonly do: 'false' | 'note' | 'close'; readonly id: string; readonly text: string }
  | { readonly do: 'shelve'; readonly id: string; readonly minutes: number; readonly text: string }
  | { readonly do: 'status'; readonly id: string; readonly status: UnitStatus }
  | { readonly do: 'sign-on'; readonly budget: number }
  | { readonly do: 'sign-off' | 'help' }
  | { readonly do: 'go'; readonly to: string };

export interface Suggestion {
  readonly key: string;
  readonly says: string;
  readonly detail: string;
  /** What Enter does. */
  readonly command?: Command;
  /** What Enter writes into the line, where more is needed. */
  readonly fill?: string;
}

export interface Screen {
  readonly name: string;
  readonly to: string;
}

/** What there is to find, and what is at hand: the row under the cursor, and what is opened. */
export interface There {
  readonly alerts: readonly Row[];
  readonly incidents: readonly Incident[];
  readonly calls: readonly Call[];
  readonly units: readonly Located[];
  readonly screens: readonly Screen[];
  readonly alert: Row | undefined;
  readonly incident: Incident | undefined;
  readonly call: Call | undefined;
  /** Places that have the words which were typed where a place belongs. */
  readonly places: readonly Address[];
  /** What the map looks at, where there is one. */
  readonly centre: Place | undefined;
}

const MOST = 9;
const BUDGET = 12; // alerts an hour, where nobody says how many

interface Verb {
  readonly words: readonly string[];
  readonly takes: string;
  readonly says: string;
  readonly suggest: (rest: string, there: There) => Suggestion[];
}

const plain = (text: string): string => text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
const parts = (text: string): string[] => text.trim().split(/\s+/).filter(Boolean);
const cannot = (says: string, detail: string): Suggestion => ({ key: says, says, detail });
const initials = (words: string): string => words.split(' ').map((word) => word.charAt(0).toLowerCase()).join('');

const VERBS: readonly Verb[] = [
  { words: ['s', 'status'], takes: 'UNIT STATUS', says: 'set the status of a unit', suggest: statuses },
  { words: ['a', 'ack', 'acknowledge'], takes: 'ALERT', says: 'acknowledge', suggest: (rest, there) => onAlert(rest, there, 'Acknowledge', 'acknowledge') },
  { words: ['i', 'incident'], takes: 'ALERT, or WHAT at PLACE', says: 'open an incident', suggest: incidentOf },
  { words: ['x', 'false'], takes: 'REASON', says: 'false alarm', suggest: (rest, there) => said(rest, there.alert, 'False', 'why it is false', (row, text) => ({ do: 'false', id: row.alert.id, text })) },
  { words: ['h', 'hold', 'shelve'], takes: 'MINUTES REASON', says: 'shelve for a while', suggest: shelve },
  { words: ['n', 'note'], takes: 'TEXT', says: 'write a note', suggest: note },
  { words: ['e', 'end', 'close'], takes: 'HOW', says: 'end the incident', suggest: close },
  { words: ['o', 'open'], takes: 'ANYTHING', says: 'open what has these words', suggest: found },
  { words: ['g', 'go'], takes: 'SCREEN', says: 'go to a screen', suggest: screens },
  { words: ['on'], takes: 'ALERTS-AN-HOUR', says: 'sign on to your shift', suggest: signOn },
  { words: ['off'], takes: '', says: 'sign off', suggest: () => [{ key: 'off', says: 'Sign off', detail: 'end your shift', command: { do: 'sign-off' } }] },
  { words: ['?', 'help', 'keys'], takes: '', says: 'all keys', suggest: () => [{ key: 'help', says: 'Keys', detail: 'all of them', command: { do: 'help' } }] },
];

/** What the line can do with that text. */
export function suggest(text: string, there: There): Suggestion[] {
  const line = text.replace(/^\s*\//, '').trimStart();
  if (!line) return VERBS.map(told);
  const [first = '', ...rest] = parts(line);
  const more = /\s$/.test(text) || rest.length > 0;
  const verb = VERBS.find((one) => one.words.includes(first.toLowerCase()));
  const own = verb ? verb.suggest(rest.join(' '), there) : [];
  const units = named(line, there).length > 0 ? statuses(line, there) : [];
  const plainly = verb && more ? [] : found(line, there);
  const seen = new Set<string>();
  return [...own, ...units, ...plainly].filter((one) => !seen.has(one.key) && seen.add(one.key)).slice(0, MOST);
}

function told(verb: Verb): Suggestion {
  const word = verb.words[0] ?? '';
  return { key: `verb ${word}`, says: `${word} ${verb.takes}`.trim(), detail: verb.says, fill: verb.takes ? `${word} ` : word };
}

/** The unit that the text begins with, and what comes after its name. Call signs may have spaces. */
function named(text: string, there: There): { unit: Located; rest: string }[] {
  const words = parts(text);
  for (let count = words.length; count > 0; count -= 1) {
    const name = plain(words.slice(0, count).join(''));
    const exact = there.units.filter((one) => plain(one.unit.name) === name);
    if (exact.length > 0) return exact.map((unit) => ({ unit, rest: words.slice(count).join(' ') }));
  }
  return [];
}

function statuses(rest: string, there: There): Suggestion[] {
  const exact = named(rest, there);
  if (exact.length > 0) return exact.flatMap(({ unit, rest: wanted }) => nextOf(unit, wanted));
  const name = plain(rest);
  const begun = there.units.filter((one) => plain(one.unit.name).startsWith(name));
  if (begun.length === 0) return [cannot(`No unit is called ${rest}`, 'units are known by their call signs')];
  return begun.map((one) => ({
    key: `unit ${one.unit.id}`, says: one.unit.name, detail: `${one.unit.kind}, ${status(one.unit.status)}`, fill: `s ${one.unit.name} `,
  }));
}

function nextOf({ unit }: Located, wanted: string): Suggestion[] {
  const name = plain(wanted);
  const fits = UNIT_STATUSES.filter((one) => plain(status(one)).startsWith(name) || initials(status(one)) === name);
  if (fits.length === 0) return [cannot(`No status begins with ${wanted}`, UNIT_STATUSES.map(status).join(', '))];
  const steps = UNIT_STEPS[unit.status];
  const can = fits.filter((one) => steps.includes(one)).map((one): Suggestion => ({
    key: `${unit.id} ${one}`, says: `${unit.name}: ${status(one)}`, detail: `now ${status(unit.status)}`, command: { do: 'status', id: unit.id, status: one },
  }));
  if (can.length > 0) return can;
  const could = steps.map(status).join(', ');
  return [cannot(`${unit.name} is ${status(unit.status)} and can't become ${fits.map(status).join(' or ')}`, `it can become ${could}`)];
}

const describe = (row: Row): string => row.says || row.alert.sources.join(', ');

function alertsWith(rest: string, there: There): Row[] {
  if (!rest) return there.alert ? [there.alert] : [];
  return there.alerts.filter((row) => has(`${title(row.alert.type)} ${row.says} ${row.alert.sources.join(' ')}`, rest));
}

function onAlert(rest: string, there: There, says: string, act: 'acknowledge' | 'make-incident'): Suggestion[] {
  const rows = alertsWith(rest, there);
  if (rows.length === 0) return [cannot(rest ? `No open alert has ${rest}` : 'No alert is under the cursor', 'name it by its words')];
  return rows.map((row) => ({
    key: `${act} ${row.alert.id}`, says: `${says}: ${title(row.alert.type)}`, detail: describe(row), command: { do: act, id: row.alert.id },
  }));
}

/** Somewhere that is known: coordinates, a unit by its call sign, `here` at what is at hand, `map` where the map looks. */
function placeOf(words: string, there: There): Place | undefined {
  const [, lat, lon] = /^(-?\d+(?:\.\d+)?)\s*[, ]\s*(-?\d+(?:\.\d+)?)$/.exec(words.trim()) ?? [];
  if (lat && lon) return Math.abs(Number(lat)) <= 90 && Math.abs(Number(lon)) <= 180 ? { lat: Number(lat), lon: Number(lon) } : undefined;
  if (words === 'map') return there.centre;
  if (words === 'here') return there.alert?.alert.place ?? there.incident?.place ?? there.call?.place;
  return there.units.find((one) => plain(one.unit.name) === plain(words))?.place ?? undefined;
}

/** What somebody saw, and where: a place that is known, or each that has these words. */
function seen(type: string, words: string, there: There): Suggestion[] {
  const known = placeOf(words, there);
  const places = known ? [{ name: where(known), place: known }] : there.places;
  if (places.length === 0) return [cannot(`Nobody knows where ${words || '…'} is`, 'an address, coordinates, the call sign of a unit, here, or map')];
  return places.map(({ name, place }) => ({
    key: `seen ${name}`, says: `Open an incident: ${title(type)}`, detail: `at ${name}`, command: { do: 'seen', type, place },
  }));
}

const AT = /^(.+?)\s+(?:at|@)\s*(.*)$/;

/** The words of a place that stand in the line, where it asks for one; '' where it does not, or where too few to look for. */
export function placed(text: string): string {
  const [, rest] = /^\s*\/?\s*(?:i|incident)\s+(.*)$/i.exec(text) ?? [];
  const words = AT.exec(rest ?? '')?.[2]?.trim() ?? '';
  return words.length < 3 ? '' : words;
}

function incidentOf(rest: string, there: There): Suggestion[] {
  const [, type, words] = AT.exec(rest) ?? [];
  if (type !== undefined && words !== undefined) return seen(type, words, there);
  const calls = rest ? there.calls.filter((call) => has(`call ${call.category}`, rest)) : there.call ? [there.call] : [];
  const made = calls.map((call): Suggestion => ({
    key: `call-incident ${call.id}`, says: `Open an incident: ${call.category}`, detail: 'from the call', command: { do: 'call-incident', id: call.id },
  }));
  if (made.length > 0 && alertsWith(rest, there).length === 0) return made;
  return [...onAlert(rest, there, 'Open an incident', 'make-incident'), ...made];
}

function said<T>(rest: string, at: T | undefined, says: string, needs: string, command: (at: T, text: string) => Command): Suggestion[] {
  if (at === undefined) return [cannot('Nothing is at hand for that', 'move to it, or open it, first')];
  if (!rest) return [cannot(`${says}: …`, `say ${needs}`)];
  return [{ key: says, says: `${says}: ${rest}`, detail: 'Enter writes it down', command: command(at, rest) }];
}

function shelve(rest: string, there: There): Suggestion[] {
  const [, minutes = '', reason = ''] = /^(\d{1,3})\s+(.*)$/.exec(rest) ?? [];
  if (!minutes) return [cannot('Shelve: MINUTES REASON', 'for how many minutes, 480 at most, and why')];
  return said(reason, there.alert, `Shelve for ${minutes} minutes`, 'why it can rest', (row, text) => ({
    do: 'shelve', id: row.alert.id, minutes: Number(minutes), text,
  }));
}

function note(rest: string, there: There): Suggestion[] {
  return said(rest, there.incident, 'Note', 'what is to be written down', (incident, text) => ({ do: 'note', id: incident.id, text }));
}

function close(rest: string, there: There): Suggestion[] {
  if (there.incident && !CLOSABLE.includes(there.incident.status)) {
    return [cannot(`It is ${status(there.incident.status)}, and can't be closed yet`, 'resolve it first: key w')];
  }
  return said(rest, there.incident, 'End', 'how it ended', (incident, text) => ({ do: 'close', id: incident.id, text }));
}

function signOn(rest: string): Suggestion[] {
  const budget = /^\d{1,3}$/.test(rest) ? Number(rest) : BUDGET;
  return [{ key: 'on', says: `Sign on, ${budget} alerts an hour`, detail: 'your shift begins', command: { do: 'sign-on', budget } }];
}

function screens(rest: string, there: There): Suggestion[] {
  return there.screens.filter((one) => has(one.name, rest)).map((one) => ({
    key: `go ${one.to}`, says: one.name, detail: 'go there', command: { do: 'go', to: one.to },
  }));
}

/** Whether each of the words begins a word of that. */
function has(text: string, words: string): boolean {
  const there = text.toLowerCase().split(/[^\p{L}\p{N}]+/u);
  return parts(words.toLowerCase()).every((word) => there.some((one) => one.startsWith(word)) || text.toLowerCase().includes(word));
}

/** Everything that has these words: units, incidents, alerts, calls, screens. */
function found(words: string, there: There): Suggestion[] {
  const units = there.units.filter((one) => has(`${one.unit.name} ${one.unit.kind}`, words)).map((one): Suggestion => ({
    key: `unit ${one.unit.id}`, says: one.unit.name, detail: `${one.unit.kind}, ${status(one.unit.status)}`, command: { do: 'unit', id: one.unit.id },
  }));
  const incidents = there.incidents.filter((one) => has(`${title(one.type)} ${one.status} incident`, words)).map((one): Suggestion => ({
    key: `incident ${one.id}`, says: title(one.type), detail: `incident, ${status(one.status)}`, command: { do: 'incident', id: one.id },
  }));
  const alerts = words ? alertsWith(words, there).map((row): Suggestion => ({
    key: `alert ${row.alert.id}`, says: title(row.alert.type), detail: `alert, ${describe(row)}`, command: { do: 'alert', id: row.alert.id },
  })) : [];
  const calls = there.calls.filter((one) => has(`${one.category} call`, words)).map((one): Suggestion => ({
    key: `call ${one.id}`, says: one.category, detail: 'call', command: { do: 'call', id: one.id },
  }));
  return [...incidents, ...alerts, ...units, ...calls, ...screens(words, there)];
}
