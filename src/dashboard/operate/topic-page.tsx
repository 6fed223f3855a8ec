import { useQuery } from '@urql/preact';
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { useRoute } from 'preact-iso';
import { explain } from '../graphql/client.ts';
import type { QueueTopicQuery, TopicPartsFragment } from '../graphql/documents.ts';
import { QueueTopicDocument } from '../graphql/documents.ts';
import { Button } from '../parts/button.tsx';
import { Chart } from '../parts/chart.tsx';
import { Loading, Notice } from '../parts/notice.tsx';
import { Page } from '../parts/page.tsx';
import { Ago, formatExact, formatLength } from '../parts/times.tsx';
import { inWords, shortId } from '../parts/words.ts';
import { hasRole, session } from '../session/session.ts';
import type { TopicAct } from './topic-dialogs.tsx';
import { TopicDialog } from './topic-dialogs.tsx';
import { noteTopics, readTopicHistory } from './topic-history.ts';

const lookMilliseconds = 2_000;

/** One topic of the queue: its counts over time, its settings, the next items, and what can be done. */
export function TopicPage() {
  const current = session.get()!;
  const { namespace } = current;
  const { params } = useRoute();
  const name = params.name ?? '';
  const [asking, setAsking] = useState<TopicAct>();
  const [{ data, error }, ask] = useQuery({ query: QueueTopicDocument, variables: { namespace, name } });
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === 'visible' && ask(), lookMilliseconds);
    return () => clearInterval(timer);
  }, [name]);
  const topic = data?.topic;
  useEffect(() => {
    if (topic != null) noteTopics(namespace, [topic]);
  }, [topic]);
  if (topic == null) {
    return (
      <Page title={name}>
        {data === undefined && error === undefined ? (
          <Loading rows={6} />
        ) : (
          <Notice title="There is no such topic" tone="bad">
            {error !== undefined && explain(error)}
          </Notice>
        )}
      </Page>
    );
  }
  const mayMend = hasRole(current, 'supervisor', 'operator');
  const { counts } = topic;
  return (
    <Page
      title={topic.name}
      aside={
        mayMend && (
          <>
            <Button onClick={() => setAsking('purge')}>Purge …</Button>
            <Button onClick={() => setAsking('redrive')} disabled={counts.dead === 0}>
              Redrive dead letters …
            </Button>
            <Button look="main" onClick={() => setAsking(topic.pause === null ? 'pause' : 'resume')}>
              {topic.pause === null ? 'Pause …' : 'Resume …'}
            </Button>
          </>
        )
      }
    >
      {topic.pause !== null && (
        <p class="control control-paused" role="status">
          <strong>Paused</strong>
          <span>
            <Ago at={topic.pause.since} />
            {topic.pause.until !== null && <>, until {formatExact(topic.pause.until)}</>}
            {topic.pause.reason !== null && <>: {topic.pause.reason}</>}
          </span>
        </p>
      )}
      <dl class="figures">
        <Figure name="Ready" value={counts.ready.toLocaleString()} />
        <Figure name="Leased" value={counts.leased.toLocaleString()} />
        <Figure name="Delayed" value={counts.delayed.toLocaleString()} />
        <Figure name="Dead letters" value={counts.dead.toLocaleString()} />
        <Figure
          name="Oldest ready"
          value={counts.oldestReadySeconds === null ? '–' : formatLength(counts.oldestReadySeconds)}
        />
      </dl>
      <TopicChart namespace={namespace} name={topic.name} />
      <section class="part">
        <h2>Next items</h2>
        <Items items={data!.peek} />
      </section>
      <section class="part">
        <h2>Settings</h2>
        <Settings topic={topic} />
      </section>
      {asking !== undefined && (
        <TopicDialog
          act={asking}
          namespace={namespace}
          topic={topic.name}
          onDone={ask}
          onClose={() => setAsking(undefined)}
        />
      )}
    </Page>
  );
}

function TopicChart({ namespace, name }: { readonly namespace: string; readonly name: string }) {
  const points = readTopicHistory(namespace, name);
  return (
    <section class="part">
      <Chart
        label={`Items of ${name} since this window was opened`}
        times={points.map(({ at }) => at)}
        lines={[
          { name: 'Ready', colour: '--accent', values: points.map(({ ready }) => ready) },
          { name: 'Leased', colour: '--good', values: points.map(({ leased }) => leased) },
          { name: 'Delayed', colour: '--muted', values: points.map(({ delayed }) => delayed) },
          { name: 'Dead', colour: '--bad', values: points.map(({ dead }) => dead) },
        ]}
      />
    </section>
  );
}

function Figure({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Items({ items }: { readonly items: QueueTopicQuery['peek'] }) {
  if (items.length === 0) return <p class="muted">Nothing lies here.</p>;
  return (
    <div class="table-place">
      <table class="table">
        <caption class="hidden">The next items</caption>
        <thead>
          <tr>
            <th scope="col">Item</th>
            <th scope="col">State</th>
            <th scope="col" class="number">
              Priority
            </th>
            <th scope="col" class="number">
              Delivery
            </th>
            <th scope="col">Enqueued</th>
            <th scope="col">Why not now</th>
            <th scope="col">Last reason</th>
          </tr>
        </thead>
        <tbody>
          {items.map((item) => (
            <tr key={item.id}>
              <td class="mono" title={item.id}>
                {shortId(item.id)}
              </td>
              <td>
                {inWords(item.state)}
                {item.originTopic !== null && <span class="muted"> from {item.originTopic}</span>}
              </td>
              <td class="number">{item.priority}</td>
              <td class="number">
                {item.attempt}
                {item.maxAttempts !== null && item.maxAttempts > 0 && ` of ${item.maxAttempts}`}
              </td>
              <td>
                {item.enqueuedAt !== null && <Ago at={item.enqueuedAt} />}{' '}
                <span class="muted">{item.enqueuedBy !== null && `by ${item.enqueuedBy}`}</span>
              </td>
              <td class="muted">{item.blockedBy === null ? '' : inWords(item.blockedBy)}</td>
              <td class="cell-error">{item.lastReason ?? ''}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Settings({ topic }: { readonly topic: TopicPartsFragment }) {
  const limit = (value: number | null, unit = ''): string =>
    value === null || value === 0 ? 'any number' : `${value.toLocaleString()}${unit}`;
  return (
    <dl class="facts facts-wide">
      <Setting name="Lease">{formatLength(topic.leaseSeconds)}</Setting>
      <Setting name="Attempts">{limit(topic.maxAttempts)}</Setting>
      <Setting name="Time to live">{topic.ttlSeconds === null ? 'for ever' : formatLength(topic.ttlSeconds)}</Setting>
      <Setting name="Depth">{limit(topic.maxDepth)}</Setting>
      <Setting name="In flight">{limit(topic.maxInFlight)}</Setting>
      <Setting name="Enqueued">{limit(topic.enqueuesPerSecond, ' a second')}</Setting>
      <Setting name="Dead letters">{topic.deadLetterTopic ?? '–'}</Setting>
      <Setting name="Shards">{topic.shards}</Setting>
      <Setting name="History">{topic.history ? 'of every item' : 'of what goes wrong'}</Setting>
    </dl>
  );
}

function Setting({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
