import { Ago } from '../parts/times.tsx';

interface Change {
  readonly action: string;
  readonly actor: string;
  readonly reason: string | null;
  readonly at: string;
  /** What it was done to, where that is not said by the page. */
  readonly about?: string;
}

/** Who changed something, when and why; the last first. */
export function ChangeStory({ changes }: { readonly changes: readonly Change[] }) {
  if (changes.length === 0) return <p class="muted">Nobody has changed anything yet.</p>;
  return (
    <ol class="story">
      {changes.map((change) => (
        <li key={`${change.at} ${change.about ?? ''} ${change.action}`}>
          <span class="story-what">
            {change.about !== undefined && <strong>{change.about}: </strong>}
            {change.action} <span class="muted">by {change.actor}</span>
          </span>
          <span class="muted story-when">
            <Ago at={change.at} />
          </span>
          {change.reason !== null && <p class="story-reason">{change.reason}</p>}
        </li>
      ))}
    </ol>
  );
}
