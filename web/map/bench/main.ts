// A page with nothing but the map, for benchmarks/maps.py: so many units that move, so many marks.

import { type CityMap, cityMap, type FlavourName, type Mark, type Picked, type UnitAt } from '../map.ts';

interface Bench {
  readonly map: CityMap;
  readonly picked: Picked[];
  units(count: number, hertz: number): void;
  marks(count: number): void;
  stop(): void;
}

const MIDDLE = { lon: 24.944, lat: 60.171 };
let timer = 0;

/** The same scatter each time: a linear congruential generator. */
function chance(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1664525 + 1013904223) >>> 0) / 2 ** 32;
}

function fleet(count: number, second: number): UnitAt[] {
  const next = chance(7);
  return Array.from({ length: count }, (_, place) => {
    const [x, y, turn] = [next() - 0.5, next() - 0.5, next() * 6.28];
    const gone = second * 0.00002;
    return {
      id: `u${place}`, letter: 'PFM'[place % 3] ?? 'P', stale: place % 17 === 0,
      lon: MIDDLE.lon + x * 0.03 + Math.cos(turn) * gone, lat: MIDDLE.lat + y * 0.015 + Math.sin(turn) * gone,
    };
  });
}

function scattered(count: number): Mark[] {
  const next = chance(11);
  return Array.from({ length: count }, (_, place) => ({
    id: `m${place}`, kind: place % 5 ? 'alert' : 'incident', priority: ((place % 4) + 1) as Mark['priority'], quiet: place % 3 === 0,
    lon: MIDDLE.lon + (next() - 0.5) * 0.016, lat: MIDDLE.lat + (next() - 0.5) * 0.012,
  }));
}

const asked = new URLSearchParams(location.search);
const picked: Picked[] = [];
const flavour = asked.get('flavour') as FlavourName | null;
const map = await cityMap({
  into: document.getElementById('map') as HTMLElement,
  onPick: (one) => picked.push(one),
  ...(flavour ? { flavour } : {}),
  ...(asked.has('zoom') ? { at: { ...MIDDLE, zoom: Number(asked.get('zoom')) } } : {}),
});
const bench: Bench = {
  map,
  picked,
  units(count, hertz) {
    this.stop();
    let tick = 0;
    const tell = () => map.setUnits({ units: fleet(count, tick++ / hertz) });
    tell();
    timer = window.setInterval(tell, 1000 / hertz);
  },
  marks: (count) => map.setAlerts(scattered(count)),
  stop: () => window.clearInterval(timer),
};
Object.assign(window, { bench });
