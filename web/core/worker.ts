// The SharedWorker: a hub, and a port for each window.

import { ownHub, type Word } from './hub.ts';

const hub = ownHub();

addEventListener('connect', (event) => {
  const [port] = (event as MessageEvent).ports;
  if (!port) return;
  port.onmessage = (said: MessageEvent<Word>) => hub.word(port, said.data);
});
