import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ofAlert, ofIncident } from './story.ts';
import type { Told } from './types.ts';

const told = (at: number, by: string, body: object | undefined): Told => ({ at, by, body }) as unknown as Told;
const clock = (at: number) => `time ${at}`;
const incident = (changes: object) => ({ status: 'New', alerts: ['alert-one-1'], calls: [], fused: [], agencies: [], notes: [], ...changes });

test('an alert is told from its events: who did what, and why', () => {
  const story = ofAlert(
    [
      told(1, 'desk', { count: 1, status: 'new' }),
      told(2, 'desk', { count: 3, status: 'new' }),
      told(3, 'aino', { count: 3, status: 'acknowledged' }),
      told(4, 'aino', { count: 3, status: 'shelved', shelved_until: 9, reason: 'works' }),
      told(5, 'aino', { count: 3, status: 'dismissed', reason: 'a concert' }),
    ],
    clock,
  );
  assert.deepEqual(
    story.map((one) => `${one.at} ${one.by} ${one.says}`),
    ['1 desk noticed', '1 desk shown', '2 desk noticed again, ×3', '3 aino acknowledged', '4 aino shelved until time 9: works', '5 aino dismissed: a concert'],
  );
});

test('an incident says what it was opened from', () => {
  const from = (changes: object) => ofIncident([told(1, 'aino', incident(changes))])[0]?.says;
  assert.equal(from({}), 'opened, from an alert');
  assert.equal(from({ alerts: [], calls: ['112-7'] }), 'opened, from a call');
  assert.equal(from({ alerts: [] }), 'opened, from what somebody saw');
});

test('an incident is told from its events, and what may not be seen tells nothing', () => {
  const story = ofIncident([
    told(1, 'aino', incident({})),
    told(2, 'aino', undefined),
    told(3, 'bo', incident({ status: 'Active', calls: ['112-7'], agencies: ['fire'], notes: [{ text: 'two engines' }] })),
    told(4, 'bo', incident({ status: 'Closed', disposition: 'dealt with', alerts: [], calls: ['112-7'], agencies: ['fire'], notes: [{ text: 'two engines' }] })),
  ]);
  assert.deepEqual(
    story.map((one) => one.says),
    ['opened, from an alert', 'now Active', 'call added: 112-7', 'works on it: fire', 'noted: two engines', 'closed: dealt with', 'alert taken out: alert-on'],
  );
});
