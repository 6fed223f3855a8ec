import { useState } from 'preact/hooks';
import { ProviderListDocument } from '../graphql/documents.ts';
import { useFilters } from '../live/use-filters.ts';
import { usePages } from '../live/use-pages.ts';
import { useRefresh } from '../live/use-refresh.ts';
import { Button } from '../parts/button.tsx';
import { ListEnd } from '../parts/list-end.tsx';
import { Page } from '../parts/page.tsx';
import { Ago } from '../parts/times.tsx';
import { hasRole, session } from '../session/session.ts';
import { FilterCheck } from './filter-parts.tsx';
import type { Recipient } from './recipient-parts.tsx';
import { isStopped, nameOf, RecipientDialog, RecipientState, Rhythm } from './recipient-parts.tsx';

/** Who is asked, when they are told, and whether they are paused. */
export function ProvidersPage() {
  const current = session.get()!;
  const { namespace } = current;
  const { values, set } = useFilters();
  const [asking, setAsking] = useState<Recipient>();
  const stopped = values.stopped === 'yes';
  const pages = usePages(ProviderListDocument, { namespace, stopped }, (data) => data.providers);
  useRefresh(pages.refresh, { burstMilliseconds: 500, everyMilliseconds: 15_000 });
  const mayMend = hasRole(current, 'supervisor', 'operator');
  return (
    <Page title="Providers">
      <div class="filters">
        <FilterCheck
          name="Only those that are paused or bounced"
          checked={stopped}
          onChange={(checked) => set({ stopped: checked ? 'yes' : '' })}
        />
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
                  <td class="cell-name">
                    <a href={`/digests?recipient=${encodeURIComponent(provider.externalId)}`}>{nameOf(provider)}</a>
                    <div class="muted small">{provider.email}</div>
                  </td>
                  <td>
                    <Rhythm recipient={provider} />
                  </td>
                  <td class="number">
                    <a class="quiet-link" href={`/requests?provider=${encodeURIComponent(provider.externalId)}`}>
                      {provider.openRequests.toLocaleString()}
                    </a>
                  </td>
                  <td>{provider.nextDigestAt === null ? '–' : <Ago at={provider.nextDigestAt} />}</td>
                  <td>
                    <RecipientState recipient={provider} />
                  </td>
                  {mayMend && (
                    <td>
                      <Button onClick={() => setAsking(provider)} label={describeAct(provider)}>
                        {isStopped(provider) ? 'Resume …' : 'Pause …'}
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
        <RecipientDialog recipient={asking} onDone={pages.refresh} onClose={() => setAsking(undefined)} />
      )}
    </Page>
  );
}

export function describeAct(recipient: Recipient): string {
  return `${isStopped(recipient) ? 'Resume' : 'Pause'} ${nameOf(recipient)} …`;
}
