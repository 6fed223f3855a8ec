import { useQuery } from '@urql/preact';
import { useEffect } from 'preact/hooks';
import { explain } from '../graphql/client.ts';
import type { TopicPartsFragment } from '../graphql/documents.ts';
import { QueueTopicsDocument } from '../graphql/documents.ts';
import { Loading, Notice } from '../parts/notice.tsx';
import { Page } from '../parts/page.tsx';
import { formatLength } from '../parts/times.tsx';
import { session } from '../session/session.ts';
import { NamespaceLimits } from './namespace-limits.tsx';

const lookMilliseconds = 2_000;

/** The topics of the priority queue with what lies on them. */
export function TopicsPage() {
  const { namespace } = session.get()!;
  const [{ data, error }, ask] = useQuery({ query: QueueTopicsDocument, variables: { namespace } });
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === 'visible' && ask(), lookMilliseconds);
    return () => clearInterval(timer);
  }, []);
  return (
    <Page title="Queue topics">
      {error !== undefined && (
        <Notice title="The topics cannot be brought up to date" tone="bad">
          {explain(error)}
        </Notice>
      )}
      {data === undefined && error === undefined && <Loading rows={5} />}
      {data?.topics.length === 0 && (
        <Notice title="There are no topics yet">
          A topic comes into being with the first item that is enqueued in it.
        </Notice>
      )}
      {data !== undefined && <NamespaceLimits namespace={namespace} limits={data.namespaceLimits} onChanged={ask} />}
      {data !== undefined && data.topics.length > 0 && (
        <div class="table-place">
          <table class="table">
            <caption class="hidden">Topics</caption>
            <thead>
              <tr>
                <th scope="col">Topic</th>
                <th scope="col" class="number">
                  Ready
                </th>
                <th scope="col" class="number">
                  Leased
                </th>
                <th scope="col" class="number">
                  Delayed
                </th>
                <th scope="col" class="number">
                  Dead
                </th>
                <th scope="col" class="number">
                  Oldest ready
                </th>
                <th scope="col">State</th>
              </tr>
            </thead>
            <tbody>
              {data.topics.map((topic) => (
                <TopicRow key={topic.name} topic={topic} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Page>
  );
}

function TopicRow({ topic }: { readonly topic: TopicPartsFragment }) {
  const { counts, pause } = topic;
  return (
    <tr>
      <td class="cell-name">
        <a href={`/topics/${topic.name}`}>{topic.name}</a>
      </td>
      <td class="number">{counts.ready.toLocaleString()}</td>
      <td class="number">{counts.leased.toLocaleString()}</td>
      <td class="number">{counts.delayed.toLocaleString()}</td>
      <td class={counts.dead > 0 ? 'number cell-bad' : 'number'}>{counts.dead.toLocaleString()}</td>
      <td class="number">{counts.oldestReadySeconds === null ? '–' : formatLength(counts.oldestReadySeconds)}</td>
      <td>{pause === null ? <span class="muted">open</span> : <span class="tag tag-warn">paused</span>}</td>
    </tr>
  );
}
