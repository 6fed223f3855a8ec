import { plural } from '../parts/words.ts';
import { useStore } from '../store.ts';
import { connection } from './connection.ts';

const words = { idle: 'Connecting', live: 'Live', lost: 'Connecting', back: 'Live' } as const;

/** A small sign of how the line for live updates stands. */
export function ConnectionDot() {
  const { kind } = useStore(connection);
  return <div class={`line line-${kind}`}>{words[kind]}</div>;
}

/** Says when the line is lost, and what came when it was back. It takes no room of the page, so nothing jumps. */
export function ConnectionBanner() {
  const state = useStore(connection);
  return (
    <div class="banner-place" role="status" aria-live="polite">
      {state.kind === 'lost' && (
        <div class="banner banner-lost">
          The connection is lost. Trying again; nothing you typed is gone, and what you missed will follow.
        </div>
      )}
      {state.kind === 'back' && (
        <div class="banner banner-back">
          Connected again
          {state.updates === 0 ? '; nothing was missed.' : `; ${plural(state.updates, 'update')} caught up.`}
        </div>
      )}
    </div>
  );
}
