import { readFileSync } from 'node:fs';
import { defineConfig } from 'vite';

const pdfjs = new URL('../../node_modules/pdfjs-dist/package.json', import.meta.url);
const { version } = JSON.parse(readFileSync(pdfjs, 'utf8')) as { version: string };

// Vite reads its configuration from a default export.
export default defineConfig({
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  define: { pdfResources: JSON.stringify(`/assets/pdf-${version}/`) },
  build: {
    target: 'es2023',
    // The content security policy allows no data: URLs.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
