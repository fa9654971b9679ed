import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FLAVOURS } from './flavour.ts';
import { channels, moved, Units } from './units.ts';

test('a matrix that was moved puts an offset where the whole place would be, to the centimetre', () => {
  const zoom = 2 ** 20;
  const matrix = [zoom, 3, 0, 0, 5, -zoom, 0, 0, 0, 0, 1, 0, -0.57 * zoom, 0.29 * zoom, 0, 1];
  const origin = [0.5692784, 0.2893123] as const;
  const offset = [1e-6, -2e-6] as const;
  const made = moved(matrix, origin);
  for (const row of [0, 1]) {
    const whole = matrix[row]! * (origin[0] + offset[0]) + matrix[4 + row]! * (origin[1] + offset[1]) + matrix[12 + row]!;
    const short = made[row]! * offset[0] + made[4 + row]! * offset[1] + made[12 + row]!;
    assert.ok(Math.abs(whole - short) < 1e-3, `${whole} and ${short}`);
  }
});

test('colours are what the shader takes', () => {
  assert.deepEqual(channels('#ff0033'), [1, 0, 0.2]);
});

test('before the map is there, units can be set, chosen and found', () => {
  const units = new Units(FLAVOURS.dark, () => true, () => 0);
  units.set({ units: [{ id: 'a', letter: 'P', lon: 0, lat: 0, stale: false }] });
  units.choose('a');
  units.recolour(FLAVOURS.light);
  assert.equal(units.at(0.5, 0.5, 1e-6), 'a');
  assert.equal(units.at(0.6, 0.5, 1e-6), '');
});
