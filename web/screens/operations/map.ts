// What the screen asks of the map: the part of map/map.ts that it uses. The map is fetched by itself, later.

export interface Mark {
  readonly id: string;
  readonly kind: 'alert' | 'incident';
  readonly priority: number;
  readonly lon: number;
  readonly lat: number;
}

export interface Picked {
  readonly kind: 'unit' | 'alert' | 'incident' | 'place';
  readonly id: string;
}

export interface UnitAt {
  readonly id: string;
  readonly letter: string;
  readonly lon: number;
  readonly lat: number;
  readonly stale: boolean;
}

export interface CityMap {
  setUnits(frame: { readonly units: readonly UnitAt[] }): void;
  setAlerts(list: readonly Mark[]): void;
  select(id: string | null): void;
  flyTo(place: { readonly lon: number; readonly lat: number }): void;
  destroy(): void;
}
