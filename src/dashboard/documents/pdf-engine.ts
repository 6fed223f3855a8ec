import type { PDFDocumentProxy } from 'pdfjs-dist';
import { GlobalWorkerOptions, getDocument } from 'pdfjs-dist';
import workerUrl from 'pdfjs-dist/build/pdf.worker.min.mjs?url';

export { TextLayer } from 'pdfjs-dist';

GlobalWorkerOptions.workerSrc = workerUrl;

/**
 * Opens a PDF. Nothing in it is run, and nothing is loaded but our own files.
 * @throws Error when it cannot be read, or needs a password
 */
export function openPdf(bytes: ArrayBuffer): { readonly promise: Promise<PDFDocumentProxy>; close(): void } {
  const task = getDocument({
    data: bytes,
    cMapUrl: `${pdfResources}cmaps/`,
    cMapPacked: true,
    iccUrl: `${pdfResources}iccs/`,
    standardFontDataUrl: `${pdfResources}standard_fonts/`,
    wasmUrl: `${pdfResources}wasm/`,
    useSystemFonts: false,
    enableXfa: false,
  });
  return { promise: task.promise, close: () => void task.destroy() };
}
