import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FLAVOURS } from './flavour.ts';
import { features, layers, type Mark, ring, SHAPES, sources } from './marks.ts';

const mark = (id: string, priority: Mark['priority'], kind: Mark['kind'] = 'alert'): Mark => ({ id, kind, priority, lon: 24.94, lat: 60.17 });

test('what is quiet ranks behind whatever calls, the most urgent of it first', () => {
  const made = features([{ ...mark('a', 1), quiet: true }, mark('b', 4), { ...mark('c', 2), quiet: true }]);
  const sorted = made.features.map((one) => one.properties).sort((one, other) => one?.rank - other?.rank);
  assert.deepEqual(sorted.map((one) => one?.id), ['b', 'a', 'c']);
});

test('each mark keeps its id, its kind and its priority', () => {
  const made = features([mark('a', 1), mark('i', 3, 'incident')]);
  assert.deepEqual(made.features.map((one) => one.properties), [
    { id: 'a', kind: 'alert', rank: 1 },
    { id: 'i', kind: 'incident', rank: 3 },
  ]);
  assert.deepEqual(made.features[0]?.geometry.coordinates, [24.94, 60.17]);
});

test('a ring is as many metres from its middle in all directions', () => {
  const [corners = []] = ring({ lon: 24.94, lat: 60.17, metres: 150 }).features[0]?.geometry.coordinates ?? [];
  const far = corners.map(([lon = 0, lat = 0]) => Math.hypot((lon - 24.94) * Math.cos((60.17 * Math.PI) / 180), lat - 60.17) * 111_195);
  assert.ok(far.every((one) => Math.abs(one - 150) < 0.5), String(far));
  assert.deepEqual(corners[0], corners.at(-1));
  assert.deepEqual(ring(null).features, []);
});

test('what lies together shows the most urgent of it', () => {
  const made = sources().marks as { cluster: boolean; clusterProperties: { worst: unknown } };
  assert.equal(made.cluster, true);
  assert.deepEqual(made.clusterProperties.worst, ['min', ['get', 'rank']]);
});

test('each priority has a shape of its own, and the least urgent is drawn first', () => {
  assert.deepEqual([1, 2, 3, 4].map((one) => SHAPES[one as Mark['priority']].length), [4, 3, 4, 0]);
  assert.notDeepEqual(SHAPES[1], SHAPES[3]);
  const sorted = layers(FLAVOURS.dark).flatMap((one) => (one.type === 'symbol' ? [one.layout?.['symbol-sort-key']] : []));
  assert.deepEqual(sorted.map((one) => Array.isArray(one) && one[0]), ['-', '-']);
});
