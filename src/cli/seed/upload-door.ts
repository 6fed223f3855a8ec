import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Foundation } from '../../compose.ts';
import type { CreatedUpload } from '../../documents/create-upload.ts';
import { createDocumentRegister } from '../../documents/stored-documents.ts';
import { createTransfer } from '../../documents/transfer.ts';

/** Takes documents as a gateway does, on a port of the loopback interface that only this process knows. */
export interface UploadDoor {
  /** @throws Error with the refusal's own words */
  put(upload: CreatedUpload, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens the way that documents take into the store, with all of its checks. Seeding needs no running gateway then.
 */
export async function openUploadDoor({ shard, blobs, config, log }: Foundation): Promise<UploadDoor> {
  const transfer = createTransfer({ register: createDocumentRegister(shard), blobs, urlSecret: config.urlSecret, log });
  const server = createServer((request, response) => void transfer.handle(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    async put(upload, bytes) {
      const { pathname, search } = new URL(upload.url);
      const answer = await fetch(`http://127.0.0.1:${port}${pathname}${search}`, {
        method: upload.method,
        headers: upload.headers.map(({ name, value }): [string, string] => [name, value]),
        body: bytes,
      });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`A document was refused: ${text}`);
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
