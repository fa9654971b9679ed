import assert from 'node:assert/strict';
import { test } from 'node:test';
import { across, down, Gliding, type UnitAt } from './gliding.ts';

const unit = (id: string, lon: number, lat = 60.17, stale = false): UnitAt => ({ id, letter: 'P', lon, lat, stale });
const where = (gliding: Gliding, id: string, now: number) => {
  const [x] = gliding.seen(gliding.place(id), gliding.share(now));
  return (gliding.origin[0] + x - 0.5) * 360;
};
const near = (one: number, other: number) => assert.ok(Math.abs(one - other) < 1e-6, `${one} is not ${other}`);

test('a unit glides to its new place in the time that passed between two frames', () => {
  const gliding = new Gliding();
  gliding.set({ units: [unit('a', 24.94)] }, 0, false);
  gliding.set({ units: [unit('a', 24.95)] }, 1000, false);
  near(where(gliding, 'a', 1000), 24.94);
  near(where(gliding, 'a', 1500), 24.945);
  near(where(gliding, 'a', 9000), 24.95);
  assert.equal(gliding.share(2000), 1);
});

test('a frame that comes early starts where the unit is seen, and nothing jumps back', () => {
  const gliding = new Gliding();
  gliding.set({ units: [unit('a', 24.94)] }, 0, false);
  gliding.set({ units: [unit('a', 24.95)] }, 1000, false);
  gliding.set({ units: [unit('a', 24.96)] }, 1500, false);
  near(where(gliding, 'a', 1500), 24.945);
  near(where(gliding, 'a', 2000), 24.96);
});

test('units are known by their ids, in whatever order they come, and whoever is new stands where it is', () => {
  const gliding = new Gliding();
  gliding.set({ units: [unit('a', 24.94), unit('b', 24.90)] }, 0, false);
  gliding.set({ units: [unit('c', 24.99), unit('b', 24.92), unit('a', 24.94)] }, 1000, false);
  near(where(gliding, 'b', 1500), 24.91);
  near(where(gliding, 'c', 1001), 24.99);
  assert.equal(gliding.place('x'), -1);
});

test('whoever wants no motion sees none', () => {
  const gliding = new Gliding();
  gliding.set({ units: [unit('a', 24.94)] }, 0, true);
  gliding.set({ units: [unit('a', 24.95)] }, 1000, true);
  near(where(gliding, 'a', 1000), 24.95);
  assert.equal(gliding.share(1000), 1);
});

test('a leap across the city is no drive: it is there at once', () => {
  const gliding = new Gliding();
  gliding.set({ units: [unit('a', 24.94)] }, 0, false);
  gliding.set({ units: [unit('a', 25.94)] }, 1000, false);
  near(where(gliding, 'a', 1001), 25.94);
});

test('after a long silence a unit does not crawl', () => {
  const gliding = new Gliding();
  gliding.set({ units: [unit('a', 24.94)] }, 0, false);
  gliding.set({ units: [unit('a', 24.95)] }, 600_000, false);
  assert.equal(gliding.share(602_000), 1);
});

test('the nearest unit is found where it is seen, and none beyond the reach of a finger', () => {
  const gliding = new Gliding();
  gliding.set({ units: [unit('a', 24.94), unit('b', 24.95)] }, 0, true);
  const [x, y] = [across(24.9401), down(60.17)];
  assert.equal(gliding.nearest(x, y, 1e-6, 10), 'a');
  assert.equal(gliding.nearest(x, y + 1e-3, 1e-6, 10), '');
});

test('what is stale and what is written in a unit come with it', () => {
  const gliding = new Gliding();
  gliding.set({ units: [unit('a', 24.94, 60, true), { ...unit('b', 24), letter: '' }] }, 0, false);
  assert.deepEqual([...gliding.stale], [1, 0]);
  assert.equal(gliding.letters, 'P ');
});

test('where nothing moves, nothing glides: the map rests', () => {
  const gliding = new Gliding();
  gliding.set({ units: [unit('a', 24.94)] }, 0, false);
  assert.equal(gliding.share(0), 1);
  gliding.set({ units: [unit('a', 24.95)] }, 1000, false);
  gliding.set({ units: [unit('a', 24.95)] }, 2000, false);
  assert.equal(gliding.share(2000), 1);
});

test('an empty frame is a frame', () => {
  const gliding = new Gliding();
  gliding.set({ units: [] }, 0, false);
  gliding.set({ units: [unit('a', 24.94)] }, 1000, false);
  assert.deepEqual(gliding.ids, ['a']);
});
