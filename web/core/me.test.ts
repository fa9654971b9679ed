import assert from 'node:assert/strict';
import { test } from 'node:test';
import { whoAmI } from './me.ts';

const answering = (status: number, body: unknown) => async () => Response.json(body, { status });

test('whoever is signed in is known by name', async () => {
  const me = { id: 'a1', name: 'Aino', role: 'operator', agency: 'city' };
  assert.deepEqual(await whoAmI(answering(200, me)), me);
});

test('nobody is signed in: that is an answer, and no error', async () => {
  assert.equal(await whoAmI(answering(401, {})), null);
});

test('an answer that is neither says what it was', async () => {
  await assert.rejects(whoAmI(answering(503, {})), /503/);
});
