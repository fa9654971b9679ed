// Where units are between two frames: by number, without a map. Positions are on the world's square (Web Mercator, side 1), as
// offsets from a place near by, so that 32 bits hold centimetres.

export interface UnitAt {
  readonly id: string;
  /** What is written in it: P, F, M … */
  readonly letter: string;
  readonly lon: number;
  readonly lat: number;
  /** Nobody knows whether it is still there. */
  readonly stale: boolean;
}

export interface Frame {
  readonly units: readonly UnitAt[];
}

export const across = (lon: number): number => lon / 360 + 0.5;
export const down = (lat: number): number => 0.5 - Math.asinh(Math.tan((lat * Math.PI) / 180)) / (2 * Math.PI);

/** Between two frames: never quicker than screens show, never longer than the eye takes for stuck. */
const LEAST = 100;
const MOST = 2000;
const USUAL = 1000;
/** Further than this in one frame is no drive: it is put there at once. About 4 km at 60° north. */
const JUMP = 2e-4;

export class Gliding {
  ids: string[] = [];
  /** Per unit: from (x, y), to (x, y). */
  from = new Float32Array();
  to = new Float32Array();
  letters = '';
  stale = new Uint8Array();
  origin: readonly [number, number] = [0, 0];
  private began = -Infinity;
  private over = USUAL;
  private places = new Map<string, number>();

  /** A new frame: each unit starts where it is seen now. `still`: nothing glides. */
  set(frame: Frame, now: number, still: boolean): void {
    const { units } = frame;
    const before = this.share(now);
    const [was, gone] = [this, this.places];
    const first = units[0];
    const origin = gone.size || !first ? this.origin : ([across(first.lon), down(first.lat)] as const);
    const from = new Float32Array(2 * units.length);
    const to = new Float32Array(2 * units.length);
    units.forEach((unit, place) => {
      const [x, y] = [across(unit.lon) - origin[0], down(unit.lat) - origin[1]];
      const old = gone.get(unit.id);
      const [ox, oy] = old === undefined || still ? [x, y] : was.seen(old, before);
      const far = Math.hypot(x - ox, y - oy) > JUMP;
      from.set(far ? [x, y] : [ox, oy], 2 * place);
      to.set([x, y], 2 * place);
    });
    const since = now - this.began;
    // Where nothing moves, nothing is drawn again.
    this.over = from.every((one, place) => one === to[place]) ? 0 : Number.isFinite(since) ? Math.min(MOST, Math.max(LEAST, since)) : USUAL;
    this.began = now;
    [this.from, this.to, this.origin] = [from, to, origin];
    this.ids = units.map((unit) => unit.id);
    this.letters = units.map((unit) => unit.letter.slice(0, 1) || ' ').join('');
    this.stale = Uint8Array.from(units, (unit) => (unit.stale ? 1 : 0));
    this.places = new Map(this.ids.map((id, place) => [id, place]));
  }

  /** How much of the way is gone: 0 to 1. */
  share(now: number): number {
    return this.over === 0 ? 1 : Math.min(1, Math.max(0, (now - this.began) / this.over));
  }

  /** Where it is in the frame; -1 when it is not in it. */
  place(id: string): number {
    return this.places.get(id) ?? -1;
  }

  /** Where that unit is seen, from the origin. */
  seen(place: number, share: number): [number, number] {
    const [x = 0, y = 0] = this.from.subarray(2 * place);
    const [tx = 0, ty = 0] = this.to.subarray(2 * place);
    return [x + (tx - x) * share, y + (ty - y) * share];
  }

  /** The unit nearest to a place on the world's square, within so far; empty when there is none. */
  nearest(x: number, y: number, within: number, now: number): string {
    const share = this.share(now);
    let [best, found] = [within, ''];
    this.ids.forEach((id, place) => {
      const [ux, uy] = this.seen(place, share);
      const far = Math.hypot(this.origin[0] + ux - x, this.origin[1] + uy - y);
      if (far <= best) [best, found] = [far, id];
    });
    return found;
  }
}
