// How the map looks: three flavours of our own, grey and calm, and what is drawn of each layer of the Protomaps schema (version 4).
// flavour.test.ts computes the contrast of every pair that is named in `written` and `drawn`.

import type {
  ExpressionSpecification, FontFacesSpecification, LayerSpecification, LineLayerSpecification, StyleSpecification,
  SymbolLayerSpecification,
} from 'maplibre-gl';

export type FlavourName = 'light' | 'dark' | 'contrast';

export interface Flavour {
  /** Where the map ends. */
  readonly none: string;
  readonly land: string;
  readonly green: string;
  readonly sea: string;
  readonly building: string;
  readonly buildingEdge: string;
  readonly road: string;
  readonly roadEdge: string;
  readonly path: string;
  readonly rail: string;
  /** What is written on the ground, and what is around each letter. */
  readonly name: string;
  readonly quiet: string;
  readonly halo: string;
  /** Priorities 1 to 4; what is written in a mark, and the line around it. */
  readonly priority: readonly [string, string, string, string];
  readonly onMark: string;
  readonly edge: string;
  /** Units: grey, with a letter; hatched where nobody knows whether they are still there. */
  readonly unit: string;
  readonly onUnit: string;
  readonly stale: string;
  readonly chosen: string;
}

/** Priorities, texts and sheets are those of /static/tokens.css. */
export const FLAVOURS: Readonly<Record<FlavourName, Flavour>> = {
  light: {
    none: '#dfe3e6', land: '#f1f2f3', green: '#e3ebe2', sea: '#d3dfe8', building: '#e4e6e9', buildingEdge: '#cfd4d9',
    road: '#ffffff', roadEdge: '#cdd3d8', path: '#c3c9cf', rail: '#b4bbc1', name: '#2b3238', quiet: '#4a5258', halo: '#ffffff',
    priority: ['#b3141f', '#9a4b00', '#6b5900', '#1f5a96'], onMark: '#ffffff', edge: '#ffffff',
    unit: '#3d454c', onUnit: '#ffffff', stale: '#8a4500', chosen: '#1a4f8a',
  },
  dark: {
    none: '#0c0f12', land: '#1b2026', green: '#1d2823', sea: '#121c26', building: '#242b32', buildingEdge: '#2f3740',
    road: '#343d46', roadEdge: '#14181c', path: '#3a444d', rail: '#4a545d', name: '#dfe3e7', quiet: '#bcc4cb', halo: '#12161a',
    priority: ['#ff7b7b', '#ffa94d', '#f5d76e', '#7db9ff'], onMark: '#10131a', edge: '#10131a',
    unit: '#c3cad0', onUnit: '#12161a', stale: '#ffb067', chosen: '#8fc1ff',
  },
  contrast: {
    none: '#000000', land: '#0a0a0a', green: '#0a140a', sea: '#00101f', building: '#1a1a1a', buildingEdge: '#7a7a7a',
    road: '#4a4a4a', roadEdge: '#000000', path: '#8a8a8a', rail: '#9a9a9a', name: '#ffffff', quiet: '#f0f0f0', halo: '#000000',
    priority: ['#ff9c9c', '#ffbe73', '#ffe680', '#a3d0ff'], onMark: '#000000', edge: '#ffffff',
    unit: '#ffffff', onUnit: '#000000', stale: '#ffc58f', chosen: '#ffff66',
  },
};

/** What is written, each with what it is written on: 4.5 to 1 at least. */
export function written(f: Flavour): readonly (readonly [string, string, string])[] {
  const grounds = { none: f.none, land: f.land, green: f.green, sea: f.sea, building: f.building, road: f.road, halo: f.halo };
  const names = Object.entries(grounds).flatMap(([ground, colour]) => [
    [`name on ${ground}`, f.name, colour] as const,
    [`quiet name on ${ground}`, f.quiet, colour] as const,
  ]);
  const marks = f.priority.map((colour, place) => [`number on priority ${place + 1}`, f.onMark, colour] as const);
  const hollow = f.priority.map((colour, place) => [`number of quiet priority ${place + 1}`, colour, f.halo] as const);
  return [...names, ...marks, ...hollow, ['letter on a unit', f.onUnit, f.unit]];
}

/** What is drawn to be seen, each with what it is drawn on: 3 to 1 at least. */
export function drawn(f: Flavour): readonly (readonly [string, string, string])[] {
  const priorities = Object.fromEntries(f.priority.map((one, place) => [`priority ${place + 1}`, one]));
  const seen = { ...priorities, unit: f.unit, stale: f.stale, chosen: f.chosen };
  const grounds = { none: f.none, land: f.land, green: f.green, sea: f.sea, building: f.building, road: f.road };
  return Object.entries(seen).flatMap(([what, colour]) =>
    Object.entries(grounds).map(([ground, under]) => [`${what} on ${ground}`, colour, under] as const),
  );
}

/** The flavour that this person's system asks for. */
export function asked(says: (query: string) => boolean): FlavourName {
  if (says('(prefers-contrast: more)') || says('(forced-colors: active)')) return 'contrast';
  return says('(prefers-color-scheme: light)') ? 'light' : 'dark';
}

const GREEN = ['park', 'garden', 'forest', 'wood', 'grass', 'cemetery', 'playground', 'pitch', 'scrub', 'meadow', 'golf_course',
  'nature_reserve', 'allotments', 'grassland', 'heath', 'wetland'];
const LARGE = ['hospital', 'police', 'fire_station', 'station', 'ferry_terminal', 'aerodrome', 'townhall'];

const wide = (...stops: number[]): ExpressionSpecification => ['interpolate', ['exponential', 1.6], ['zoom'], ...stops];
const kind = (...kinds: string[]): ExpressionSpecification => ['in', ['get', 'kind'], ['literal', kinds]];
const lines = (only: ExpressionSpecification): ExpressionSpecification =>
  ['all', ['==', ['geometry-type'], 'LineString'], only];

/** The name in the reader's language, else as it stands there. */
const named = (language: string): ExpressionSpecification => ['coalesce', ['get', `name:${language}`], ['get', 'name']];

function road(
  id: string, only: ExpressionSpecification, color: string, width: ExpressionSpecification, minzoom: number,
): LineLayerSpecification {
  return {
    id, type: 'line', source: 'base', 'source-layer': 'roads', filter: lines(only), minzoom,
    layout: { 'line-cap': 'round', 'line-join': 'round' }, paint: { 'line-color': color, 'line-width': width },
  };
}

function ground(f: Flavour): LayerSpecification[] {
  const fill = (id: string, layer: string, color: string, more: object = {}): LayerSpecification =>
    ({ id, type: 'fill', source: 'base', 'source-layer': layer, paint: { 'fill-color': color }, ...more }) as LayerSpecification;
  const waters: ExpressionSpecification = ['==', ['geometry-type'], 'Polygon'];
  return [
    { id: 'none', type: 'background', paint: { 'background-color': f.none } },
    fill('land', 'earth', f.land),
    fill('green', 'landuse', f.green, { filter: kind(...GREEN) }),
    fill('sea', 'water', f.sea, { filter: waters }),
    { id: 'stream', type: 'line', source: 'base', 'source-layer': 'water', filter: ['==', ['geometry-type'], 'LineString'],
      paint: { 'line-color': f.sea, 'line-width': wide(10, 0.5, 17, 5) } },
    { id: 'building', type: 'fill', source: 'base', 'source-layer': 'buildings', minzoom: 13,
      paint: { 'fill-color': f.building, 'fill-outline-color': f.buildingEdge } },
  ];
}

function roads(f: Flavour): LayerSpecification[] {
  const minor = wide(12, 0.6, 14, 2, 16, 7, 18, 18);
  const major = wide(8, 0.4, 12, 1.6, 14, 4, 16, 10, 18, 24);
  const great = wide(6, 0.6, 12, 2.4, 14, 5, 16, 12, 18, 28);
  const around = wide(12, 1.75, 14, 4.25, 16, 11.5, 18, 26.25);
  const path = road('path', kind('path'), f.path, wide(14, 0.7, 18, 2.5), 14.5);
  return [
    road('road-edge', kind('highway', 'major_road', 'minor_road'), f.roadEdge, around, 13),
    { ...path, paint: { ...path.paint, 'line-dasharray': [2, 2] } },
    road('minor', kind('minor_road'), f.road, minor, 12),
    road('rail', kind('rail'), f.rail, wide(11, 0.5, 16, 1.4), 11),
    road('major', kind('major_road'), f.road, major, 8),
    road('great', kind('highway'), f.road, great, 5),
  ];
}

function names(f: Flavour, language: string): LayerSpecification[] {
  const name = (id: string, layer: string, color: string, minzoom: number, heavy: boolean): SymbolLayerSpecification => ({
    id, type: 'symbol', source: 'base', 'source-layer': layer, minzoom,
    layout: { 'text-field': named(language), 'text-font': [heavy ? 'Noto Sans Strong' : 'Noto Sans'], 'text-max-width': 8 },
    paint: { 'text-color': color, 'text-halo-color': f.halo, 'text-halo-width': 1.4 },
  });
  const largest: ExpressionSpecification = ['-', 0, ['coalesce', ['get', 'population_rank'], 0]];
  const street = name('road-name', 'roads', f.quiet, 14, false);
  const poi = name('poi-name', 'pois', f.quiet, 14, false);
  const quarter = name('quarter-name', 'places', f.name, 11, true);
  const city = name('city-name', 'places', f.name, 0, true);
  return [
    { ...street, filter: lines(kind('highway', 'major_road', 'minor_road')),
      layout: { ...street.layout, 'symbol-placement': 'line', 'text-size': wide(14, 10.5, 18, 14) } },
    { ...poi, filter: ['any', kind(...LARGE), ['>=', ['zoom'], 17]], layout: { ...poi.layout, 'text-size': 11 } },
    { ...quarter, filter: kind('macrohood', 'neighbourhood', 'island'),
      layout: { ...quarter.layout, 'text-size': wide(11, 10, 16, 15), 'symbol-sort-key': largest } },
    { ...city, maxzoom: 14, filter: kind('locality'),
      layout: { ...city.layout, 'text-size': wide(5, 11, 13, 18), 'symbol-sort-key': largest } },
  ];
}

/** The layers of a flavour: the same ones, in the same order, in each; only their colours differ. */
export function layers(f: Flavour, language: string): LayerSpecification[] {
  return [...ground(f), ...roads(f), ...names(f, language)];
}

export interface Look {
  readonly flavour: Flavour;
  readonly language: string;
  /** Of the PMTiles file; empty: the city has no map yet, and what moves is drawn on an empty ground. */
  readonly tiles: string;
  readonly fonts: FontFacesSpecification;
}

export function style(look: Look): StyleSpecification {
  const all = layers(look.flavour, look.language);
  const faces = { version: 8, 'font-faces': look.fonts } as const;
  if (!look.tiles) return { ...faces, sources: {}, layers: all.slice(0, 1) };
  return { ...faces, sources: { base: { type: 'vector', url: `pmtiles://${look.tiles}` } }, layers: all };
}
