// The nouns of the platform, by the names that the console knows them by. Written by the app itself: see schema.ts.

import type { components } from './schema.ts';

type Nouns = components['schemas'];

export type Address = Nouns['Address'];
export type Agent = Nouns['Agent'];
export type Alert = Nouns['Alert'];
export type AlertDetail = Nouns['Detail'];
export type Call = Nouns['Call'];
export type Glass = Nouns['Glass'];
export type Incident = Nouns['Incident'];
export type InForce = Nouns['InForce'];
export type Located = Nouns['Located'];
export type Measures = Nouns['Measures'];
export type Slot = Nouns['Slot'];
export type Stood = Nouns['Stood'];
export type Place = Nouns['Place'];
export type Post = Nouns['Post'];
export type Problem = Nouns['Problem'];
export type QueueRead = Nouns['Queue'];
export type Report = Nouns['ServiceRequest'];
export type Shift = Nouns['Shift'];
export type Source = Nouns['Source'];
export type Told = Nouns['Events']['events'][number];
export type Tried = Nouns['Tried'];
export type Unit = Nouns['EmergencyResource'];
