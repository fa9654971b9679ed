// The letters of the map: files of @fontsource/noto-sans that are built into the console, each for its scripts. No glyph server.

import ranges from '@fontsource/noto-sans/unicode.json';
import type { FontFacesSpecification } from 'maplibre-gl';

const FILES = import.meta.glob<string>(
  '../node_modules/@fontsource/noto-sans/files/noto-sans-{latin,latin-ext,cyrillic,greek}-{400,600}-normal.woff2',
  { query: '?url', import: 'default', eager: true },
);

const faces = (weight: number) =>
  Object.entries(FILES).flatMap(([file, url]) => {
    const [, script, heavy] = /noto-sans-([a-z-]+)-(\d+)-normal/.exec(file) ?? [];
    const range = ranges[script as keyof typeof ranges];
    return range && Number(heavy) === weight ? [{ url, 'unicode-range': range.split(',') }] : [];
  });

export const fonts: FontFacesSpecification = { 'Noto Sans': faces(400), 'Noto Sans Strong': faces(600) };
