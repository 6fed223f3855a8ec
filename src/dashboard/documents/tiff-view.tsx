import { useEffect, useState } from 'preact/hooks';
import { Button } from '../parts/button.tsx';
import { Loading, Notice } from '../parts/notice.tsx';
import { PdfView } from './pdf-view.tsx';

interface TiffViewProps {
  readonly blob: Blob;
  readonly name: string;
  readonly onSave: () => void;
}

/** A TIFF, its pages as those of a PDF. What it saves is the TIFF. */
export function TiffView({ blob, name, onSave }: TiffViewProps) {
  const [pdf, setPdf] = useState<Blob | 'unknown'>();
  useEffect(() => {
    let left = false;
    const wrap = async (): Promise<Blob | 'unknown'> => {
      const [{ wrapTiff }, bytes] = await Promise.all([import('./tiff-to-pdf.ts'), blob.arrayBuffer()]);
      const wrapped = wrapTiff(new Uint8Array(bytes));
      return wrapped === undefined ? 'unknown' : new Blob([wrapped], { type: 'application/pdf' });
    };
    wrap().then(
      (found) => !left && setPdf(found),
      () => !left && setPdf('unknown'),
    );
    return () => {
      left = true;
    };
  }, [blob]);
  if (pdf === undefined) return <Loading rows={1} />;
  if (pdf !== 'unknown') return <PdfView blob={pdf} name={name} onSave={onSave} />;
  return (
    <Notice title={`${name} cannot be shown here`}>
      <p>It is damaged, or a rare kind of TIFF. Another program may open it.</p>
      <Button onClick={onSave}>Save it</Button>
    </Notice>
  );
}
