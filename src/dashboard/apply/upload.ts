import type { Client } from '@urql/preact';
import { onOwnOrigin } from '../documents/load-document.ts';
import { explain, explainProblem } from '../graphql/client.ts';
import { AnnounceUploadDocument } from '../graphql/documents.ts';

const types: Readonly<Record<string, string>> = {
  pdf: 'application/pdf',
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  tif: 'image/tiff',
  tiff: 'image/tiff',
};

/** What the file picker offers. */
export const acceptedFiles = '.pdf,.png,.jpg,.jpeg,.tif,.tiff';

/**
 * Sends one file: its digest is told first, then its bytes go to the URL that the gateway signed for them.
 * @param onProgress told the part that was sent, from 0 to 1
 * @returns the document's id
 * @throws Error that says in plain words what was refused, and why
 */
export async function uploadFile(
  client: Client,
  namespace: string,
  file: File,
  onProgress: (part: number) => void,
  signal: AbortSignal,
): Promise<string> {
  const ending = file.name.slice(file.name.lastIndexOf('.') + 1).toLowerCase();
  const contentType = types[ending];
  if (contentType === undefined) throw new Error('Only PDF, PNG, JPEG and TIFF are taken.');
  if (file.size === 0) throw new Error('The file is empty.');
  const sha256 = await digest(file);
  signal.throwIfAborted();
  const result = await client
    .mutation(AnnounceUploadDocument, {
      input: { namespace, fileName: file.name, contentType, sizeBytes: file.size, sha256 },
    })
    .toPromise();
  if (result.error !== undefined) throw new Error(plain(explain(result.error)));
  const upload = result.data!.createUpload;
  if (upload.__typename === 'Refused') throw new Error(plain(explainProblem(upload)));
  signal.throwIfAborted();
  await send(file, contentType, onOwnOrigin(upload.url), onProgress, signal);
  return upload.documentId;
}

async function digest(file: File): Promise<string> {
  if (globalThis.crypto.subtle === undefined) throw new Error('Documents can only be sent over https.');
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', await file.arrayBuffer()));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** `fetch` does not tell how much of a body has been sent. */
function send(
  file: File,
  contentType: string,
  url: string,
  onProgress: (part: number) => void,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('PUT', url);
    request.setRequestHeader('content-type', contentType);
    request.upload.onprogress = (event) => onProgress(event.loaded / Math.max(1, event.total));
    request.onload = () => {
      if (request.status === 200) resolve();
      else reject(new Error(readRefusal(request.responseText)));
    };
    request.onerror = () => reject(new Error('The connection broke. Try again.'));
    request.onabort = () => reject(signal.reason);
    signal.addEventListener('abort', () => request.abort(), { once: true });
    request.send(file);
  });
}

function readRefusal(text: string): string {
  try {
    const { errors } = JSON.parse(text) as { errors: readonly { message: string }[] };
    return plain(`${errors[0]!.message}.`.replace(/\.\.$/, '.'));
  } catch {
    return 'The gateway refused the file.';
  }
}

/** Without the path of the input, which means nothing to the reader. */
function plain(message: string): string {
  return message.replace(/^[\w.-]+: /, 'It ');
}
