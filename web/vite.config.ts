// Everything under /console/, from one host, in files whose names change with their content.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

export default defineConfig({
  base: '/console/',
  plugins: [svelte()],
  build: {
    outDir: '../src/tutela/screens/built',
    emptyOutDir: true,
    target: 'es2023',
    // A strict policy of what may load allows no data: addresses but pictures; small files stay files.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500,
    license: { fileName: 'licenses.md' },
  },
  worker: { format: 'es' },
});
