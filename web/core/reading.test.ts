import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Wrong } from './api.ts';
import { Reading } from './reading.ts';

class Time {
  at = 0;
  private later: { at: number; run: () => void }[] = [];
  readonly timers = {
    now: () => this.at,
    after: (ms: number, run: () => void) => void this.later.push({ at: this.at + ms, run }),
  };

  async pass(ms: number): Promise<void> {
    this.at += ms;
    const due = this.later.filter((one) => one.at <= this.at);
    this.later = this.later.filter((one) => one.at > this.at);
    for (const one of due) one.run();
    await settled();
  }
}

const settled = () => new Promise((done) => setImmediate(done));

test('it is read at once, and then at most once a second, however often it is due', async () => {
  const time = new Time();
  let reads = 0;
  const reading = new Reading(async () => (reads += 1), () => undefined, 1000, time.timers);
  assert.equal(reading.seen, 'loading');
  reading.due();
  await settled();
  assert.deepEqual([reading.seen, reading.value], ['there', 1]);
  for (let times = 0; times < 20; times += 1) reading.due();
  await time.pass(999);
  assert.equal(reads, 1);
  await time.pass(1);
  assert.equal(reads, 2);
});

test('what changes while it is read is read once more', async () => {
  const time = new Time();
  const answers: ((value: number) => void)[] = [];
  const reading = new Reading(() => new Promise<number>((done) => answers.push(done)), () => undefined, 1000, time.timers);
  reading.due();
  reading.due();
  reading.due();
  answers[0]?.(1);
  await settled();
  await time.pass(1000);
  assert.equal(answers.length, 2);
});

test('what takes long is read the less often', async () => {
  const time = new Time();
  const answers: ((value: number) => void)[] = [];
  const reading = new Reading(() => new Promise<number>((done) => answers.push(done)), () => undefined, 1000, time.timers);
  reading.due();
  await time.pass(2000);
  answers[0]?.(1);
  await settled();
  reading.due();
  await time.pass(5999);
  assert.equal(answers.length, 1);
  await time.pass(1);
  assert.equal(answers.length, 2);
});

test('the last picture stays when a new one can not be had', async () => {
  const time = new Time();
  let good = true;
  const reading = new Reading(
    async () => {
      if (good) return 'a picture';
      throw new Wrong('lost', 'the server does not answer');
    },
    () => undefined,
    1000,
    time.timers,
  );
  reading.due();
  await settled();
  good = false;
  await time.pass(1000);
  reading.due();
  await settled();
  assert.equal(reading.value, 'a picture');
  assert.equal(reading.failed?.kind, 'lost');
  assert.equal(reading.at, 0);
});

test('what could not be read at all says so', async () => {
  const reading = new Reading<string>(async () => {
    throw new Wrong('denied', 'no');
  }, () => undefined);
  reading.due();
  await settled();
  assert.equal(reading.seen, 'wrong');
});

test('once nobody looks any more, nothing is read or told', async () => {
  let told = 0;
  const reading = new Reading(async () => 1, () => (told += 1));
  reading.due();
  reading.stop();
  await settled();
  reading.due();
  await settled();
  assert.equal(told, 0);
});
