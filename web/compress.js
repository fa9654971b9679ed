// Each built file that compression makes smaller gets a .br and a .gz beside it, so that serving costs nothing.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const BUILT = new URL('../src/tutela/screens/built/', import.meta.url).pathname;
const PACKED = /\.(woff2|png|br|gz)$/;
const brotli = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } };

for (const file of readdirSync(BUILT, { recursive: true, withFileTypes: true })) {
  if (!file.isFile() || PACKED.test(file.name)) continue;
  const path = join(file.parentPath, file.name);
  const whole = readFileSync(path);
  for (const [ending, packed] of [['br', brotliCompressSync(whole, brotli)], ['gz', gzipSync(whole, { level: 9 })]]) {
    if (packed.length < whole.length) writeFileSync(`${path}.${ending}`, packed);
  }
}
