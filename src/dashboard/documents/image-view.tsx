import { useEffect, useMemo } from 'preact/hooks';
import { useZoom } from './use-zoom.ts';
import { ViewBar } from './view-bar.tsx';

interface ImageViewProps {
  readonly blob: Blob;
  readonly name: string;
  readonly onSave: () => void;
}

/** A picture, with zoom and turning. */
export function ImageView({ blob, name, onSave }: ImageViewProps) {
  const zoom = useZoom();
  const url = useMemo(() => URL.createObjectURL(blob), [blob]);
  useEffect(() => () => URL.revokeObjectURL(url), [url]);
  return (
    <>
      <ViewBar zoom={zoom} onSave={onSave} />
      <section class="paper-place" tabIndex={0} aria-label={name}>
        <img
          class={`picture turn-${zoom.turn}`}
          src={url}
          alt={`Document ${name}`}
          style={{
            width: zoom.factor === 1 ? undefined : `${zoom.factor * 100}%`,
            maxWidth: zoom.factor === 1 ? '100%' : 'none',
          }}
        />
      </section>
    </>
  );
}
