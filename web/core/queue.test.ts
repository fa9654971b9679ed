import assert from 'node:assert/strict';
import { test } from 'node:test';
import { priority, Queue } from './queue.ts';
import type { Alert } from './types.ts';

const alert = (id: string, rank: number, changes: Partial<Alert> = {}): Alert =>
  ({ id, rank, type: id, status: 'new', since: 0, revision: 0, ...changes }) as Alert;
const rows = (...alerts: Alert[]) => alerts.map((one) => ({ alert: one, says: `about ${one.id}` }));
const names = (queue: Queue): string[] => queue.items.map((item) => item.key);

function filled(...alerts: Alert[]): Queue {
  const queue = new Queue();
  queue.read(rows(...alerts), false, 0);
  return queue;
}

test('the highest rank stands first, and among like ones the newest', () => {
  const queue = filled(alert('low', 100), alert('old', 900, { since: 1 }), alert('young', 900, { since: 2 }), alert('top', 11_000));
  assert.deepEqual(names(queue), ['top', 'young', 'old', 'low']);
  assert.deepEqual(queue.items.map((item) => priority(item.lead.alert)), [1, 3, 3, 4]);
});

test('a new alert comes by itself where nobody has a hand in the list', () => {
  const queue = filled(alert('loud', 100));
  assert.equal(queue.told(alert('fire', 11_000)), true);
  assert.deepEqual(names(queue), ['fire', 'loud']);
  assert.equal(queue.items[0]?.lead.says, '');
});

test('the row under the cursor never moves: what is new waits until it is asked for', () => {
  const queue = filled(alert('loud', 100), alert('crowd', 50));
  queue.move(1);
  queue.held = true;
  queue.told(alert('fire', 11_000));
  queue.read(rows(alert('fire', 11_000), alert('loud', 100), alert('crowd', 70_000)), false, queue.place);
  assert.deepEqual(names(queue), ['loud', 'crowd']);
  assert.deepEqual(queue.fresh.map((one) => one.id), ['fire']);

  queue.settle();
  assert.deepEqual(names(queue), ['crowd', 'fire', 'loud']);
  assert.equal(queue.cursor, 'loud');
  assert.deepEqual(queue.fresh, []);
});

test('what a colleague took stays as a ghost under a hand, and goes when the hand does', () => {
  const queue = filled(alert('fire', 11_000), alert('loud', 100));
  queue.move(1);
  queue.held = true;
  queue.told(alert('fire', 11_000, { status: 'acknowledged', revision: 1, by: 'bo' }));
  assert.deepEqual(names(queue), ['fire', 'loud']);
  assert.equal(queue.items[0]?.lead.gone, true);
  queue.told(alert('loud', 100, { status: 'dismissed', revision: 1 }));
  assert.equal(queue.items[1]?.lead.gone, true);

  queue.held = false;
  assert.deepEqual(names(queue), []);
});

test('what I did myself leaves at once, and the cursor takes the row in its place', () => {
  const queue = filled(alert('a', 3), alert('b', 2), alert('c', 1));
  queue.held = true;
  queue.move(1);
  queue.move(1);
  assert.equal(queue.cursor, 'b');
  queue.mine('b');
  queue.told(alert('b', 2, { status: 'acknowledged', revision: 1 }));
  assert.deepEqual(names(queue), ['a', 'c']);
  assert.equal(queue.cursor, 'c');
  queue.mine('c');
  queue.told(alert('c', 1, { status: 'dismissed', revision: 1 }));
  assert.equal(queue.cursor, 'a');
});

test('what I did leaves also when the log was quicker than the answer', () => {
  const queue = filled(alert('a', 3), alert('b', 2));
  queue.held = true;
  queue.move(1);
  const done = alert('a', 3, { status: 'acknowledged', revision: 1 });
  queue.told(done);
  assert.equal(queue.items[0]?.lead.gone, true);
  queue.mine('a');
  assert.equal(queue.told(done), false);
  assert.deepEqual(names(queue), ['b']);
});

test('the cursor stops at both ends', () => {
  const queue = filled(alert('a', 3), alert('b', 2));
  queue.move(-1);
  assert.equal(queue.cursor, 'a');
  for (let step = 0; step < 5; step += 1) queue.move(1);
  assert.equal(queue.cursor, 'b');
  const empty = new Queue();
  empty.move(1);
  assert.equal(empty.at, undefined);
});

test('an answer that is older than the log brings nothing back, and takes nothing away', () => {
  const queue = filled(alert('fire', 11_000));
  const place = queue.place;
  queue.told(alert('fire', 11_000, { status: 'dismissed', revision: 1 }));
  queue.told(alert('loud', 100));
  queue.read(rows(alert('fire', 11_000)), false, place);
  assert.deepEqual(names(queue), ['loud']);
  queue.read(rows(), false, queue.place);
  assert.deepEqual(names(queue), []);
});

test('the log tells each revision once', () => {
  const queue = filled(alert('fire', 11_000, { revision: 2 }));
  assert.equal(queue.told(alert('fire', 1, { revision: 2 })), false);
  assert.equal(queue.told(alert('fire', 1, { revision: 1 })), false);
  assert.equal(queue.items[0]?.lead.alert.rank, 11_000);
});

test('each list has its own alerts, and all are counted', () => {
  const queue = filled(alert('a', 3), alert('b', 2, { status: 'shelved' }), alert('c', 1, { status: 'held' }));
  assert.deepEqual(queue.counts, { new: 1, acknowledged: 0, shelved: 1, held: 1 });
  queue.tab = 'shelved';
  assert.deepEqual(names(queue), ['b']);
  assert.equal(queue.cursor, undefined);
});

const flood = () => [
  alert('grave', 11_000, { type: 'loud' }),
  ...['a', 'b', 'c', 'd'].map((id, place) => alert(id, 900 - place, { type: 'loud' })),
  alert('e', 800, { type: 'crowd' }),
];

test('a flood folds rows of one type into one, and never a grave one', () => {
  const queue = new Queue();
  queue.read(rows(...flood()), true, 0);
  assert.deepEqual(names(queue), ['grave', 'type:loud', 'e']);
  assert.equal(queue.items[1]?.rows.length, 4);
  queue.cursor = 'type:loud';
  queue.unfold('type:loud');
  assert.equal(names(queue).length, 6);
  queue.unfold('type:loud');
  assert.equal(queue.at?.rows.length, 4);
});

test('a flood that begins under a hand folds when the hand goes, and the cursor goes with its row', () => {
  const queue = filled(...flood());
  queue.held = true;
  queue.cursor = 'b';
  queue.read(rows(...flood()), true, queue.place);
  assert.equal(names(queue).length, 6);
  queue.held = false;
  assert.equal(queue.cursor, 'type:loud');
});

test('what a colleague took leaves the cursor nowhere, so that no key is about a row that nobody chose', () => {
  const queue = filled(alert('a', 3), alert('b', 2), alert('c', 1));
  queue.move(1);
  assert.equal(queue.cursor, 'a');
  queue.told(alert('a', 3, { status: 'acknowledged', revision: 1 }));
  assert.deepEqual(names(queue), ['b', 'c']);
  assert.equal(queue.cursor, undefined);
});
