import { useQuery } from '@urql/preact';
import { useEffect, useState } from 'preact/hooks';
import { explain } from '../graphql/client.ts';
import type { ShardListQuery } from '../graphql/documents.ts';
import { DrainShardDocument, ShardListDocument } from '../graphql/documents.ts';
import { usePerform } from '../graphql/outcome.ts';
import { ActionDialog } from '../parts/action-dialog.tsx';
import { announce } from '../parts/announcer.tsx';
import { Button } from '../parts/button.tsx';
import { Loading, Notice } from '../parts/notice.tsx';
import { Page } from '../parts/page.tsx';
import { formatExact } from '../parts/times.tsx';
import { Regions } from './regions.tsx';

const lookMilliseconds = 3_000;

type Shard = ShardListQuery['shards'][number];

/** The shards and regions of the whole installation: which answer, what lies on them, where new work goes. */
export function ShardsPage() {
  const perform = usePerform();
  const [asking, setAsking] = useState<Shard>();
  const [{ data, error }, ask] = useQuery({ query: ShardListDocument, variables: {} });
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === 'visible' && ask(), lookMilliseconds);
    return () => clearInterval(timer);
  }, []);
  const confirm = async (reason: string): Promise<string | undefined> => {
    const input = { shard: asking!.number, drained: !asking!.drained, reason };
    const { fault } = await perform(DrainShardDocument, { input }, 'ShardDrained');
    if (fault !== undefined) return fault;
    announce(`Shard ${asking!.number}: ${asking!.drained ? 'open again' : 'drained'}.`, 'good');
    ask();
  };
  return (
    <Page title="Shards and regions">
      {error !== undefined && (
        <Notice title="The shards cannot be brought up to date" tone="bad">
          {explain(error)}
        </Notice>
      )}
      {data === undefined && error === undefined && <Loading rows={4} />}
      {data !== undefined && (
        <>
          <ShardTable shards={data.shards} onChange={setAsking} />
          {data.regions.length > 0 && <Regions regions={data.regions} onChanged={ask} />}
          {data.routeChanges.length > 0 && <Changes changes={data.routeChanges} />}
        </>
      )}
      {asking !== undefined && (
        <ActionDialog
          title={asking.drained ? `Open shard ${asking.number} again?` : `Drain shard ${asking.number}?`}
          confirm={asking.drained ? 'Open it' : 'Drain it'}
          reason="needed"
          onConfirm={confirm}
          onClose={() => setAsking(undefined)}
        >
          <p>
            {asking.drained
              ? 'It takes new work again.'
              : 'It takes nothing new. What lies there is handed out and ended as ever.'}
          </p>
        </ActionDialog>
      )}
    </Page>
  );
}

function ShardTable({
  shards,
  onChange,
}: {
  readonly shards: readonly Shard[];
  readonly onChange: (shard: Shard) => void;
}) {
  return (
    <div class="table-place">
      <table class="table">
        <caption class="hidden">Shards</caption>
        <thead>
          <tr>
            <th scope="col">Shard</th>
            <th scope="col">Region</th>
            <th scope="col">State</th>
            <th scope="col" class="number">
              Open items
            </th>
            <th scope="col">Change</th>
          </tr>
        </thead>
        <tbody>
          {shards.map((shard) => (
            <tr key={shard.number}>
              <td>{shard.number}</td>
              <td>{shard.region ?? '–'}</td>
              <td>
                <span class={`status status-${shard.available ? 'good' : 'bad'}`}>
                  {shard.available ? 'Answers' : 'Does not answer'}
                </span>
                {shard.drained && <span class="tag tag-warn held">drained</span>}
              </td>
              <td class="number">{shard.openItems?.toLocaleString() ?? '–'}</td>
              <td>
                <Button onClick={() => onChange(shard)}>{shard.drained ? 'Open again …' : 'Drain …'}</Button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Changes({ changes }: { readonly changes: ShardListQuery['routeChanges'] }) {
  return (
    <section class="part">
      <h2>Who changed what</h2>
      <ol class="story">
        {changes.map((change) => (
          <li key={`${change.key} ${change.at}`}>
            <span class="story-what">
              {change.key}: {change.value} <span class="muted">by {change.by}</span>
            </span>
            <span class="muted story-when">{formatExact(change.at)}</span>
            {change.reason !== null && <p class="story-reason">{change.reason}</p>}
          </li>
        ))}
      </ol>
    </section>
  );
}
