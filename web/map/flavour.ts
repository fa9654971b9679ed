// How the map looks: three flavours of our own, grey and calm, and what is drawn of each layer of the Protomaps schema (version 4).
// flavour.test.ts computes the contrast of every pair that is named in `written` and `drawn`.

import type { ExpressionSpecification, FontFacesSpecification, LayerSpecification, StyleSpecification } from 'maplibre-gl';

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
  return [...names, ...marks, ['letter on a unit', f.onUnit, f.unit]];
}

/** What is drawn to be seen, each with what it is drawn on: 3 to 1 at least. */
export function drawn(f: Flavour): readonly (readonly [string, string, string])[] {
  const seen = { ...Object.fromEntries(f.priority.map((one, place) => [`priority ${place + 1}`, one])), unit: f.unit, stale: f.stale, chosen: f.chosen };
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

function road(id: string, only: ExpressionSpecification, color: string, width: ExpressionSpecification, minzoom: number): LayerSpecification {
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
  const around = (width: number): ExpressionSpecification => wide(12, width * 0.7, 14, width * 1.7, 16, width * 4.6, 18, width * 10.5);
  return [
    road('road-edge', kind('highway', 'major_road', 'minor_road'), f.roadEdge, around(2.5), 13),
    { ...road('path', kind('path'), f.path, wide(14, 0.7, 18, 2.5), 14.5), paint: { 'line-color': f.path, 'line-width': wide(14, 0.7, 18, 2.5), 'line-dasharray': [2, 2] } } as LayerSpecification,
    road('minor', kind('minor_road'), f.road, minor, 12),
    road('rail', kind('rail'), f.rail, wide(11, 0.5, 16, 1.4), 11),
    road('major', kind('major_road'), f.road, major, 8),
    road('great', kind('highway'), f.road, great, 5),
  ];
}

function names(f: Flavour, language: string): LayerSpecification[] {
  const text = (color: string) => ({ 'text-color': color, 'text-halo-color': f.halo, 'text-halo-width': 1.4 });
  return [
    { id: 'road-name', type: 'symbol', source: 'base', 'source-layer': 'roads', minzoom: 14, filter: lines(kind('highway', 'major_road', 'minor_road')),
      layout: { 'symbol-placement': 'line', 'text-field': named(language), 'text-font': ['Noto Sans'], 'text-size': wide(14, 10.5, 18, 14) }, paint: text(f.quiet) },
    { id: 'poi-name', type: 'symbol', source: 'base', 'source-layer': 'pois', minzoom: 14, filter: ['any', kind(...LARGE), ['>=', ['zoom'], 17]],
      layout: { 'text-field': named(language), 'text-font': ['Noto Sans'], 'text-size': 11, 'text-max-width': 8 }, paint: text(f.quiet) },
    { id: 'quarter-name', type: 'symbol', source: 'base', 'source-layer': 'places', minzoom: 11, filter: kind('macrohood', 'neighbourhood', 'island'),
      layout: { 'text-field': named(language), 'text-font': ['Noto Sans Strong'], 'text-size': wide(11, 10, 16, 15), 'text-max-width': 8,
        'symbol-sort-key': ['-', 0, ['coalesce', ['get', 'population_rank'], 0]] }, paint: text(f.name) },
    { id: 'city-name', type: 'symbol', source: 'base', 'source-layer': 'places', maxzoom: 14, filter: kind('locality'),
      layout: { 'text-field': named(language), 'text-font': ['Noto Sans Strong'], 'text-size': wide(5, 11, 13, 18),
        'symbol-sort-key': ['-', 0, ['coalesce', ['get', 'population_rank'], 0]] }, paint: text(f.name) },
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
