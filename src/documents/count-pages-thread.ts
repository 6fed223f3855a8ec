import { parentPort, workerData } from 'node:worker_threads';
import type { PageCount } from './count-pages.ts';

// The thread of `countPages`: one PDF, one answer.
const { getDocument, PasswordException, VerbosityLevel } = await import('pdfjs-dist/legacy/build/pdf.mjs');
parentPort!.postMessage(await count(workerData as Uint8Array));

async function count(data: Uint8Array): Promise<PageCount> {
  const loading = getDocument({
    data,
    verbosity: VerbosityLevel.ERRORS,
    useWasm: false,
    useSystemFonts: false,
    disableFontFace: true,
    isOffscreenCanvasSupported: false,
    isImageDecoderSupported: false,
  });
  try {
    return { pages: (await loading.promise).numPages };
  } catch (error) {
    return { fault: error instanceof PasswordException ? 'ENCRYPTED' : 'BROKEN' };
  }
}
