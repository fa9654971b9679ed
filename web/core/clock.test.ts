import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ago, Clock, type Line, says, state, Zone } from './clock.ts';

const NOW = 1_764_000_000_000_000;
const line = (changes: Partial<Line>): Line => ({ up: true, heard: 1000, tries: 0, over: '', ...changes });

test('an age is told in its largest unit, and the future is now', () => {
  assert.equal(ago(NOW - 42e6, NOW), '42 s');
  assert.equal(ago(NOW - 61e6, NOW), '1 min');
  assert.equal(ago(NOW - 3 * 3600e6, NOW), '3 h');
  assert.equal(ago(NOW - 49 * 3600e6, NOW), '2 d');
  assert.equal(ago(NOW + 9e6, NOW), '0 s');
});

test('ages go by the clock of the server, however wrong the one of the desk is', () => {
  let local = 5_000;
  const clock = new Clock(() => local);
  clock.heard(NOW);
  local += 2_000;
  assert.equal(clock.now, NOW + 2e6);
});

test('times are those of the city, and another day is named', () => {
  const zone = new Zone('Europe/Helsinki');
  const at = Date.UTC(2026, 10, 25, 22, 30, 5) * 1000;
  assert.equal(zone.clock(at), '00:30:05');
  assert.equal(zone.clock(at, at + 86_400e6), '26 Nov 00:30');
  assert.equal(zone.minute(at), '00:30');
});

test('a link is stale after three seconds of silence, and lost when it is not up', () => {
  assert.equal(state(line({}), 4000), 'live');
  assert.equal(state(line({}), 4001), 'stale');
  assert.equal(state(line({ up: false }), 1001), 'lost');
  assert.equal(state(line({ up: false, heard: 0 }), 1001), 'waiting');
  assert.equal(state(line({ over: 'somebody signed you out' }), 1001), 'lost');
});

test('a link says how old its picture is', () => {
  assert.equal(says(line({}), 1200), 'Live 0.2 s');
  assert.equal(says(line({}), 8000), 'Stale 7 s');
  assert.equal(says(line({ up: false, tries: 3 }), 61_000), 'No link for 60 s, try 3');
  assert.equal(says(line({ up: false, heard: 0, tries: 2 }), 61_000), 'No link, try 2');
  assert.equal(says(line({ up: false, heard: 0 }), 5), 'Connecting');
  assert.equal(says(line({ over: 'this session is over' }), 1), 'Signed out: this session is over');
});
