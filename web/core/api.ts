// The one door to the platform. Every read and act names why; every act has a key of its own, so that it is done once
// however often it is sent; and whatever goes wrong becomes a sentence that says what, where and what to do.

import type { paths } from './schema.ts';
import type { Problem } from './types.ts';

/** Why somebody reads or acts, and by which right. */
export interface Why {
  readonly purpose: string;
  readonly basis: string;
}

export const SAFETY: Why = { purpose: 'public-safety', basis: 'PublicInterest' };
export const LIFE: Why = { purpose: 'emergency-response', basis: 'VitalInterest' };

type Method = 'get' | 'post' | 'put' | 'delete';
type Answering = { responses: unknown };
type Paths<M extends Method> = { [P in keyof paths]: paths[P][M] extends Answering ? P : never }[keyof paths];
type Json<A> = { content: { 'application/json': A } };
type Answer<O> = O extends { responses: { 200: Json<infer A> } }
  ? A
  : O extends { responses: { 201: Json<infer A> } }
    ? A
    : never;
type Fill<O> = O extends { parameters: { path: infer F extends Record<string, string> } } ? F : Record<string, never>;
type Body<O> = O extends { requestBody: Json<infer B> } ? B : undefined;
type Asked = Readonly<Record<string, string | number>>;

export type Kind = 'signed-out' | 'denied' | 'gone' | 'late' | 'busy' | 'lost' | 'wrong' | 'fault';

const KINDS: Readonly<Record<number, Kind>> = {
  400: 'wrong', 401: 'signed-out', 403: 'denied', 404: 'gone', 409: 'late', 429: 'busy', 502: 'lost', 503: 'lost', 504: 'lost',
};
const TO_DO: Readonly<Record<Kind, string>> = {
  'signed-out': 'Come in again, and go on where you were.',
  denied: 'Ask whoever gives out duties here, or hand it to somebody who may.',
  gone: 'Somebody may have removed it; look at the list again.',
  late: 'What is shown is new again: look, and decide anew.',
  busy: 'Wait a moment, and do it again.',
  lost: 'Nothing is lost: try again, it is done once.',
  wrong: 'Change what was asked for, and send it again.',
  fault: 'Try again; if it stays, tell the people who run this.',
};

/** What went wrong, in words that a person can act on. */
export class Wrong extends Error {
  override readonly name = 'Wrong';
  readonly kind: Kind;
  readonly policy: string | undefined;
  readonly todo: string;

  constructor(kind: Kind, detail: string, policy?: string | null) {
    super(detail);
    this.kind = kind;
    this.policy = policy ?? undefined;
    this.todo = TO_DO[kind];
  }

  /** The whole of it in one line. */
  get says(): string {
    const detail = this.message.replace(/\.$/, '');
    const by = this.policy && this.kind === 'denied' ? ` (${this.policy})` : '';
    return `${detail.charAt(0).toUpperCase()}${detail.slice(1)}${by}. ${this.todo}`;
  }
}

/** Anything that was thrown, as something that went wrong. */
export function wrong(thrown: unknown): Wrong {
  if (thrown instanceof Wrong) return thrown;
  return new Wrong('fault', thrown instanceof Error ? thrown.message : String(thrown));
}

/** A key for one act. Not `randomUUID`: browsers keep that from pages without TLS. */
export function newKey(chance: (bytes: Uint8Array<ArrayBuffer>) => unknown = (bytes) => crypto.getRandomValues(bytes)): string {
  const bytes = new Uint8Array(16);
  chance(bytes);
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

const PATIENCE = 10_000; // ms for an answer
const TRIES = 3; // of an act that no answer came to: it has a key, so it is done once
const PAUSE = 400; // ms between them

export interface Doors {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly pause: (ms: number) => Promise<unknown>;
  readonly key: () => string;
}

const OURS: Doors = {
  fetch: (url, init) => fetch(url, init),
  pause: (ms) => new Promise((done) => setTimeout(done, ms)),
  key: () => newKey(),
};

export class Api {
  why: Why;
  private readonly doors: Doors;

  constructor(why: Why = SAFETY, doors: Partial<Doors> = {}) {
    this.why = why;
    this.doors = { ...OURS, ...doors };
  }

  /** The same door, for another purpose. */
  as(why: Why): Api {
    return new Api(why, this.doors);
  }

  /** Read something. */
  get<P extends Paths<'get'>>(path: P, fill: Fill<paths[P]['get']>, asked: Asked = {}): Promise<Answer<paths[P]['get']>> {
    return this.send('GET', this.address(path, fill, asked), {}) as Promise<Answer<paths[P]['get']>>;
  }

  /** Do something, once. When no answer comes it is sent again under the same key. */
  async act<M extends 'post' | 'put' | 'delete', P extends Paths<M>>(
    method: M,
    path: P,
    fill: Fill<paths[P][M]>,
    body: Body<paths[P][M]>,
  ): Promise<Answer<paths[P][M]>> {
    const headers: Record<string, string> = { 'Idempotency-Key': this.doors.key() };
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    const init = body === undefined ? { headers } : { headers, body: JSON.stringify(body) };
    for (let left = TRIES - 1; ; left -= 1) {
      try {
        return (await this.send(method.toUpperCase(), this.address(path, fill, {}), init)) as Answer<paths[P][M]>;
      } catch (thrown) {
        if (left === 0 || !(thrown instanceof Wrong) || thrown.kind !== 'lost') throw thrown;
        await this.doors.pause(PAUSE);
      }
    }
  }

  private address(path: string, fill: Record<string, string>, asked: Asked): string {
    const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(fill[name] ?? ''));
    const query = new URLSearchParams({ purpose: this.why.purpose, basis: this.why.basis });
    for (const [name, value] of Object.entries(asked)) query.set(name, String(value));
    return `${filled}?${query}`;
  }

  private async send(method: string, url: string, init: RequestInit): Promise<unknown> {
    let answer: Response;
    try {
      answer = await this.doors.fetch(url, {
        ...init, method, credentials: 'same-origin', signal: AbortSignal.timeout(PATIENCE),
      });
    } catch (thrown) {
      const timed = thrown instanceof DOMException && thrown.name === 'TimeoutError';
      throw new Wrong('lost', timed ? `the server took longer than ${PATIENCE / 1000} s` : 'the server does not answer');
    }
    if (answer.ok) return answer.status === 204 ? null : await answer.json();
    throw await told(answer);
  }
}

async function told(answer: Response): Promise<Wrong> {
  const kind = KINDS[answer.status] ?? 'fault';
  try {
    const problem = (await answer.json()) as Problem;
    return new Wrong(kind, problem.detail, problem.policy);
  } catch {
    return new Wrong(kind, `the answer was ${answer.status}, without a reason`);
  }
}
