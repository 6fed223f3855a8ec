import type { PDFDocumentProxy, PDFPageProxy } from 'pdfjs-dist';
import { useEffect, useRef, useState } from 'preact/hooks';

interface PdfPageProps {
  readonly engine: typeof import('./pdf-engine.ts');
  readonly pdf: PDFDocumentProxy;
  readonly number: number;
  /** CSS pixels. */
  readonly width: number;
  readonly turn: number;
  readonly onInSight: (number: number) => void;
}

/** Pages this near to what is seen are drawn ahead. */
const aheadMargin = '600px 0px';
const pixelRatioMax = 2;
const a4Ratio = Math.SQRT2;

/** One page: its picture, and its text above it for selecting and for screen readers. */
export function PdfPage({ engine, pdf, number, width, turn, onInSight }: PdfPageProps) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const text = useRef<HTMLDivElement>(null);
  const [near, setNear] = useState(false);
  const [page, setPage] = useState<PDFPageProxy>();
  const [failed, setFailed] = useState(false);
  useSight(box, setNear, () => onInSight(number));
  useEffect(() => {
    let left = false;
    if (near && page === undefined) {
      pdf.getPage(number).then(
        (found) => !left && setPage(found),
        () => !left && setFailed(true),
      );
    }
    return () => {
      left = true;
    };
  }, [near]);
  const rotation = page === undefined ? turn : (page.rotate + turn) % 360;
  const natural = page?.getViewport({ scale: 1, rotation });
  const scale = natural === undefined ? 1 : width / natural.width;
  const height = natural === undefined ? width * a4Ratio : natural.height * scale;
  useEffect(() => {
    if (page === undefined || !near || canvas.current === null || text.current === null) return;
    const viewport = page.getViewport({ scale, rotation });
    const ratio = Math.min(window.devicePixelRatio, pixelRatioMax);
    canvas.current.width = Math.floor(viewport.width * ratio);
    canvas.current.height = Math.floor(viewport.height * ratio);
    const drawing = page.render({
      canvas: canvas.current,
      viewport,
      transform: ratio === 1 ? undefined : [ratio, 0, 0, ratio, 0, 0],
    });
    text.current.replaceChildren();
    const layer = new engine.TextLayer({
      textContentSource: page.streamTextContent(),
      container: text.current,
      viewport,
    });
    const onFailure = (error: unknown): void => {
      // Both are broken off when the page is drawn anew, which is no fault.
      if (!(error instanceof Error && /Cancel|Abort/.test(error.name))) setFailed(true);
    };
    drawing.promise.catch(onFailure);
    layer.render().catch(onFailure);
    return () => {
      drawing.cancel();
      layer.cancel();
    };
  }, [page, near, scale, rotation]);
  return (
    <div
      ref={box}
      class="paper"
      data-page={number}
      style={{ width: `${width}px`, height: `${height}px`, '--total-scale-factor': String(scale) }}
    >
      {near && <canvas ref={canvas} class="paper-picture" aria-hidden="true" />}
      {near && <div ref={text} class="textLayer" />}
      {failed && <p class="paper-fault">Page {number} could not be drawn in full.</p>}
    </div>
  );
}

function useSight(
  box: { readonly current: HTMLElement | null },
  setNear: (near: boolean) => void,
  onInSight: () => void,
): void {
  const latest = useRef(onInSight);
  latest.current = onInSight;
  useEffect(() => {
    const element = box.current!;
    const root = element.parentElement;
    const ahead = new IntersectionObserver(([entry]) => setNear(entry!.isIntersecting), {
      root,
      rootMargin: aheadMargin,
    });
    // A line in the upper third: the page that crosses it is the one that is read.
    const reading = new IntersectionObserver(([entry]) => entry!.isIntersecting && latest.current(), {
      root,
      rootMargin: '-30% 0px -70% 0px',
    });
    ahead.observe(element);
    reading.observe(element);
    return () => {
      ahead.disconnect();
      reading.disconnect();
    };
  }, []);
}
