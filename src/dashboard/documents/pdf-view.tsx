import type { PDFDocumentProxy } from 'pdfjs-dist';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useKeys } from '../keys/use-keys.ts';
import { Button } from '../parts/button.tsx';
import { Notice } from '../parts/notice.tsx';
import { PdfPage } from './pdf-page.tsx';
import { useWidth } from './use-width.ts';
import { useZoom } from './use-zoom.ts';
import { BarButton, ViewBar } from './view-bar.tsx';

interface PdfViewProps {
  readonly blob: Blob;
  readonly name: string;
  readonly onSave: () => void;
}

type Engine = typeof import('./pdf-engine.ts');
type Opened =
  | { readonly kind: 'opening' }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'open'; readonly engine: Engine; readonly pdf: PDFDocumentProxy };

/** A PDF, all of its pages below each other; pages are drawn when they come into sight. */
export function PdfView({ blob, name, onSave }: PdfViewProps) {
  const opened = usePdf(blob);
  const zoom = useZoom();
  const place = useRef<HTMLElement>(null);
  const width = useWidth(place, opened.kind);
  const [page, setPage] = useState(1);
  const count = opened.kind === 'open' ? opened.pdf.numPages : 0;
  const goTo = (wanted: number): void => {
    const number = Math.min(count, Math.max(1, wanted));
    place.current?.querySelector(`[data-page="${number}"]`)?.scrollIntoView({ block: 'start' });
    setPage(number);
  };
  useKeys({ ArrowRight: () => goTo(page + 1), ArrowLeft: () => goTo(page - 1) });
  if (opened.kind === 'failed') {
    return (
      <Notice title={`${name} cannot be shown`} tone="bad">
        <p>{opened.message}</p>
        <Button onClick={onSave}>Save it</Button>
      </Notice>
    );
  }
  return (
    <>
      <ViewBar zoom={zoom} onSave={onSave}>
        <BarButton label="Page before" shortcut="←" onClick={() => goTo(page - 1)} disabled={page <= 1}>
          ‹
        </BarButton>
        <span class="view-bar-pages" aria-live="polite">
          {count === 0 ? 'Opening …' : `Page ${page} of ${count}`}
        </span>
        <BarButton label="Next page" shortcut="→" onClick={() => goTo(page + 1)} disabled={page >= count}>
          ›
        </BarButton>
      </ViewBar>
      <section class="paper-place" ref={place} tabIndex={0} aria-label={name}>
        {opened.kind === 'open' &&
          width > 0 &&
          Array.from({ length: count }, (_, index) => (
            <PdfPage
              key={index}
              engine={opened.engine}
              pdf={opened.pdf}
              number={index + 1}
              width={width * zoom.factor}
              turn={zoom.turn}
              onInSight={setPage}
            />
          ))}
      </section>
    </>
  );
}

function usePdf(blob: Blob): Opened {
  const [opened, setOpened] = useState<Opened>({ kind: 'opening' });
  useEffect(() => {
    let close: (() => void) | undefined;
    let left = false;
    const open = async (): Promise<void> => {
      const [engine, bytes] = await Promise.all([import('./pdf-engine.ts'), blob.arrayBuffer()]);
      if (left) return;
      const opening = engine.openPdf(bytes);
      close = opening.close;
      const pdf = await opening.promise;
      if (!left) setOpened({ kind: 'open', engine, pdf });
    };
    open().catch((error: unknown) => {
      if (!left) setOpened({ kind: 'failed', message: describe(error) });
    });
    return () => {
      left = true;
      close?.();
    };
  }, [blob]);
  return opened;
}

function describe(error: unknown): string {
  const name = error instanceof Error ? error.name : '';
  if (name === 'PasswordException') return 'It is locked with a password.';
  if (name === 'InvalidPDFException') return 'It is damaged, or no PDF.';
  return 'The viewer could not be loaded, or failed on this document. Save it, and open it with another program.';
}
