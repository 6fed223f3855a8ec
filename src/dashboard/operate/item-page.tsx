import { useQuery } from '@urql/preact';
import { useState } from 'preact/hooks';
import { useRoute } from 'preact-iso';
import { explain, hasCode } from '../graphql/client.ts';
import type { OneItemQuery } from '../graphql/documents.ts';
import { OneItemDocument } from '../graphql/documents.ts';
import { useRefresh } from '../live/use-refresh.ts';
import { Button } from '../parts/button.tsx';
import { Fact } from '../parts/fact.tsx';
import { JsonView } from '../parts/json-view.tsx';
import { Loading, Notice } from '../parts/notice.tsx';
import { Page } from '../parts/page.tsx';
import { Ago, formatExact } from '../parts/times.tsx';
import { inWords, shortId } from '../parts/words.ts';
import { hasRole, session } from '../session/session.ts';
import { ItemChangeDialog } from './item-change-dialog.tsx';

type Item = NonNullable<OneItemQuery['item']>;

/** One item of the queue: how it stands, why it is not delivered, what it carries, and what happened to it. */
export function ItemPage() {
  const { params } = useRoute();
  const id = params.id ?? '';
  const [asking, setAsking] = useState(false);
  const [{ data, error }, ask] = useQuery({ query: OneItemDocument, variables: { id } });
  useRefresh(ask, { burstMilliseconds: 500, everyMilliseconds: 3_000 });
  const item = data?.item;
  if (item == null) {
    return (
      <Page title="Item">
        {error === undefined ? (
          <Loading rows={6} />
        ) : (
          <Notice title={hasCode(error, 'NOT_FOUND') ? 'There is no such item' : 'The item cannot be shown'} tone="bad">
            {explain(error)}
          </Notice>
        )}
      </Page>
    );
  }
  const mayChange = hasRole(session.get()!, 'producer', 'supervisor', 'operator');
  const waits = item.state === 'READY' || item.state === 'DELAYED';
  return (
    <Page
      title={`Item ${shortId(item.id)}`}
      aside={mayChange && waits && <Button onClick={() => setAsking(true)}>Change …</Button>}
    >
      <ItemFacts item={item} />
      <div class="pair">
        <section class="part">
          <h2>Payload</h2>
          <Payload payload={item.payload} />
        </section>
        <section class="part">
          <h2>Metadata</h2>
          <JsonView value={item.metadata} label="Metadata" />
        </section>
      </div>
      <section class="part">
        <h2>So far</h2>
        <ItemStory item={item} />
      </section>
      {asking && <ItemChangeDialog item={item} onDone={ask} onClose={() => setAsking(false)} />}
    </Page>
  );
}

function ItemFacts({ item }: { readonly item: Item }) {
  return (
    <dl class="facts facts-wide">
      <Fact name="Topic">
        <a href={`/topics/${item.topic}`}>{item.topic}</a>
        {item.originTopic !== null && (
          <>
            {' '}
            from <a href={`/topics/${item.originTopic}`}>{item.originTopic}</a>
          </>
        )}
      </Fact>
      <Fact name="State">
        <span aria-live="polite">
          {inWords(item.state)}
          {item.blockedBy !== null && <span class="muted"> held back by: {inWords(item.blockedBy)}</span>}
        </span>
      </Fact>
      {item.priority !== null && (
        <Fact name="Priority">
          {item.priority}
          {item.effectivePriority !== item.priority && <span class="muted"> aged to {item.effectivePriority}</span>}
        </Fact>
      )}
      {item.attempt !== null && (
        <Fact name="Deliveries">
          {item.attempt}
          {item.maxAttempts !== null && item.maxAttempts > 0 && ` of ${item.maxAttempts}`}
        </Fact>
      )}
      {item.enqueuedAt !== null && (
        <Fact name="Enqueued">
          <Ago at={item.enqueuedAt} /> <span class="muted">by {item.enqueuedBy}</span>
        </Fact>
      )}
      {item.deliverAfter !== null && <Fact name="Not before">{formatExact(item.deliverAfter)}</Fact>}
      {item.leasedBy !== null && (
        <Fact name="Leased">
          by {item.leasedBy}
          {item.leaseExpiresAt !== null && <>, until {formatExact(item.leaseExpiresAt)}</>}
        </Fact>
      )}
      {item.expiresAt !== null && <Fact name="Expires">{formatExact(item.expiresAt)}</Fact>}
      {item.diedAt !== null && <Fact name="Died">{formatExact(item.diedAt)}</Fact>}
      {item.lastReason !== null && <Fact name="Last reason">{item.lastReason}</Fact>}
      {item.uniqueKey !== null && <Fact name="Unique key">{item.uniqueKey}</Fact>}
    </dl>
  );
}

/** As text where it is some, else as it came. */
function Payload({ payload }: { readonly payload: string | null }) {
  if (payload === null) return <p class="muted">None is kept any more.</p>;
  return (
    <section class="json json-wrapped" tabIndex={0} aria-label="Payload">
      {readText(payload) ?? payload}
    </section>
  );
}

function readText(base64: string): string | undefined {
  try {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return /^[{[]/.test(text) ? JSON.stringify(JSON.parse(text), null, 2) : text;
  } catch {
    // Bytes that are no text, or text that only looks like JSON, are shown as Base64.
    return undefined;
  }
}

function ItemStory({ item }: { readonly item: Item }) {
  if (item.events.edges.length === 0) return <p class="muted">Nothing is on record.</p>;
  return (
    <ol class="story">
      {item.events.edges.toReversed().map(({ cursor, node }) => (
        <li key={cursor}>
          <span class="story-what">
            {inWords(node.type)} <span class="muted">by {node.actor}</span>
          </span>
          <span class="muted story-when">
            <Ago at={node.at} />
          </span>
          {node.reason !== null && <p class="story-reason">{node.reason}</p>}
        </li>
      ))}
    </ol>
  );
}
