import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bars, counted, Replay, SLOT } from './replay.ts';
import type { Alert, Stood, Told } from './types.ts';

const SINCE = 1000 * SLOT;
const alert = (id: string, changes: object = {}): Alert =>
  ({ id, rank: 900, type: id, status: 'new', since: 0, revision: 0, scale: { severity: 'Minor' }, ...changes }) as unknown as Alert;
const told = (kind: string, subject: string, body: object | undefined): Told => ({ kind, subject, body }) as unknown as Told;
const stood = { alerts: [alert('loud')], incidents: [{ id: 'i1', status: 'Active', opened_at: 1 }], units: [{ id: 'u1', name: 'M21', status: 'Available' }] } as unknown as Stood;

test('it begins with what stood then, and goes on with what the log told', () => {
  const replay = new Replay(SINCE, 10, 0);
  replay.stood(stood);
  replay.told(told('alert@1', 'fire', alert('fire', { rank: 11_000 })));
  replay.told(told('alert@1', 'loud', alert('loud', { status: 'dismissed', revision: 1 })));
  replay.told(told('incident@1', 'i2', { id: 'i2', status: 'New', opened_at: 5 }));
  replay.told(told('unit@1', 'u1', { id: 'u1', name: 'M21', status: 'Enroute' }));
  replay.told(told('alert@1', 'sealed', undefined));
  assert.deepEqual(replay.queue.items.map((item) => item.key), ['fire']);
  assert.deepEqual(replay.underWay.map((one) => one.id), ['i2', 'i1']);
  assert.equal(replay.roster[0]?.status, 'Enroute');
  replay.told(told('incident@1', 'i1', { id: 'i1', status: 'Closed', opened_at: 1 }));
  assert.deepEqual(replay.underWay.map((one) => one.id), ['i2']);
});

test('its clock runs at its speed between two pulses, and stands when nothing comes', () => {
  const replay = new Replay(SINCE, 10, 5000);
  assert.equal(replay.now(5500), SINCE + 5e6);
  replay.pulse(SINCE + 60e6, 11_000);
  assert.equal(replay.now(11_000), SINCE + 60e6);
  assert.equal(replay.now(99_000), SINCE + 70e6);
});

test('a time bar has a bar for each five minutes, and tells grave ones apart', () => {
  const slots = [{ at: SINCE + SLOT, shown: { Minor: 3, Severe: 1, Extreme: 1 } }];
  assert.deepEqual(bars(slots, SINCE + 1, SINCE + 3 * SLOT), [
    { at: SINCE, all: 0, grave: 0 },
    { at: SINCE + SLOT, all: 5, grave: 2 },
    { at: SINCE + 2 * SLOT, all: 0, grave: 0 },
  ]);
});

test('what comes live is counted in its bar', () => {
  const once = counted([], alert('a', { shown_at: SINCE + 7 }));
  const twice = counted(once, alert('b', { shown_at: SINCE + 9 }));
  assert.deepEqual(twice, [{ at: SINCE, shown: { Minor: 2 } }]);
});
