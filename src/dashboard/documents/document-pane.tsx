import { useEffect, useRef, useState } from 'preact/hooks';
import type { CheckPartsFragment, DocumentPartsFragment } from '../graphql/documents.ts';
import { useKeys } from '../keys/use-keys.ts';
import { Button } from '../parts/button.tsx';
import { Notice } from '../parts/notice.tsx';
import { formatBytes, inWords } from '../parts/words.ts';
import { DocumentCheckLine, describeDoubt } from './document-check.tsx';
import { ImageView } from './image-view.tsx';
import { PdfView } from './pdf-view.tsx';
import { saveBlob } from './save-blob.ts';
import { TiffView } from './tiff-view.tsx';
import { useDocument } from './use-document.ts';

/** With what its check found, for those who may see it. */
export type ShownDocument = DocumentPartsFragment & Partial<CheckPartsFragment>;

/** With so many the tabs do not show at a glance which one it is. */
const countedFrom = 3;

interface DocumentPaneProps {
  readonly caseId: string;
  readonly documents: readonly ShownDocument[];
}

/** The documents of a case, one at a time, shown in place. */
export function DocumentPane({ caseId, documents }: DocumentPaneProps) {
  const [index, setIndex] = useState(0);
  const tabs = useRef<HTMLDivElement>(null);
  const go = (step: number): void => setIndex(Math.min(documents.length - 1, Math.max(0, index + step)));
  useKeys({ j: () => go(1), k: () => go(-1) });
  const shown = documents[index];
  useEffect(() => {
    tabs.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [index]);
  if (shown === undefined) {
    return (
      <section class="documents documents-none" aria-label="Documents">
        <Notice title="No documents">This case was registered without any.</Notice>
      </section>
    );
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    event.stopPropagation();
    go(step);
    const next = Math.min(documents.length - 1, Math.max(0, index + step));
    tabs.current?.querySelectorAll<HTMLElement>('[role=tab]')[next]?.focus();
  };
  return (
    <section class="documents" aria-label="Documents">
      <div class="tabs-place">
        {documents.length > countedFrom && (
          <span class="tabs-count" aria-hidden="true">
            {index + 1} of {documents.length}
          </span>
        )}
        <div class="tabs" role="tablist" aria-label="Documents" ref={tabs} onKeyDown={onKeyDown}>
          {documents.map((document, place) => (
            <button
              key={document.id}
              type="button"
              role="tab"
              class="tab"
              aria-selected={place === index}
              aria-controls="document-shown"
              tabIndex={place === index ? 0 : -1}
              onClick={() => setIndex(place)}
            >
              <span class="tab-kind">
                {inWords(document.kind)}
                {describeDoubt(document.check) !== undefined && (
                  <span class="tag tag-bad">{describeDoubt(document.check)}</span>
                )}
              </span>
              <span class="tab-file">
                {document.fileName} · {formatBytes(document.sizeBytes)}
              </span>
            </button>
          ))}
        </div>
      </div>
      <div id="document-shown" class="document" role="tabpanel" aria-label={inWords(shown.kind)}>
        <DocumentCheckLine check={shown.check} />
        <DocumentView caseId={caseId} shown={shown} />
      </div>
    </section>
  );
}

function DocumentView({ caseId, shown }: { readonly caseId: string; readonly shown: DocumentPartsFragment }) {
  const loaded = useDocument(caseId, shown.id);
  if (loaded.kind === 'loading') {
    return (
      <div class="document-wait" role="status">
        <progress value={loaded.part} max={1} aria-label={`Loading ${shown.fileName}`} />
      </div>
    );
  }
  if (loaded.kind === 'failed') {
    return (
      <Notice title={`${shown.fileName} cannot be shown`} tone="bad">
        <p>{loaded.message}</p>
        <Button onClick={loaded.retry}>Try again</Button>
      </Notice>
    );
  }
  const save = (): void => saveBlob(loaded.blob, shown.fileName);
  if (shown.contentType === 'application/pdf')
    return <PdfView key={shown.id} blob={loaded.blob} name={shown.fileName} onSave={save} />;
  if (shown.contentType === 'image/png' || shown.contentType === 'image/jpeg') {
    return <ImageView key={shown.id} blob={loaded.blob} name={shown.fileName} onSave={save} />;
  }
  return <TiffView key={shown.id} blob={loaded.blob} name={shown.fileName} onSave={save} />;
}
