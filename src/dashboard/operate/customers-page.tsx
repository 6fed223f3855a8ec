import { useState } from 'preact/hooks';
import { CustomerListDocument } from '../graphql/documents.ts';
import { useFilters } from '../live/use-filters.ts';
import { usePages } from '../live/use-pages.ts';
import { useRefresh } from '../live/use-refresh.ts';
import { Button } from '../parts/button.tsx';
import { ListEnd } from '../parts/list-end.tsx';
import { Page } from '../parts/page.tsx';
import { hasRole, session } from '../session/session.ts';
import { FilterCheck } from './filter-parts.tsx';
import { describeAct } from './providers-page.tsx';
import type { Recipient } from './recipient-parts.tsx';
import { isStopped, nameOf, RecipientDialog, RecipientState, Rhythm } from './recipient-parts.tsx';

/** Who asks, when they are told of answers, and whether they are paused. */
export function CustomersPage() {
  const current = session.get()!;
  const { namespace } = current;
  const { values, set } = useFilters();
  const [asking, setAsking] = useState<Recipient>();
  const stopped = values.stopped === 'yes';
  const pages = usePages(CustomerListDocument, { namespace, stopped }, (data) => data.customers);
  useRefresh(pages.refresh, { burstMilliseconds: 500, everyMilliseconds: 15_000 });
  const mayMend = hasRole(current, 'supervisor', 'operator');
  return (
    <Page title="Customers">
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
            <caption class="hidden">Customers</caption>
            <thead>
              <tr>
                <th scope="col">Customer</th>
                <th scope="col">Told</th>
                <th scope="col">Asked</th>
                <th scope="col">State</th>
                {mayMend && <th scope="col">Change</th>}
              </tr>
            </thead>
            <tbody>
              {pages.rows.map((customer) => (
                <tr key={customer.id}>
                  <td class="cell-name">
                    <a href={`/digests?recipient=${encodeURIComponent(customer.externalId)}`}>{nameOf(customer)}</a>
                    <div class="muted small">{customer.email}</div>
                  </td>
                  <td>
                    <Rhythm recipient={customer} />
                  </td>
                  <td>
                    <a class="quiet-link" href={`/requests?customer=${encodeURIComponent(customer.externalId)}`}>
                      requests
                    </a>
                  </td>
                  <td>
                    <RecipientState recipient={customer} />
                  </td>
                  {mayMend && (
                    <td>
                      <Button onClick={() => setAsking(customer)} label={describeAct(customer)}>
                        {isStopped(customer) ? 'Resume …' : 'Pause …'}
                      </Button>
                    </td>
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <ListEnd pages={pages} empty="There are no customers like that" fault="The customers cannot be shown right now" />
      {asking !== undefined && (
        <RecipientDialog recipient={asking} onDone={pages.refresh} onClose={() => setAsking(undefined)} />
      )}
    </Page>
  );
}
