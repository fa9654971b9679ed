// How nouns are called on the screen: as `screens/look.py` calls them.

import type { Agent, Place, Unit } from './types.ts';

export const SHAPES: Readonly<Record<number, string>> = { 1: '◆', 2: '▲', 3: '■', 4: '●' };
const DESK = 'desk';
const SHORT = 8; // characters of an id that tell two apart for a person

/** A name of ours, such as a type of alert, as a heading. */
export function title(name: string): string {
  const words = name.replace(/[-_]/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export type UnitStatus = Unit['status'];

/** A status in EIDO's manner of writing, in words. */
export function status(name: string): string {
  if (name === 'Enroute') return 'En route';
  return title(name.replace(/(?!^)[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`));
}

/** Who did it. People go by their ids: their names are sealed, and not everybody's to read. */
export function who(by: string, me: Agent): string {
  if (by === me.id) return 'you';
  return by === DESK ? 'the desk, by itself' : `colleague ${by.slice(0, SHORT)}`;
}

export function short(id: string): string {
  return id.slice(0, SHORT);
}

/** A place as people copy it into a map. */
export function where(place: Place | null | undefined): string {
  return place ? `${place.lat.toFixed(5)}, ${place.lon.toFixed(5)}` : '';
}

/** 1 alert, 2 alerts. */
export function some(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** What a unit can become from where it stands: as `model/resource.py` has it. */
export const UNIT_STEPS: Readonly<Record<UnitStatus, readonly UnitStatus[]>> = {
  Available: ['Enroute', 'OnScene', 'OutOfService'],
  Enroute: ['OnScene', 'Returning', 'Available', 'OutOfService'],
  OnScene: ['Enroute', 'Transporting', 'Returning', 'Available', 'OutOfService'],
  Transporting: ['AtHospital', 'OutOfService'],
  AtHospital: ['Returning', 'Available', 'OutOfService'],
  Returning: ['Enroute', 'OnScene', 'Available', 'OutOfService'],
  OutOfService: ['Available'],
};

export const UNIT_STATUSES = Object.keys(UNIT_STEPS) as UnitStatus[];

/** What an incident can become, besides closed and fused: as `model/incident.py` has it. */
export const INCIDENT_STEPS: Readonly<Record<string, readonly string[]>> = {
  New: ['Active'],
  Active: ['Dispatched', 'Resolved'],
  Dispatched: ['OnScene', 'Active'],
  OnScene: ['Resolved', 'Active'],
  Resolved: ['Active'],
};

/** Those that can be closed as they stand. */
export const CLOSABLE: readonly string[] = ['New', 'Resolved'];

/** Why an alert is false, or can rest: the reasons that are given most, by their keys; others are typed. */
export const FALSE: readonly string[] = [
  'Sensor is faulty', 'Test or maintenance', 'Announced event or works', 'Weather', 'Animal or plant',
  'Same as another alert', 'Nobody found anything there', 'Harmless, as somebody there says',
];
export const RESTS: readonly string[] = [
  'Works or event, announced', 'Known, and somebody is on it', 'Sensor is being repaired', 'Weather, until it passes',
];
export const RESTS_FOR: readonly (readonly [number, string])[] = [[15, '15 minutes'], [60, '1 hour'], [240, '4 hours'], [480, '8 hours']];
export const ENDED: readonly string[] = [
  'Dealt with', 'Nothing was found', 'Handed to another authority', 'False alarm', 'Opened by mistake',
];
