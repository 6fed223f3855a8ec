import { useClient } from '@urql/preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { uploadFile } from './upload.ts';

/** As many as a case may have. */
const filesMax = 20;

/** A document that has arrived. */
export interface SentUpload {
  readonly id: string;
  readonly fileName: string;
  readonly sizeBytes: number;
  readonly kind: string;
  readonly documentId: string;
}

export interface Upload {
  readonly id: string;
  readonly fileName: string;
  readonly sizeBytes: number;
  /** Missing where it was sent before a reload: then it is not needed any more. */
  readonly file: File | undefined;
  readonly kind: string;
  readonly state:
    | { readonly kind: 'sending'; readonly part: number }
    | { readonly kind: 'sent'; readonly documentId: string }
    | { readonly kind: 'refused'; readonly message: string };
}

export interface Uploads {
  readonly list: readonly Upload[];
  /** How many of those given did not fit any more. */
  add(files: readonly File[]): number;
  retry(id: string): void;
  remove(id: string): void;
  setKind(id: string, kind: string): void;
}

/**
 * The documents of a case that is being registered; each is sent as soon as it is chosen.
 * @param before what had arrived before a reload
 */
export function useUploads(namespace: string, before: readonly SentUpload[]): Uploads {
  const client = useClient();
  const [list, setList] = useState<readonly Upload[]>(() =>
    before.map(({ documentId, ...sent }) => ({ ...sent, file: undefined, state: { kind: 'sent', documentId } })),
  );
  const sending = useRef(new Map<string, AbortController>());
  useEffect(
    () => () => {
      for (const controller of sending.current.values()) controller.abort();
    },
    [],
  );
  const change = (id: string, part: Partial<Upload>): void =>
    setList((now) => now.map((upload) => (upload.id === id ? { ...upload, ...part } : upload)));
  const start = ({ id, file }: Upload): void => {
    if (file === undefined) return;
    const controller = new AbortController();
    sending.current.set(id, controller);
    change(id, { state: { kind: 'sending', part: 0 } });
    const onProgress = (part: number): void => change(id, { state: { kind: 'sending', part } });
    uploadFile(client, namespace, file, onProgress, controller.signal).then(
      (documentId) => change(id, { state: { kind: 'sent', documentId } }),
      (error: unknown) => {
        if (controller.signal.aborted) return;
        change(id, { state: { kind: 'refused', message: error instanceof Error ? error.message : String(error) } });
      },
    );
  };
  return {
    list,
    add(files) {
      const taken = files.slice(0, Math.max(0, filesMax - list.length)).map<Upload>((file) => ({
        id: crypto.randomUUID(),
        fileName: file.name,
        sizeBytes: file.size,
        file,
        kind: guessKind(file.name),
        state: { kind: 'sending', part: 0 },
      }));
      setList((now) => [...now, ...taken]);
      for (const upload of taken) start(upload);
      return files.length - taken.length;
    },
    retry(id) {
      const upload = list.find((one) => one.id === id);
      if (upload !== undefined) start(upload);
    },
    remove(id) {
      sending.current.get(id)?.abort();
      sending.current.delete(id);
      setList((now) => now.filter((upload) => upload.id !== id));
    },
    setKind: (id, kind) => change(id, { kind }),
  };
}

export const documentKinds: readonly string[] = [
  'passport',
  'register-extract',
  'proof-of-address',
  'statement',
  'other',
];

function guessKind(name: string): string {
  return documentKinds.find((kind) => name.toLowerCase().includes(kind.split('-')[0]!)) ?? 'other';
}
