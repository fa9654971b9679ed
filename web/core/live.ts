// What a window hears of the log: through the hub that it shares with its sisters, or through one of its own.

import type { Why } from './api.ts';
import type { Line } from './clock.ts';
import { type LogKind, type Message, ownHub, type Port, type Word } from './hub.ts';

export interface Hearing {
  readonly line: (line: Line) => void;
  readonly pulse: (at: number) => void;
  readonly event: (kind: LogKind, data: string) => void;
}

const AGAIN = 30_000; // ms between two words to the hub: "still here"

/** One end of a link: words go out, messages come in. */
export interface End {
  say(word: Word): void;
  heard: (message: Message) => void;
}

/** The end of a link to the worker at `url` that all windows of `who` share; or to a hub of this window's own. */
export function connect(url: string, who: string): End {
  if (typeof SharedWorker === 'undefined') return alone();
  const { port } = new SharedWorker(url, { type: 'module', name: `tutela ${who}` });
  const end: End = { say: (word) => port.postMessage(word), heard: () => undefined };
  port.onmessage = (said: MessageEvent<Message>) => end.heard(said.data);
  return end;
}

function alone(): End {
  const hub = ownHub();
  const end: End = { say: (word) => hub.word(port, word), heard: () => undefined };
  const port: Port = { postMessage: (message) => end.heard(message) };
  return end;
}

/** Listen until it is stopped. A window that is put away says so, and comes back when it is shown again. */
export function follow(end: End, why: Why, hearing: Hearing): () => void {
  const here: Word = { is: 'here', query: new URLSearchParams({ ...why }).toString() };
  end.heard = (message) => {
    if (message.is === 'line') hearing.line(message.line);
    else if (message.is === 'pulse') hearing.pulse(message.at);
    else hearing.event(message.kind, message.data);
  };
  const come = () => end.say(here);
  const go = () => end.say({ is: 'bye' });
  const again = setInterval(come, AGAIN);
  addEventListener('pagehide', go);
  addEventListener('pageshow', come);
  come();
  return () => {
    clearInterval(again);
    removeEventListener('pagehide', go);
    removeEventListener('pageshow', come);
    go();
  };
}
