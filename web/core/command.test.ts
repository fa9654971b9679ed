import assert from 'node:assert/strict';
import { test } from 'node:test';
import { placed, suggest, type There } from './command.ts';
import type { Row } from './queue.ts';
import type { Alert, Call, Incident, Located, Unit } from './types.ts';

const unit = (name: string, status: Unit['status'] = 'Available'): Located =>
  ({ unit: { id: `unit ${name}`, name, kind: 'ambulance', status }, stale: false }) as Located;
const row = (id: string, type: string, says: string): Row => ({ alert: { id, type, sources: ['mast'] } as unknown as Alert, says, gone: false });
const fire = row('a1', 'smoke-and-flame', 'Smoke at the harbour');

const there = (changes: Partial<There> = {}): There => ({
  alerts: [fire, row('a2', 'crowd', 'Too many people at the square')],
  incidents: [{ id: 'i1', type: 'fire', status: 'Active' } as Incident],
  calls: [{ id: 'c1', category: 'EMS: fall' } as Call],
  units: [unit('M2'), unit('M21', 'Enroute'), unit('Medic 3', 'AtHospital')],
  screens: [{ name: 'Oversight', to: '/oversight' }],
  alert: undefined,
  incident: undefined,
  call: undefined,
  places: [],
  centre: { lat: 60.2, lon: 24.9 },
  ...changes,
});
const says = (text: string, changes: Partial<There> = {}) => suggest(text, there(changes)).map((one) => one.says);
const first = (text: string, changes: Partial<There> = {}) => suggest(text, there(changes))[0]?.command;

test('a unit gets its status in nine keys: s M21 av', () => {
  assert.deepEqual(first('s M21 av'), { do: 'status', id: 'unit M21', status: 'Available' });
  assert.deepEqual(first('/s M21 av'), first('s M21 av'));
  assert.deepEqual(first('s m21 os'), { do: 'status', id: 'unit M21', status: 'OnScene' });
});

test('the verb can be left out, and call signs may have spaces', () => {
  assert.deepEqual(first('M2 en'), { do: 'status', id: 'unit M2', status: 'Enroute' });
  assert.deepEqual(first('s medic 3 ret'), { do: 'status', id: 'unit Medic 3', status: 'Returning' });
  assert.deepEqual(first('s medic3 ret'), { do: 'status', id: 'unit Medic 3', status: 'Returning' });
});

test('what a unit can not become is said, with what it can', () => {
  const [only] = suggest('s M2 tr', there());
  assert.equal(only?.says, "M2 is Available and can't become Transporting");
  assert.equal(only?.detail, 'it can become En route, On scene, Out of service');
  assert.equal(only?.command, undefined);
  assert.match(suggest('s M2 zz', there())[0]?.says ?? '', /No status begins with zz/);
  assert.match(suggest('s Q9', there())[0]?.says ?? '', /No unit is called Q9/);
});

test('a unit that is not named whole is suggested, and its name is written by Enter', () => {
  assert.deepEqual(says('s m'), ['M2', 'M21', 'Medic 3']);
  assert.equal(suggest('s med', there())[0]?.fill, 's Medic 3 ');
  assert.deepEqual(says('s M2').slice(0, 3), ['M2: En route', 'M2: On scene', 'M2: Out of service']);
});

test('anything is found by its words', () => {
  assert.deepEqual(first('harb'), { do: 'alert', id: 'a1' });
  assert.deepEqual(first('o fire'), { do: 'incident', id: 'i1' });
  assert.deepEqual(first('fall'), { do: 'call', id: 'c1' });
  assert.deepEqual(first('overs'), { do: 'go', to: '/oversight' });
  assert.deepEqual(first('g over'), { do: 'go', to: '/oversight' });
  assert.deepEqual(suggest('qqqq', there()), []);
});

test('acts take what is under the cursor, or what is named', () => {
  assert.deepEqual(first('a', { alert: fire }), { do: 'acknowledge', id: 'a1' });
  assert.deepEqual(first('ack crowd'), { do: 'acknowledge', id: 'a2' });
  assert.deepEqual(first('i crowd'), { do: 'make-incident', id: 'a2' });
  assert.deepEqual(first('i fall'), { do: 'call-incident', id: 'c1' });
  assert.equal(first('a'), undefined);
  assert.equal(says('a')[0], 'No alert is under the cursor');
});

test('an incident is opened from what somebody saw, at a place that is known', () => {
  const fell = { do: 'seen', type: 'tree fell' };
  assert.deepEqual(first('i tree fell at 60.17, 24.94'), { ...fell, place: { lat: 60.17, lon: 24.94 } });
  assert.deepEqual(first('i tree fell @ map'), { ...fell, place: { lat: 60.2, lon: 24.9 } });
  const at = { lat: 60.1, lon: 24.8 };
  assert.deepEqual(first('i tree fell at m21', { units: [{ ...unit('M21'), place: at }] }), { ...fell, place: at });
  assert.deepEqual(first('i tree fell at here', { incident: { id: 'i1', type: 'fire', status: 'New', place: at } as Incident }), { ...fell, place: at });
  assert.equal(first('i tree fell at M2'), undefined);
  assert.equal(first('i tree fell at 160, 24'), undefined);
  assert.match(says('i tree fell at ')[0] ?? '', /Nobody knows where/);
});

test('what needs words is not done without them', () => {
  assert.equal(first('x ', { alert: fire }), undefined);
  assert.deepEqual(first('x a barbecue', { alert: fire }), { do: 'false', id: 'a1', text: 'a barbecue' });
  assert.deepEqual(first('h 30 works till nine', { alert: fire }), { do: 'shelve', id: 'a1', minutes: 30, text: 'works till nine' });
  assert.equal(first('h works', { alert: fire }), undefined);
  assert.equal(first('n two engines'), undefined);
  const incident = { id: 'i1', type: 'fire', status: 'New' } as Incident;
  assert.deepEqual(first('n two engines', { incident }), { do: 'note', id: 'i1', text: 'two engines' });
  assert.deepEqual(first('e dealt with', { incident }), { do: 'close', id: 'i1', text: 'dealt with' });
  assert.equal(first('e dealt with', { incident: { ...incident, status: 'Active' } }), undefined);
});

test('a shift begins and ends on the line', () => {
  assert.deepEqual(first('on 20'), { do: 'sign-on', budget: 20 });
  assert.deepEqual(first('off'), { do: 'sign-off' });
});

test('an empty line says what it can do', () => {
  assert.ok(says('').includes('s UNIT STATUS'));
  assert.deepEqual(says('/'), says(''));
});

test('an incident is opened at an address: each that has the words is offered, the best first', () => {
  const places = [{ name: 'Kaivokatu 8', place: { lat: 60.17, lon: 24.94 }, own: true }, { name: 'Kaivokatu 10', place: { lat: 60.18, lon: 24.95 }, own: true }];
  const found = suggest('i gas leak at kaivok', there({ places }));
  assert.deepEqual(found.map((one) => one.detail), ['at Kaivokatu 8', 'at Kaivokatu 10']);
  assert.deepEqual(found[0]?.command, { do: 'seen', type: 'gas leak', place: { lat: 60.17, lon: 24.94 } });
  assert.match(suggest('i gas leak at nowhere', there())[0]?.says ?? '', /Nobody knows where nowhere is/);
});

test('only where the line asks for a place its words are looked for, and not from the first letter', () => {
  assert.equal(placed('i gas leak at Kaivokatu 8 '), 'Kaivokatu 8');
  assert.equal(placed('/i fire @ kai'), 'kai');
  assert.equal(placed('i fire at ka'), '');
  assert.equal(placed('o fire at Kaivokatu'), '');
  assert.equal(placed('fire at Kaivokatu'), '');
});
