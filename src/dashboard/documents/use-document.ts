import { useClient } from '@urql/preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { loadDocument } from './load-document.ts';

export type LoadedDocument =
  | { readonly kind: 'loading'; readonly part: number }
  | { readonly kind: 'failed'; readonly message: string; readonly retry: () => void }
  | { readonly kind: 'loaded'; readonly blob: Blob };

/** The bytes of the document that is shown. Those of one case are kept while it is open, so going back is at once. */
export function useDocument(caseId: string, documentId: string): LoadedDocument {
  const client = useClient();
  const kept = useRef(new Map<string, Blob>());
  const [state, setState] = useState<LoadedDocument>({ kind: 'loading', part: 0 });
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    const known = kept.current.get(documentId);
    if (known !== undefined) return setState({ kind: 'loaded', blob: known });
    const leaving = new AbortController();
    setState({ kind: 'loading', part: 0 });
    const onProgress = (part: number): void => {
      if (!leaving.signal.aborted) setState({ kind: 'loading', part });
    };
    loadDocument(client, { caseId, documentId }, onProgress, leaving.signal).then(
      (blob) => {
        kept.current.set(documentId, blob);
        if (!leaving.signal.aborted) setState({ kind: 'loaded', blob });
      },
      (error: unknown) => {
        if (leaving.signal.aborted) return;
        const message =
          error instanceof Error && !(error instanceof TypeError) ? error.message : 'It cannot be loaded.';
        setState({ kind: 'failed', message, retry: () => setAttempt((count) => count + 1) });
      },
    );
    return () => leaving.abort();
  }, [documentId, attempt]);
  return state;
}
