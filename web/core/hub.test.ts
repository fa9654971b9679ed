import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hub, type Message, type Port, type Stream } from './hub.ts';

class Wire implements Stream {
  readyState = 1;
  private readonly hears = new Map<string, ((event: MessageEvent<string>) => void)[]>();

  addEventListener(kind: string, hear: (event: MessageEvent<string>) => void): void {
    this.hears.set(kind, [...(this.hears.get(kind) ?? []), hear]);
  }

  close(): void {
    this.readyState = 2;
  }

  say(kind: string, data = '', lastEventId = ''): void {
    for (const hear of this.hears.get(kind) ?? []) hear({ data, lastEventId } as MessageEvent<string>);
  }
}

class Window implements Port {
  readonly got: Message[] = [];

  postMessage(message: Message): void {
    this.got.push(message);
  }

  get events(): string[] {
    return this.got.filter((one) => one.is === 'event').map((one) => one.data);
  }

  get line() {
    return this.got.filter((one) => one.is === 'line').at(-1)?.line;
  }
}

function started() {
  const wires: Wire[] = [];
  const urls: string[] = [];
  const later: { ms: number; run: () => void }[] = [];
  const time = { now: 1000 };
  const hub = new Hub({
    open: (url) => {
      urls.push(url);
      wires.push(new Wire());
      return wires.at(-1) as Wire;
    },
    now: () => time.now,
    after: (ms, run) => void later.push({ ms, run }),
  });
  const come = () => {
    const window = new Window();
    hub.word(window, { is: 'here', query: 'purpose=p&basis=b' });
    return window;
  };
  return { hub, wires, urls, later, time, come, wire: () => wires.at(-1) as Wire };
}

test('all windows share one stream, and each hears everything', () => {
  const { urls, wire, come } = started();
  const windows = Array.from({ length: 8 }, come);
  wire().say('open');
  wire().say('alert@1', 'fire', '7');
  assert.deepEqual(urls, ['/v1/events/stream?purpose=p&basis=b']);
  for (const window of windows) assert.deepEqual([window.events, window.line?.up], [['fire'], true]);
});

test('a window that comes late knows at once how the link is', () => {
  const { wire, come } = started();
  come();
  wire().say('open');
  assert.equal(come().line?.up, true);
});

test('a pulse tells the time of the server, and is a sign of life', () => {
  const { wire, come, time } = started();
  const window = come();
  time.now = 5000;
  wire().say('pulse', '{"at":42,"after":9}', '9');
  assert.equal(window.line?.heard, 5000);
  assert.ok(window.got.some((one) => one.is === 'pulse' && one.at === 42));
});

test('while the browser tries again by itself, tries are counted and nothing is opened', () => {
  const { wire, wires, come } = started();
  const window = come();
  wire().readyState = 0;
  wire().say('error');
  wire().say('error');
  assert.deepEqual([window.line?.up, window.line?.tries, wires.length], [false, 2, 1]);
  wire().say('open');
  assert.deepEqual([window.line?.up, window.line?.tries], [true, 0]);
});

test('a stream that was refused is opened again, later each time, after the last that was heard', () => {
  const { wire, urls, later, come } = started();
  come();
  wire().say('incident@1', 'one', '41');
  for (let times = 0; times < 6; times += 1) {
    wire().readyState = 2;
    wire().say('error');
    later.at(-1)?.run();
  }
  assert.equal(urls.at(-1), '/v1/events/stream?purpose=p&basis=b&after=41');
  assert.deepEqual(later.map((one) => one.ms), [1000, 2000, 4000, 8000, 15_000, 15_000]);
});

test('a session that is over is told with its reason, and a new window begins anew', () => {
  const { wire, wires, come } = started();
  const window = come();
  wire().say('over', 'this session is over');
  assert.equal(window.line?.over, 'this session is over');
  assert.equal(wires[0]?.readyState, 2);
  assert.equal(come().line?.over, '');
  assert.equal(wires.length, 2);
});

test('a window that goes hears nothing any more, and one that fell silent is forgotten', () => {
  const { hub, wire, come, time } = started();
  const [gone, dead] = [come(), come()];
  hub.word(gone, { is: 'bye' });
  time.now += 200_000;
  const window = come();
  wire().say('alert@1', 'fire', '1');
  assert.deepEqual([gone.events, dead.events, window.events], [[], [], ['fire']]);
  assert.equal(hub.windows, 1);
});

test('a window that says again that it is there is one window', () => {
  const { hub, urls, come } = started();
  const window = come();
  hub.word(window, { is: 'here', query: 'purpose=p&basis=b' });
  assert.deepEqual([hub.windows, urls.length], [1, 1]);
});

test('a link that was cut without a word is made anew, and goes on where it was', () => {
  const { hub, come, urls, time, wire, wires } = started();
  const window = come();
  wire().say('open');
  wire().say('pulse', '{"at":1}', '7');
  time.now += 9_000;
  hub.word(window, { is: 'here', query: 'purpose=p&basis=b' });
  assert.equal(wires.length, 1);
  time.now += 2_000;
  hub.word(window, { is: 'here', query: 'purpose=p&basis=b' });
  assert.equal(wires.length, 2);
  assert.equal(wires[0]?.readyState, 2);
  assert.match(urls.at(-1) ?? '', /after=7$/);
  assert.equal(window.line?.up, false);
});

test('a session that ended while the link was down is told, and not tried for ever', async () => {
  const wires: Wire[] = [];
  const later: (() => void)[] = [];
  const hub = new Hub({
    open: () => {
      wires.push(new Wire());
      return wires.at(-1) as Wire;
    },
    now: () => 0,
    after: (_, run) => void later.push(run),
    signedIn: async () => false,
  });
  const window = new Window();
  hub.word(window, { is: 'here', query: '' });
  const [wire] = wires;
  assert.ok(wire);
  wire.readyState = 2;
  wire.say('error');
  await Promise.resolve();
  await Promise.resolve();
  assert.equal(window.line?.over, 'the session has ended');
  for (const run of later) run();
  assert.equal(wires.length, 1);
});
