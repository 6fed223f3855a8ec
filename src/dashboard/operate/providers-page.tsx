import { useClient } from '@urql/preact';
import { useState } from 'preact/hooks';
import { explain } from '../graphql/client.ts';
import type { ProviderListQuery } from '../graphql/documents.ts';
import { PauseDigestsDocument, ProviderListDocument, ResumeDigestsDocument } from '../graphql/documents.ts';
import { useFilters } from '../live/use-filters.ts';
import { usePages } from '../live/use-pages.ts';
import { useRefresh } from '../live/use-refresh.ts';
import { ActionDialog } from '../parts/action-dialog.tsx';
import { announce } from '../parts/announcer.tsx';
import { Button } from '../parts/button.tsx';
import { ListEnd } from '../parts/list-end.tsx';
import { Page } from '../parts/page.tsx';
import { Ago } from '../parts/times.tsx';
import { plural } from '../parts/words.ts';
import { hasRole, session } from '../session/session.ts';

type Provider = ProviderListQuery['providers']['edges'][number]['node'];

/** Who is asked, when they are told, and whether they are paused. */
export function ProvidersPage() {
  const current = session.get()!;
  const { namespace } = current;
  const { values, set } = useFilters();
  const client = useClient();
  const [asking, setAsking] = useState<Provider>();
  const stopped = values.stopped === 'yes';
  const pages = usePages(ProviderListDocument, { namespace, stopped }, (data) => data.providers);
  useRefresh(pages.refresh, { burstMilliseconds: 500, everyMilliseconds: 15_000 });
  const mayMend = hasRole(current, 'supervisor', 'operator');
  const confirm = async (reason: string): Promise<boolean> => {
    const providerId = asking!.id;
    const { error } =
      asking!.pause === null
        ? await client.mutation(PauseDigestsDocument, { input: { providerId, reason } }).toPromise()
        : await client.mutation(ResumeDigestsDocument, { input: { providerId } }).toPromise();
    if (error !== undefined) {
      announce(explain(error), 'bad');
      return false;
    }
    pages.refresh();
    return true;
  };
  return (
    <Page title="Providers">
      <div class="filters">
        <label class="check">
          <input
            type="checkbox"
            checked={stopped}
            onChange={(event) => set({ stopped: event.currentTarget.checked ? 'yes' : '' })}
          />
          Only those that are paused or bounced
        </label>
      </div>
      {pages.rows !== undefined && pages.rows.length > 0 && (
        <div class="table-place">
          <table class="table">
            <caption class="hidden">Providers</caption>
            <thead>
              <tr>
                <th scope="col">Provider</th>
                <th scope="col">Told</th>
                <th scope="col" class="number">
                  Open requests
                </th>
                <th scope="col">Next digest</th>
                <th scope="col">State</th>
                {mayMend && <th scope="col">Change</th>}
              </tr>
            </thead>
            <tbody>
              {pages.rows.map((provider) => (
                <tr key={provider.id}>
                  <td>
                    <a href={`/digests?recipient=${encodeURIComponent(provider.externalId)}`}>
                      {provider.name ?? provider.externalId}
                    </a>
                    <div class="muted small">{provider.email}</div>
                  </td>
                  <td>
                    {describeWindow(provider.window)}
                    <div class="muted small">
                      {provider.timeZone}
                      {provider.quietHours !== null &&
                        `, quiet ${provider.quietHours.from} to ${provider.quietHours.to}`}
                    </div>
                  </td>
                  <td class="number">{provider.openRequests.toLocaleString()}</td>
                  <td>{provider.nextDigestAt === null ? '–' : <Ago at={provider.nextDigestAt} />}</td>
                  <td>
                    <ProviderState provider={provider} />
                  </td>
                  {mayMend && (
                    <td>
                      <Button onClick={() => setAsking(provider)}>
                        {provider.pause === null ? 'Pause …' : 'Resume …'}
                      </Button>
                    </td>
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <ListEnd pages={pages} empty="There are no providers like that" fault="The providers cannot be shown right now" />
      {asking !== undefined && (
        <ActionDialog
          title={`${asking.pause === null ? 'Pause' : 'Resume'} the digests of ${asking.name ?? asking.externalId}?`}
          confirm={asking.pause === null ? 'Pause' : 'Resume'}
          reasonNeeded={asking.pause === null}
          onConfirm={confirm}
          onClose={() => setAsking(undefined)}
        >
          <p>{asking.pause === null ? 'Requests go on being collected; nothing is sent.' : 'What is due goes out.'}</p>
        </ActionDialog>
      )}
    </Page>
  );
}

function describeWindow({ every, cron }: Provider['window']): string {
  return cron === null ? `every ${inPlainWords(every ?? '–')}` : `cron ${cron}`;
}

/** `PT4H` as "4 hours"; what is put together of several units stays as it is. */
function inPlainWords(duration: string): string {
  const match = /^P(?:(\d+)([DW])|T(\d+)([HM]))$/.exec(duration);
  const units: Readonly<Record<string, string>> = { D: 'day', W: 'week', H: 'hour', M: 'minute' };
  const unit = units[match?.[2] ?? match?.[4] ?? ''];
  return unit === undefined ? duration : plural(Number(match![1] ?? match![3]), unit);
}

function ProviderState({ provider: { pause, bounce } }: { readonly provider: Provider }) {
  if (bounce !== null)
    return <span class="cell-bad">mail bounces{bounce.reason === null ? '' : `: ${bounce.reason}`}</span>;
  if (pause === null) return <span class="muted">open</span>;
  return (
    <>
      <span class="tag tag-warn">paused</span> {pause.reason}
    </>
  );
}
