// The picture of the city, without a framework: calls go in, and what a person picks comes out by one callback. Whatever is on it is in a
// list beside it too; the canvas is an application with a name, for arrows, + and -, and Esc leaves it.

import { addProtocol, type GeoJSONSource, Map as Drawn, setWorkerUrl } from 'maplibre-gl';
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url';
import { PMTiles, Protocol } from 'pmtiles';
import { asked, FLAVOURS, type Flavour, type FlavourName, layers as looks, style } from './flavour.ts';
import { fonts } from './fonts.ts';
import { across, down, type Frame } from './gliding.ts';
import * as marks from './marks.ts';
import { Units } from './units.ts';
import './map.css';

export type { FlavourName } from './flavour.ts';
export type { Frame, UnitAt } from './gliding.ts';
export type { Mark } from './marks.ts';

export interface Picked {
  readonly kind: 'unit' | 'alert' | 'incident' | 'place';
  /** Of what was picked; empty for a place where nothing is. */
  readonly id: string;
  readonly lon: number;
  readonly lat: number;
}

export interface Options {
  /** Where the map is put: an element that is empty, and has a size. */
  readonly into: HTMLElement;
  readonly onPick: (picked: Picked) => void;
  /** What the map is called, for whoever can't see it. */
  readonly label?: string;
  /** In which names are written; without one, the page's. */
  readonly language?: string;
  /** Without one: as the person's system asks, and it follows when that changes. */
  readonly flavour?: FlavourName;
  /** Where it looks at first; without one, at the middle of the map. */
  readonly at?: { readonly lon: number; readonly lat: number; readonly zoom: number };
  readonly tiles?: string;
}

export interface CityMap {
  setUnits(frame: Frame): void;
  setAlerts(list: readonly marks.Mark[]): void;
  /** Draw a ring around what is opened, alert or incident or unit; null: nothing is. */
  select(id: string | null, metres?: number): void;
  flyTo(place: { readonly lon: number; readonly lat: number; readonly zoom?: number }): void;
  setFlavour(name: FlavourName): void;
  /** MapLibre's own, for what this file does not do. */
  readonly drawn: Drawn;
  destroy(): void;
}

const TILES = '/map/city.pmtiles';
const NEAR = 15.5;
const REACH = 14;
const LABEL = 'Map. Arrow keys move it, plus and minus zoom, Escape leaves it. Everything on it is in the lists beside it.';
const protocol = new Protocol();
let ready = false;

function prepare(): void {
  if (ready) return;
  setWorkerUrl(workerUrl);
  addProtocol('pmtiles', protocol.tile);
  ready = true;
}

interface Ground {
  readonly tiles: string;
  readonly bounds?: [[number, number], [number, number]];
}

/** Whether there is a map, and where. */
async function ground(url: string): Promise<Ground> {
  const archive = new PMTiles(new URL(url, location.href).href);
  try {
    const { minLon, minLat, maxLon, maxLat } = await archive.getHeader();
    protocol.add(archive);
    return { tiles: archive.source.getKey(), bounds: [[minLon, minLat], [maxLon, maxLat]] };
  } catch {
    return { tiles: '' };
  }
}

/** Put a map there. Rejects, in words, where the browser can draw none: the lists beside it go on without. */
export async function cityMap(options: Options): Promise<CityMap> {
  prepare();
  const there = await ground(options.tiles ?? TILES);
  const motion = matchMedia('(prefers-reduced-motion: reduce)');
  const name = options.flavour ?? asked((query) => matchMedia(query).matches);
  const language = options.language ?? (document.documentElement.lang || 'en');
  const canvas = frame(options.into, there.tiles !== '');
  const drawn = await begun(canvas, there, FLAVOURS[name], language, options).catch((wrong: unknown) => {
    emptied(options.into);
    throw new Error(`this browser draws no map (${wrong instanceof Error ? wrong.message : String(wrong)}); the lists have all of it`);
  });
  const units = new Units(FLAVOURS[name], () => motion.matches);
  const made = new Made(drawn, there, units, options, language, () => motion.matches);
  made.begin(FLAVOURS[name]);
  return made;
}

function frame(into: HTMLElement, there: boolean): HTMLElement {
  into.classList.add('map');
  const canvas = into.appendChild(document.createElement('div'));
  canvas.className = 'ground';
  const credit = into.appendChild(document.createElement('p'));
  credit.className = 'credit';
  if (there) {
    const link = credit.appendChild(document.createElement('a'));
    link.href = 'https://www.openstreetmap.org/copyright';
    link.rel = 'noreferrer';
    link.target = '_blank';
    link.textContent = '© OpenStreetMap contributors';
  } else {
    credit.textContent = 'This city has no map yet: tutela map build FILE.osm.pbf makes one';
  }
  return canvas;
}

function emptied(into: HTMLElement): void {
  into.replaceChildren();
  into.classList.remove('map');
}

async function begun(container: HTMLElement, there: Ground, flavour: Flavour, language: string, { at }: Options): Promise<Drawn> {
  const look = style({ flavour, language, tiles: there.tiles, fonts });
  const all = there.bounds ? { bounds: there.bounds } : { zoom: 2 };
  const where = at ? { center: [at.lon, at.lat] as [number, number], zoom: at.zoom } : all;
  const drawn = new Drawn({
    container, style: look, ...where, attributionControl: false, maxPitch: 0, maxZoom: 20, fadeDuration: 0,
    dragRotate: false, pitchWithRotate: false, hash: false, refreshExpiredTiles: false,
  });
  drawn.touchZoomRotate.disableRotation();
  drawn.keyboard.disableRotation();
  await new Promise<void>((done, failed) => {
    drawn.once('load', () => done());
    drawn.once('webglcontextlost', () => failed(new Error('the map was lost: the browser took its drawing away')));
  });
  return drawn;
}

class Made implements CityMap {
  readonly drawn: Drawn;
  private readonly ground: Ground;
  private readonly units: Units;
  private readonly options: Options;
  private readonly language: string;
  private readonly still: () => boolean;
  private readonly gone = new AbortController();
  private list: readonly marks.Mark[] = [];
  private chosen: { id: string; metres: number } | null = null;
  private before: HTMLElement | null = null;
  private settled: () => void = () => undefined;

  constructor(drawn: Drawn, ground: Ground, units: Units, options: Options, language: string, still: () => boolean) {
    this.drawn = drawn;
    this.ground = ground;
    this.units = units;
    this.options = options;
    this.language = language;
    this.still = still;
  }

  begin(flavour: Flavour): void {
    const { drawn } = this;
    for (const [id, source] of Object.entries(marks.sources())) drawn.addSource(id, source);
    const pixelRatio = devicePixelRatio;
    for (const [id, picture] of marks.pictures(flavour, pixelRatio)) drawn.addImage(id, picture, { pixelRatio });
    const [under, edge, ...over] = marks.layers(flavour);
    for (const layer of [under, edge]) if (layer) drawn.addLayer(layer);
    drawn.addLayer(this.units);
    for (const layer of over) drawn.addLayer(layer);
    this.fit();
    drawn.on('click', (event) => void this.pick(event.point));
    this.name();
    this.zooms();
    this.follow();
  }

  setUnits(frame: Frame): void {
    this.units.set(frame);
    if (this.chosen && this.units.gliding.place(this.chosen.id) >= 0) this.units.choose(this.chosen.id);
  }

  setAlerts(list: readonly marks.Mark[]): void {
    this.list = list;
    this.source(marks.SOURCE).setData(marks.features(list));
    this.ring();
  }

  select(id: string | null, metres = 150): void {
    this.chosen = id ? { id, metres } : null;
    this.units.choose(id ?? '');
    this.ring();
  }

  flyTo({ lon, lat, zoom }: { lon: number; lat: number; zoom?: number }): void {
    this.settled();
    const to = { center: [lon, lat] as [number, number], zoom: zoom ?? Math.max(NEAR, this.drawn.getZoom()) };
    if (this.still()) this.drawn.jumpTo(to);
    else this.drawn.easeTo({ ...to, duration: 600 });
  }

  setFlavour(name: FlavourName): void {
    const flavour = FLAVOURS[name];
    const paintAs = this.drawn.setPaintProperty.bind(this.drawn) as (layer: string, key: string, value: unknown) => void;
    for (const { id, paint } of [...looks(flavour, this.language), ...marks.layers(flavour)]) {
      if (!this.drawn.getLayer(id)) continue;
      for (const [key, value] of Object.entries(paint ?? {})) paintAs(id, key, value);
    }
    for (const [id, picture] of marks.pictures(flavour, devicePixelRatio)) this.drawn.updateImage(id, picture);
    this.units.recolour(flavour);
  }

  destroy(): void {
    this.gone.abort();
    this.drawn.remove();
    emptied(this.options.into);
  }

  /** All of the map stays in sight while the page settles, until somebody goes elsewhere. */
  private fit(): void {
    const { bounds } = this.ground;
    if (!bounds || this.options.at) return;
    const fit = () => this.drawn.fitBounds(bounds, { animate: false, padding: 8 });
    fit();
    this.drawn.on('resize', fit);
    const gone = () => this.drawn.off('resize', fit);
    this.drawn.on('movestart', ({ originalEvent }) => void (originalEvent && gone()));
    this.settled = gone;
  }

  private source(id: string): GeoJSONSource {
    return this.drawn.getSource(id) as GeoJSONSource;
  }

  private ring(): void {
    const found = this.list.find((one) => one.id === this.chosen?.id);
    this.source(marks.RING).setData(marks.ring(found && this.chosen ? { ...found, metres: this.chosen.metres } : null));
  }

  private async pick(point: { x: number; y: number }): Promise<void> {
    const { lng: lon, lat } = this.drawn.unproject([point.x, point.y]);
    const found = marks.at(this.drawn, point);
    if (found && 'heap' in found) {
      this.flyTo({ lon: found.lon, lat: found.lat, zoom: await marks.apart(this.drawn, found.heap) });
      return;
    }
    if (found) {
      this.options.onPick({ ...found, lon, lat });
      return;
    }
    const id = this.units.at(across(lon), down(lat), REACH / (512 * 2 ** this.drawn.getZoom()));
    this.options.onPick({ kind: id ? 'unit' : 'place', id, lon, lat });
  }

  /** The canvas, for whoever works by keyboard and for whoever listens. */
  private name(): void {
    const canvas = this.drawn.getCanvas();
    const { signal } = this.gone;
    canvas.setAttribute('role', 'application');
    canvas.setAttribute('aria-label', this.options.label ?? LABEL);
    canvas.addEventListener('focus', (event) => (this.before = event.relatedTarget as HTMLElement | null), { signal });
    canvas.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') {
        canvas.blur();
        this.before?.focus();
      }
    }, { signal });
    // What moves the map is for the map alone: the keys of the console do not hear it. MapLibre listens further in.
    this.options.into.addEventListener('keydown', (event) => {
      if (event.target === canvas && /^(Arrow|[-+=]$|Escape$)/.test(event.key)) event.stopPropagation();
    }, { signal });
  }

  private zooms(): void {
    const box = document.createElement('div');
    this.options.into.querySelector('.credit')?.before(box);
    box.className = 'zooms';
    for (const [sign, says, by] of [['+', 'Zoom in', 1], ['−', 'Zoom out', -1]] as const) {
      const button = box.appendChild(document.createElement('button'));
      button.type = 'button';
      button.textContent = sign;
      button.setAttribute('aria-label', says);
      const zoom = () => {
        this.settled();
        this.drawn.easeTo({ zoom: this.drawn.getZoom() + by, duration: this.still() ? 0 : 200 });
      };
      button.addEventListener('click', zoom, { signal: this.gone.signal });
    }
  }

  /** As the person's system asks, when that changes; not where a flavour was chosen. */
  private follow(): void {
    if (this.options.flavour) return;
    const anew = () => this.setFlavour(asked((one) => matchMedia(one).matches));
    for (const query of ['(prefers-color-scheme: light)', '(prefers-contrast: more)', '(forced-colors: active)'])
      matchMedia(query).addEventListener('change', anew, { signal: this.gone.signal });
  }
}
