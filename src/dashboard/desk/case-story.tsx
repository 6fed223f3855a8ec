import type { WholeCaseFragment } from '../graphql/documents.ts';
import { Ago } from '../parts/times.tsx';
import { inWords } from '../parts/words.ts';

/** What happened to a case so far, the last first. */
export function CaseStory({ found }: { readonly found: WholeCaseFragment }) {
  const events = found.events.edges.map(({ node, cursor }) => ({ ...node, cursor })).reverse();
  return (
    <ol class="story">
      {events.map((event) => (
        <li key={event.cursor}>
          <span class="story-what">
            {inWords(event.type)}
            {event.actor !== null && <span class="muted"> by {event.actor}</span>}
          </span>
          <span class="muted story-when">
            <Ago at={event.at} />
          </span>
          {event.reason !== null && <p class="story-reason">{event.reason}</p>}
        </li>
      ))}
    </ol>
  );
}
