import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Api, type Doors, newKey, SAFETY, Wrong, wrong } from './api.ts';

interface Sent {
  url: string;
  init: RequestInit;
}

function doors(...answers: (Response | Error)[]): { sent: Sent[]; doors: Partial<Doors> } {
  const sent: Sent[] = [];
  let keys = 0;
  const given: Partial<Doors> = {
    fetch: async (url, init) => {
      sent.push({ url, init });
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      assert.ok(answer, 'no more answers');
      return answer;
    },
    pause: async () => undefined,
    key: () => `key ${(keys += 1)}`,
  };
  return { sent, doors: given };
}

const problem = (status: number, detail: string, policy: string | null = null) =>
  Response.json({ type: 'tutela:X', title: 'X', status, detail, policy }, { status });
const header = (sent: Sent | undefined, name: string) => new Headers(sent?.init.headers).get(name);

test('every read names why, and ids are written so that an address holds them', async () => {
  const { sent, doors: given } = doors(Response.json({ alert: {}, says: '', detections: [] }));
  await new Api(SAFETY, given).get('/v1/alerts/{alert}', { alert: 'a/b' });
  assert.equal(sent[0]?.url, '/v1/alerts/a%2Fb?purpose=public-safety&basis=PublicInterest');
  assert.equal(sent[0]?.init.method, 'GET');
});

test('every act has a key of its own', async () => {
  const { sent, doors: given } = doors(Response.json({}), Response.json({}));
  const api = new Api(SAFETY, given);
  await api.act('post', '/v1/alerts/{alert}/acknowledge', { alert: 'a' }, undefined);
  await api.act('post', '/v1/alerts/{alert}/dismiss', { alert: 'a' }, { reason: 'a concert' });
  assert.deepEqual([0, 1].map((one) => header(sent[one], 'Idempotency-Key')), ['key 1', 'key 2']);
  assert.equal(sent[1]?.init.body, '{"reason":"a concert"}');
  assert.equal(header(sent[0], 'Content-Type'), null);
});

test('an act that no answer came to is sent again under the same key', async () => {
  const { sent, doors: given } = doors(new TypeError('Failed to fetch'), problem(503, 'PostgreSQL is down'), Response.json({}));
  await new Api(SAFETY, given).act('post', '/v1/alerts/{alert}/acknowledge', { alert: 'a' }, undefined);
  assert.deepEqual(sent.map((one) => header(one, 'Idempotency-Key')), ['key 1', 'key 1', 'key 1']);
});

test('it is not tried for ever, and says what to do', async () => {
  const { sent, doors: given } = doors(new TypeError('x'), new TypeError('x'), new TypeError('x'));
  await assert.rejects(
    new Api(SAFETY, given).act('post', '/v1/alerts/{alert}/acknowledge', { alert: 'a' }, undefined),
    (thrown: Wrong) => thrown.kind === 'lost' && thrown.says === 'The server does not answer. Nothing is lost: try again, it is done once.',
  );
  assert.equal(sent.length, 3);
});

test('what the server says is told with what to do about it, and is not asked twice', async () => {
  const { sent, doors: given } = doors(problem(409, 'an alert that is dismissed can\'t become acknowledged'));
  await assert.rejects(
    new Api(SAFETY, given).act('post', '/v1/alerts/{alert}/acknowledge', { alert: 'a' }, undefined),
    (thrown: Wrong) => thrown.says.startsWith("An alert that is dismissed can't become acknowledged. What is shown is new"),
  );
  assert.equal(sent.length, 1);
});

test('a refusal names the policy that says no', async () => {
  const { doors: given } = doors(problem(403, 'an analyst does not act on alerts', 'duties'));
  await assert.rejects(
    new Api(SAFETY, given).get('/v1/alerts', {}),
    (thrown: Wrong) => thrown.kind === 'denied' && thrown.policy === 'duties' && thrown.says.includes('(duties)'),
  );
});

test('an answer that is no problem of ours is told by its number', async () => {
  const { doors: given } = doors(new Response('<html>', { status: 502 }));
  await assert.rejects(new Api(SAFETY, given).get('/v1/alerts', {}), (thrown: Wrong) => thrown.message.includes('502'));
});

test('anything that is thrown can be told', () => {
  assert.equal(wrong(new Error('no such thing')).kind, 'fault');
  assert.equal(wrong('odd').message, 'odd');
});

test('keys are not made up twice', () => {
  const keys = new Set(Array.from({ length: 100 }, () => newKey()));
  assert.equal(keys.size, 100);
  assert.match([...keys][0] ?? '', /^[0-9a-f]{32}$/);
});
