import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Button } from '../parts/button.tsx';
import { Notice } from '../parts/notice.tsx';
import { useWidth } from './use-width.ts';
import type { Zoom } from './use-zoom.ts';
import { useZoom } from './use-zoom.ts';
import { ViewBar } from './view-bar.tsx';

interface ImageViewProps {
  readonly blob: Blob;
  readonly name: string;
  readonly onSave: () => void;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** A picture, with zoom and turning. */
export function ImageView({ blob, name, onSave }: ImageViewProps) {
  const zoom = useZoom();
  const url = useMemo(() => URL.createObjectURL(blob), [blob]);
  const place = useRef<HTMLElement>(null);
  const room = useWidth(place, url);
  const [natural, setNatural] = useState<Size | 'broken'>();
  useEffect(() => () => URL.revokeObjectURL(url), [url]);
  if (natural === 'broken') {
    return (
      <Notice title={`${name} cannot be shown`} tone="bad">
        <p>It is damaged.</p>
        <Button onClick={onSave}>Save it</Button>
      </Notice>
    );
  }
  const size = natural === undefined || room === 0 ? undefined : measure(natural, room, zoom);
  const lies = zoom.turn % 180 !== 0;
  return (
    <>
      <ViewBar zoom={zoom} onSave={onSave} />
      <section class="paper-place" ref={place} tabIndex={0} aria-label={name}>
        <div
          class="picture-place"
          style={
            size && { width: `${lies ? size.height : size.width}px`, height: `${lies ? size.width : size.height}px` }
          }
        >
          <img
            class={`picture turn-${zoom.turn}`}
            src={url}
            alt={`Document ${name}`}
            style={size && { width: `${size.width}px`, height: `${size.height}px` }}
            onLoad={({ currentTarget }) =>
              setNatural({ width: currentTarget.naturalWidth, height: currentTarget.naturalHeight })
            }
            onError={() => setNatural('broken')}
          />
        </div>
      </section>
    </>
  );
}

/** How large it is drawn before it is turned: never larger than it is at 100 %, and in all of the room above that. */
function measure(natural: Size, room: number, { factor, turn }: Zoom): Size {
  const across = turn % 180 === 0 ? natural.width : natural.height;
  const base = Math.min(1, room / across);
  const scale = factor === 1 ? base : Math.max(base, factor > 1 ? room / across : 0) * factor;
  return { width: natural.width * scale, height: natural.height * scale };
}
