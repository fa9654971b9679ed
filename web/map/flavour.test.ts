import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asked, drawn, FLAVOURS, type FlavourName, layers, style, written } from './flavour.ts';

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((place) => {
    const one = Number.parseInt(colour.slice(place, place + 2), 16) / 255;
    return one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

const below = (pairs: readonly (readonly [string, string, string])[], least: number) =>
  pairs.filter(([, one, other]) => contrast(one, other) < least).map(([what, one, other]) => `${what}: ${contrast(one, other).toFixed(2)}`);

const NAMES = Object.keys(FLAVOURS) as FlavourName[];

test('contrast is computed as WCAG has it', () => {
  assert.equal(contrast('#000000', '#ffffff').toFixed(2), '21.00');
  assert.equal(contrast('#777777', '#ffffff').toFixed(2), '4.48');
});

for (const name of NAMES) {
  test(`whatever is written on the ${name} map can be read`, () => {
    assert.deepEqual(below(written(FLAVOURS[name]), 4.5), []);
  });

  test(`marks and units stand out from the ground of the ${name} map`, () => {
    assert.deepEqual(below(drawn(FLAVOURS[name]), 3), []);
  });
}

test('high contrast is higher: seven to one for all that is written', () => {
  assert.deepEqual(below(written(FLAVOURS.contrast), 7), []);
});

test('flavours differ in their colours alone, so that one becomes another while it is looked at', () => {
  const shape = (name: FlavourName) =>
    layers(FLAVOURS[name], 'fi').map((one) => [one.id, Object.keys(one.paint ?? {}), JSON.stringify('filter' in one ? one.filter : '')]);
  for (const name of NAMES) assert.deepEqual(shape(name), shape('light'));
});

test('a name is in the language that is asked for, else as it stands there', () => {
  const found = JSON.stringify(layers(FLAVOURS.dark, 'sv'));
  assert.ok(found.includes('["coalesce",["get","name:sv"],["get","name"]]'));
});

test('no flavour names another host', () => {
  for (const name of NAMES) {
    const made = JSON.stringify(style({ flavour: FLAVOURS[name], language: 'en', tiles: '/map/city.pmtiles', fonts: {} }));
    assert.doesNotMatch(made, /https?:|glyphs|sprite/);
  }
});

test('a city without a map has an empty ground and no source', () => {
  const made = style({ flavour: FLAVOURS.dark, language: 'en', tiles: '', fonts: {} });
  assert.deepEqual([made.layers.map((one) => one.id), made.sources], [['none'], {}]);
});

test('the map is as the system asks: contrast before colour', () => {
  const when = (...true_: string[]) => asked((query) => true_.some((one) => query.includes(one)));
  assert.equal(when(), 'dark');
  assert.equal(when('light'), 'light');
  assert.equal(when('light', 'contrast'), 'contrast');
  assert.equal(when('forced-colors'), 'contrast');
});
