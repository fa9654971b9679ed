// Alerts and incidents on the map: shapes with their number, as everywhere; those that lie together are one, with how many they are and
// the most urgent one's shape; a ring around what is opened.

import type { FeatureCollection, Point, Polygon } from 'geojson';
import type { FilterSpecification, GeoJSONSource, LayerSpecification, Map as Drawn, SourceSpecification } from 'maplibre-gl';
import type { Flavour } from './flavour.ts';

export type Priority = 1 | 2 | 3 | 4;

export interface Mark {
  readonly id: string;
  readonly kind: 'alert' | 'incident';
  readonly priority: Priority;
  readonly lon: number;
  readonly lat: number;
  /** Nobody has to do anything about it now, such as a held or shelved alert: an outline, under all that calls. */
  readonly quiet?: boolean;
}

export interface Around {
  readonly lon: number;
  readonly lat: number;
  readonly metres: number;
}

export const SOURCE = 'marks';
export const RING = 'ring';
export const ALONE = 'mark';
export const TOGETHER = 'mark-together';

const LONE: FilterSpecification = ['!', ['has', 'point_count']];
const MANY: FilterSpecification = ['has', 'point_count'];
/** What is quiet ranks behind all that is not. */
const QUIET = 10;
const CORNERS = 72;
const EARTH = 6_371_008.8;
/** Half the side of a mark, in pixels of the screen. */
const HALF = 16;

/** As the map takes them. */
export function features(marks: readonly Mark[]): FeatureCollection<Point> {
  return {
    type: 'FeatureCollection',
    features: marks.map(({ id, kind, priority, lon, lat, quiet }) => ({
      type: 'Feature',
      properties: { id, kind, rank: priority + (quiet ? QUIET : 0) },
      geometry: { type: 'Point', coordinates: [lon, lat] },
    })),
  };
}

/** A ring on the ground; nothing for nothing. */
export function ring(around: Around | null): FeatureCollection<Polygon> {
  if (!around) return { type: 'FeatureCollection', features: [] };
  const { lon, lat, metres } = around;
  const up = (metres / EARTH) * (180 / Math.PI);
  const side = up / Math.cos((lat * Math.PI) / 180);
  const corners = Array.from({ length: CORNERS + 1 }, (_, place) => {
    const turn = ((place % CORNERS) / CORNERS) * 2 * Math.PI;
    return [lon + side * Math.cos(turn), lat + up * Math.sin(turn)];
  });
  const geometry: Polygon = { type: 'Polygon', coordinates: [corners] };
  return { type: 'FeatureCollection', features: [{ type: 'Feature', properties: {}, geometry }] };
}

export function sources(): Record<string, SourceSpecification> {
  return {
    [RING]: { type: 'geojson', data: ring(null) },
    [SOURCE]: {
      type: 'geojson',
      data: features([]),
      cluster: true,
      clusterRadius: 34,
      clusterMaxZoom: 17,
      clusterProperties: {
        worst: ['min', ['get', 'rank']],
        incidents: ['+', ['case', ['==', ['get', 'kind'], 'incident'], 1, 0]],
      },
    },
  };
}

export function layers(f: Flavour): LayerSpecification[] {
  const icon = { 'icon-allow-overlap': true, 'icon-ignore-placement': true } as const;
  return [
    { id: 'ring-ground', type: 'fill', source: RING, paint: { 'fill-color': f.chosen, 'fill-opacity': 0.08 } },
    { id: 'ring-edge', type: 'line', source: RING, paint: { 'line-color': f.chosen, 'line-width': 2, 'line-dasharray': [3, 2] } },
    { id: TOGETHER, type: 'symbol', source: SOURCE, filter: MANY,
      layout: { ...icon,
        'icon-image': ['concat', ['case', ['>', ['get', 'incidents'], 0], 'incident', 'alert'], '-', ['get', 'worst']],
        'text-field': ['concat', '×', ['get', 'point_count_abbreviated']], 'text-font': ['Noto Sans Strong'], 'text-size': 13,
        'text-anchor': 'left', 'text-offset': [1.15, 0], 'text-allow-overlap': true, 'symbol-sort-key': ['-', 0, ['get', 'worst']] },
      paint: { 'text-color': f.name, 'text-halo-color': f.halo, 'text-halo-width': 2 } },
    { id: ALONE, type: 'symbol', source: SOURCE, filter: LONE,
      layout: { ...icon, 'icon-image': ['concat', ['get', 'kind'], '-', ['get', 'rank']],
        'symbol-sort-key': ['-', 0, ['get', 'rank']] }, paint: {} },
  ];
}

/** The corners of each shape, around its middle: diamond, triangle, square; none for the circle. */
export const SHAPES: Readonly<Record<Priority, readonly (readonly [number, number])[]>> = {
  1: [[0, -13], [13, 0], [0, 13], [-13, 0]],
  2: [[0, -13], [13, 10], [-13, 10]],
  3: [[-10, -10], [10, -10], [10, 10], [-10, 10]],
  4: [],
};

/** The pictures of all marks, by kind and rank: an incident has a line around it, and what is quiet is hollow. */
export function pictures(f: Flavour, ratio: number): [string, ImageData][] {
  const made: [string, ImageData][] = [];
  for (const kind of ['alert', 'incident'] as const)
    for (const priority of [1, 2, 3, 4] as const) {
      made.push([`${kind}-${priority}`, picture(f, kind, priority, ratio, false)]);
      made.push([`${kind}-${priority + QUIET}`, picture(f, kind, priority, ratio, true)]);
    }
  return made;
}

function picture(f: Flavour, kind: Mark['kind'], priority: Priority, ratio: number, quiet: boolean): ImageData {
  const canvas = document.createElement('canvas');
  const side = Math.ceil(HALF * 2 * ratio);
  canvas.width = canvas.height = side;
  const pen = canvas.getContext('2d');
  if (!pen) throw new Error('this browser can draw no marks: it gave no canvas');
  const colour = f.priority[priority - 1] ?? f.name;
  pen.scale(ratio, ratio);
  pen.translate(HALF, HALF);
  pen.lineJoin = 'round';
  if (kind === 'incident') outline(pen, priority, 1.14, colour, 3.5);
  outline(pen, priority, 1, f.edge, kind === 'incident' ? 2.5 : 2);
  path(pen, priority, kind === 'incident' ? 0.86 : quiet ? 0.8 : 0.94);
  pen.fillStyle = quiet ? f.halo : colour;
  pen.fill();
  if (quiet) {
    pen.strokeStyle = colour;
    pen.lineWidth = 1.6;
    pen.stroke();
  }
  pen.fillStyle = quiet ? colour : f.onMark;
  pen.font = `${quiet ? '600 11px' : '700 13px'} system-ui, sans-serif`;
  pen.textAlign = 'center';
  pen.textBaseline = 'middle';
  pen.fillText(String(priority), 0, priority === 2 ? 3 : 1);
  return pen.getImageData(0, 0, side, side);
}

function outline(pen: CanvasRenderingContext2D, priority: Priority, scale: number, colour: string, width: number): void {
  path(pen, priority, scale);
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  pen.stroke();
}

function path(pen: CanvasRenderingContext2D, priority: Priority, scale: number): void {
  pen.beginPath();
  const corners = SHAPES[priority];
  if (!corners.length) pen.arc(0, 0, 11 * scale, 0, 2 * Math.PI);
  corners.forEach(([x, y], place) => (place ? pen.lineTo(x * scale, y * scale) : pen.moveTo(x * scale, y * scale)));
  pen.closePath();
}

export interface One {
  readonly id: string;
  readonly kind: Mark['kind'];
}

export interface Heap {
  readonly heap: number;
  readonly lon: number;
  readonly lat: number;
}

/** The mark or the heap of marks at a point of the screen; null when there is none. */
export function at(map: Drawn, point: { x: number; y: number }): One | Heap | null {
  const box: [[number, number], [number, number]] = [[point.x - 6, point.y - 6], [point.x + 6, point.y + 6]];
  const [found] = map.queryRenderedFeatures(box, { layers: [ALONE, TOGETHER] });
  if (!found || found.geometry.type !== 'Point') return null;
  const { id, kind, cluster_id: heap } = found.properties;
  const [lon = 0, lat = 0] = found.geometry.coordinates;
  return heap === undefined ? { id: String(id), kind } : { heap: Number(heap), lon, lat };
}

/** The zoom at which a heap falls apart. */
export function apart(map: Drawn, heap: number): Promise<number> {
  return (map.getSource(SOURCE) as GeoJSONSource).getClusterExpansionZoom(heap);
}
