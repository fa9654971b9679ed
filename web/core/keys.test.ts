import assert from 'node:assert/strict';
import { test } from 'node:test';
import { groups, KEYS, Keys, keyOf, type Pressed } from './keys.ts';

const free = { typing: false, pressable: false };
const press = (key: string, changes: Partial<Pressed> = {}): Pressed => ({
  key, ctrlKey: false, metaKey: false, altKey: false, isComposing: false, ...changes,
});

test('no key does two things, and none is the beginning of another', () => {
  const all = KEYS.map((one) => one.press);
  assert.equal(new Set(all).size, all.length);
  for (const one of all) assert.ok(!all.some((other) => other.startsWith(`${one} `)), one);
});

test('a letter does what the table says', () => {
  assert.equal(new Keys().pressed(press('a'), free, 0)?.does, 'acknowledge');
  assert.equal(new Keys().pressed(press('q'), free, 0), undefined);
});

test('two keys one after the other are one, and are forgotten after a while', () => {
  const keys = new Keys();
  assert.equal(keys.pressed(press('g'), free, 0), undefined);
  assert.equal(keys.pressed(press('i'), free, 900)?.does, 'go-work');
  keys.pressed(press('g'), free, 2000);
  assert.equal(keys.pressed(press('i'), free, 9000)?.does, 'incident');
});

test('inside of what is typed into, only Escape is a key', () => {
  const typing = { typing: true, pressable: false };
  assert.equal(new Keys().pressed(press('a'), typing, 0), undefined);
  assert.equal(new Keys().pressed(press('Escape'), typing, 0)?.does, 'back');
});

test('on a button, Enter and space stay its own', () => {
  const button = { typing: false, pressable: true };
  assert.equal(new Keys().pressed(press('Enter'), button, 0), undefined);
  assert.equal(new Keys().pressed(press('j'), button, 0)?.does, 'down');
});

test('single letters can be switched off; with Alt they work then', () => {
  const keys = new Keys();
  assert.equal(keys.pressed(press('a', { altKey: true }), free, 0), undefined);
  keys.letters = false;
  assert.equal(keys.pressed(press('a'), free, 0), undefined);
  assert.equal(keys.pressed(press('a', { altKey: true }), free, 0)?.does, 'acknowledge');
  assert.equal(keys.pressed(press('Escape'), free, 0)?.does, 'back');
});

test('the keys of the browser and of whoever writes with an input method are left alone', () => {
  assert.equal(new Keys().pressed(press('a', { ctrlKey: true }), free, 0), undefined);
  assert.equal(new Keys().pressed(press('a', { metaKey: true }), free, 0), undefined);
  assert.equal(new Keys().pressed(press('a', { isComposing: true }), free, 0), undefined);
});

test('help has every key once', () => {
  assert.equal(groups().flatMap(([, keys]) => keys).length, KEYS.length);
  assert.equal(keyOf('false'), 'x');
});
