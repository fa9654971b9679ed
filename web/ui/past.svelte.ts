// The city as it was, as this window looks at it: its own stream, on the time of the replay.

import { wrong } from '../core/api.ts';
import { Replay } from '../core/replay.ts';
import type { Incident, Located, Told } from '../core/types.ts';
import type { Desk } from './desk.svelte.ts';
import { NOTHING, type Shown } from './shown.ts';

const KINDS = ['alert@1', 'incident@1', 'unit@1'];

export class Past {
  incidents = $state.raw<Shown<Incident[]>>(NOTHING);
  units = $state.raw<Shown<Located[]>>(NOTHING);
  readonly replay: Replay;
  private stream: EventSource | undefined;
  private stopped = false;
  private readonly desk: Desk;

  constructor(desk: Desk, since: number, speed: number) {
    this.desk = desk;
    this.replay = new Replay(since, speed, Date.now());
    void this.begin(since, speed);
  }

  stop(): void {
    this.stopped = true;
    this.stream?.close();
  }

  private async begin(since: number, speed: number): Promise<void> {
    const at = new Date(since / 1000).toISOString();
    try {
      this.replay.stood(await this.desk.api.get('/v1/past', {}, { at }));
    } catch (thrown) {
      this.incidents = { seen: 'wrong', value: undefined, failed: wrong(thrown) };
      this.units = this.incidents as Shown<never>;
      return this.desk.say(false, wrong(thrown).says);
    }
    if (this.stopped) return;
    this.draw();
    this.follow(new URLSearchParams({ ...this.desk.api.why, since: at, speed: String(speed) }));
  }

  private follow(query: URLSearchParams): void {
    const stream = new EventSource(`/v1/past/stream?${query}`);
    this.stream = stream;
    stream.addEventListener('pulse', (event: MessageEvent<string>) => {
      this.replay.pulse((JSON.parse(event.data) as { at: number }).at, Date.now());
      this.desk.tick();
    });
    for (const kind of KINDS) {
      stream.addEventListener(kind, (event: MessageEvent<string>) => {
        this.replay.told(JSON.parse(event.data) as Told);
        this.draw();
      });
    }
    stream.addEventListener('over', () => this.desk.lookNow());
    // A stream that broke would begin at its first moment again: it is ended, and said.
    stream.addEventListener('error', () => {
      stream.close();
      this.desk.say(false, 'The replay stopped: its link broke. Choose the moment again.');
    });
  }

  private draw(): void {
    this.incidents = { seen: 'there', value: this.replay.underWay, failed: undefined };
    this.units = { seen: 'there', value: this.replay.roster.map((unit): Located => ({ unit, stale: false })), failed: undefined };
    this.desk.draw();
  }
}
