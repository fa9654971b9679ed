// One live link for all windows of a person: a browser opens six connections to a host and no more, and a desk with many
// monitors would use them all up. Runs in a SharedWorker; where there is none, each window has a hub of its own.
// It keeps nothing but how the link is and where to go on, so hours of it cost no memory.

import type { Line } from './clock.ts';

/** What the log tells of, that the console looks at; `pulse` and `over` are the link's own. */
export const KINDS = [
  'alert@1', 'incident@1', 'call@1', 'report@1', 'post@1', 'shift@1', 'unit@1',
  'break-glass@1', 'break-glass-ended@1', 'break-glass-reviewed@1',
] as const;
export type LogKind = (typeof KINDS)[number];

/** From the hub to a window. */
export type Message =
  | { readonly is: 'line'; readonly line: Line }
  | { readonly is: 'pulse'; readonly at: number }
  | { readonly is: 'event'; readonly kind: LogKind; readonly data: string };

/** From a window to the hub: it is there (said again and again), or it goes. */
export type Word = { readonly is: 'here'; readonly query: string } | { readonly is: 'bye' };

export interface Port {
  postMessage(message: Message): void;
}

/** The part of an EventSource that is used. */
export interface Stream {
  readonly readyState: number;
  addEventListener(kind: string, hear: (event: MessageEvent<string>) => void): void;
  close(): void;
}

export interface HubDoors {
  readonly open: (url: string) => Stream;
  readonly now: () => number;
  readonly after: (ms: number, run: () => void) => void;
  /** Whether the session still holds: asked when the stream is refused. Without it a refusal is tried again for ever. */
  readonly signedIn?: () => Promise<boolean>;
}

const CLOSED = 2; // EventSource.CLOSED
const SOON = 1000; // ms to the first new try, doubled with each that fails
const LATEST = 15_000;
const DEAD = 10_000; // ms without a pulse, which comes each second
const SILENT = 180_000; // ms after which a window that says nothing is gone: hidden ones still speak once a minute

export class Hub {
  private line: Line = { up: false, heard: 0, tries: 0, over: '' };
  private last = '';
  private query = '';
  private stream: Stream | undefined;
  private readonly ports = new Map<Port, number>();
  private readonly doors: HubDoors;

  constructor(doors: HubDoors) {
    this.doors = doors;
  }

  /** A window said something. */
  word(port: Port, word: Word): void {
    if (word.is === 'bye') this.ports.delete(port);
    else this.here(port, word.query);
  }

  get windows(): number {
    return this.ports.size;
  }

  private here(port: Port, query: string): void {
    const known = this.ports.has(port);
    this.ports.set(port, this.doors.now());
    for (const [other, at] of this.ports) if (this.doors.now() - at > SILENT) this.ports.delete(other);
    if (known) return this.look();
    if (this.line.over) this.line = { up: false, heard: 0, tries: 0, over: '' };
    if (!this.stream) {
      this.query = query;
      this.open();
    }
    port.postMessage({ is: 'line', line: this.line });
  }

  /** A link that a cable or a firewall cut says nothing of it: after so long without a pulse it is made anew. */
  private look(): void {
    if (!this.stream || !this.line.up || this.doors.now() - this.line.heard <= DEAD) return;
    this.stream.close();
    this.tell({ ...this.line, up: false, tries: this.line.tries + 1 });
    this.open();
  }

  private open(): void {
    const after = this.last ? `&after=${this.last}` : '';
    const stream = this.doors.open(`/v1/events/stream?${this.query}${after}`);
    this.stream = stream;
    stream.addEventListener('open', () => this.tell({ ...this.line, up: true, tries: 0, heard: this.doors.now() }));
    stream.addEventListener('error', () => this.failed(stream));
    stream.addEventListener('pulse', (event) => {
      this.hear(event);
      this.post({ is: 'pulse', at: (JSON.parse(event.data) as { at: number }).at });
    });
    stream.addEventListener('over', (event) => {
      stream.close();
      this.stream = undefined;
      this.tell({ ...this.line, up: false, over: event.data });
    });
    for (const kind of KINDS) {
      stream.addEventListener(kind, (event) => {
        this.hear(event);
        this.post({ is: 'event', kind, data: event.data });
      });
    }
  }

  private hear(event: MessageEvent<string>): void {
    if (event.lastEventId) this.last = event.lastEventId;
    this.tell({ ...this.line, up: true, tries: 0, heard: this.doors.now() });
  }

  /** The browser tries again by itself and goes on where it was, unless the answer was no stream at all. */
  private failed(stream: Stream): void {
    if (stream !== this.stream) return;
    this.tell({ ...this.line, up: false, tries: this.line.tries + 1 });
    if (stream.readyState !== CLOSED) return;
    stream.close();
    void this.doors.signedIn?.().then((yes) => {
      if (yes || stream !== this.stream) return;
      this.stream = undefined;
      this.tell({ ...this.line, over: 'the session has ended' });
    }, () => undefined); // away: it is asked again with the next try
    this.doors.after(Math.min(LATEST, SOON * 2 ** (this.line.tries - 1)), () => {
      if (stream === this.stream) this.open();
    });
  }

  private tell(line: Line): void {
    this.line = line;
    this.post({ is: 'line', line });
  }

  private post(message: Message): void {
    for (const port of this.ports.keys()) port.postMessage(message);
  }
}

/** A hub on the doors of this browser. */
export function ownHub(): Hub {
  return new Hub({
    open: (url) => new EventSource(url),
    now: () => Date.now(),
    after: (ms, run) => void setTimeout(run, ms),
    signedIn: async () => (await fetch('/v1/me', { credentials: 'same-origin' })).status !== 401,
  });
}
