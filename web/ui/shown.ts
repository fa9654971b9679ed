// The shapes that the screen gets what was read in.

import type { Wrong } from '../core/api.ts';
import type { AlertDetail, Call, Incident, Told } from '../core/types.ts';

export interface OpenedAlert {
  readonly detail: AlertDetail;
  readonly events: readonly Told[];
}

export interface OpenedIncident {
  readonly incident: Incident;
  readonly events: readonly Told[];
  /** What it rests on; what may not be seen is known by its id only. */
  readonly alerts: readonly (readonly [string, AlertDetail | undefined])[];
  readonly calls: readonly (readonly [string, Call | undefined])[];
}

export type Opened = { readonly is: 'alert' | 'incident' | 'call'; readonly id: string };
export type List = 'queue' | 'work' | 'units';
export type WorkTab = 'incidents' | 'calls' | 'reports' | 'posts';

/** A reading as the screen looks at it. */
export interface Shown<T> {
  readonly seen: 'loading' | 'there' | 'wrong';
  readonly value: T | undefined;
  readonly failed: Wrong | undefined;
}

export interface Message {
  readonly ok: boolean;
  readonly text: string;
}

export const NOTHING: Shown<never> = { seen: 'loading', value: undefined, failed: undefined };
