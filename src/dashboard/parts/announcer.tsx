import { createStore, useStore } from '../store.ts';

export type Tone = 'plain' | 'good' | 'bad';

interface Announcement {
  readonly id: number;
  readonly text: string;
  readonly tone: Tone;
}

const shownMilliseconds = 5_000;
const announcement = createStore<Announcement | undefined>(undefined);
let last = 0;

/** Says something for a while, to eyes and to screen readers. */
export function announce(text: string, tone: Tone = 'plain'): void {
  last += 1;
  const id = last;
  announcement.set({ id, text, tone });
  setTimeout(() => {
    if (announcement.get()?.id === id) announcement.set(undefined);
  }, shownMilliseconds);
}

/** The region where announcements appear; it is always there, so that screen readers follow it. */
export function Announcer() {
  const current = useStore(announcement);
  return (
    <div class="announcer" role="status" aria-live="polite">
      {current !== undefined && (
        <div key={current.id} class={`toast toast-${current.tone}`}>
          {current.text}
        </div>
      )}
    </div>
  );
}
