import { useQuery } from '@urql/preact';
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { useRoute } from 'preact-iso';
import { explain } from '../graphql/client.ts';
import type { QueueTopicQuery, TopicPartsFragment } from '../graphql/documents.ts';
import { QueueTopicDocument, TopicFiguresDocument } from '../graphql/documents.ts';
import { useUpdates } from '../live/use-updates.ts';
import { Button } from '../parts/button.tsx';
import { Chart } from '../parts/chart.tsx';
import { Loading, Notice } from '../parts/notice.tsx';
import { Page } from '../parts/page.tsx';
import { Ago, formatExact, formatLength } from '../parts/times.tsx';
import { formatBytes, inWords, shortId } from '../parts/words.ts';
import { hasRole, session } from '../session/session.ts';
import type { TopicAct } from './topic-dialogs.tsx';
import { TopicDialog } from './topic-dialogs.tsx';
import type { TopicPoint } from './topic-history.ts';
import { noteTopic, readTopicHistory } from './topic-history.ts';
import { TopicSettingsDialog } from './topic-settings-dialog.tsx';

const lookMilliseconds = 2_000;

/** One topic of the queue: its counts over time, its settings, the next items, and what can be done. */
export function TopicPage() {
  const current = session.get()!;
  const { namespace } = current;
  const { params } = useRoute();
  const name = params.name ?? '';
  const [{ data, error }, ask] = useQuery({ query: QueueTopicDocument, variables: { namespace, name } });
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === 'visible' && ask(), lookMilliseconds);
    return () => clearInterval(timer);
  }, [name]);
  const topic = data?.topic;
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
  return <TopicView key={name} topic={topic} items={data!.peek} onChanged={ask} />;
}

interface TopicViewProps {
  readonly topic: TopicPartsFragment;
  readonly items: QueueTopicQuery['peek'];
  readonly onChanged: () => void;
}

function TopicView({ topic, items, onChanged }: TopicViewProps) {
  const current = session.get()!;
  const { namespace } = current;
  const [asking, setAsking] = useState<TopicAct | 'settings'>();
  const [latest, setLatest] = useState<TopicPoint>();
  useUpdates(TopicFiguresDocument, { namespace, topic: topic.name }, ({ topicStats }) => {
    noteTopic(namespace, topic.name, topicStats);
    setLatest(topicStats);
  });
  const mayMend = hasRole(current, 'supervisor', 'operator');
  const counts = latest ?? topic.counts;
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
            {topic.pause.by !== null && <>by {topic.pause.by} </>}
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
        {latest !== undefined && (
          <Figure
            name="In and out a second"
            value={`${formatRate(latest.enqueuedPerSecond)} / ${formatRate(latest.ackedPerSecond)}`}
          />
        )}
      </dl>
      <TopicCharts namespace={namespace} name={topic.name} />
      <section class="part">
        <h2>Next items</h2>
        <Items items={items} />
      </section>
      <section class="part">
        <h2 class="part-head">
          Settings
          {mayMend && <Button onClick={() => setAsking('settings')}>Change …</Button>}
        </h2>
        <Settings topic={topic} />
      </section>
      {asking === 'settings' && (
        <TopicSettingsDialog
          namespace={namespace}
          topic={topic}
          onDone={onChanged}
          onClose={() => setAsking(undefined)}
        />
      )}
      {asking !== undefined && asking !== 'settings' && (
        <TopicDialog
          act={asking}
          namespace={namespace}
          topic={topic.name}
          onDone={onChanged}
          onClose={() => setAsking(undefined)}
        />
      )}
    </Page>
  );
}

function TopicCharts({ namespace, name }: { readonly namespace: string; readonly name: string }) {
  const points = readTopicHistory(namespace, name);
  const times = points.map(({ at }) => Date.parse(at) / 1_000);
  const read = (key: Exclude<keyof TopicPoint, 'at'>) => points.map((point) => point[key]);
  return (
    <div class="pair">
      <section class="part">
        <h2>Items</h2>
        <Chart
          label={`Items of ${name} since this window was opened`}
          times={times}
          lines={[
            { name: 'Ready', colour: '--accent', values: read('ready') },
            { name: 'Leased', colour: '--good', values: read('leased') },
            { name: 'Delayed', colour: '--muted', values: read('delayed') },
            { name: 'Dead', colour: '--bad', values: read('dead') },
          ]}
        />
      </section>
      <section class="part">
        <h2>A second</h2>
        <Chart
          label={`What happens on ${name} in a second`}
          times={times}
          lines={[
            { name: 'Enqueued', colour: '--accent', values: read('enqueuedPerSecond') },
            { name: 'Delivered', colour: '--warn-line', values: read('deliveredPerSecond') },
            { name: 'Acked', colour: '--good', values: read('ackedPerSecond') },
            { name: 'Nacked', colour: '--bad', values: read('nackedPerSecond') },
          ]}
        />
      </section>
    </div>
  );
}

function formatRate(perSecond: number): string {
  return perSecond >= 10 ? Math.round(perSecond).toLocaleString() : perSecond.toFixed(1);
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
              <td class="mono">
                <a href={`/items/${item.id}`} title={item.id}>
                  {shortId(item.id)}
                </a>
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
      <Setting name="After a nack">{describeBackoff(topic.backoff)}</Setting>
      <Setting name="Ageing">
        {topic.ageingSeconds === null ? 'none' : `one priority in ${formatLength(topic.ageingSeconds)}`}
      </Setting>
      <Setting name="Payload">{formatBytes(topic.payloadBytesMax)}</Setting>
      <Setting name="Dead letters">
        {topic.deadLetterTopic === null ? (
          '–'
        ) : (
          <a href={`/topics/${topic.deadLetterTopic}`}>{topic.deadLetterTopic}</a>
        )}
      </Setting>
      <Setting name="Shards">{topic.shards}</Setting>
      <Setting name="History">{topic.history ? 'of every item' : 'of what goes wrong'}</Setting>
    </dl>
  );
}

function describeBackoff(backoff: TopicPartsFragment['backoff']): string {
  if (backoff === null) return 'again at once';
  const { firstSeconds, factor, capSeconds } = backoff;
  return `again after ${formatLength(firstSeconds)}, each time ${factor} times longer, ${formatLength(capSeconds)} at most`;
}

function Setting({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
