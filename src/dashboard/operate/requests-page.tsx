import { useLocation } from 'preact-iso';
import type { RequestStatus } from '../graphql/documents.ts';
import { RequestListDocument, RequestUpdatesDocument } from '../graphql/documents.ts';
import { useFilters } from '../live/use-filters.ts';
import { usePages } from '../live/use-pages.ts';
import { useRefresh } from '../live/use-refresh.ts';
import { useUpdates } from '../live/use-updates.ts';
import { ListEnd } from '../parts/list-end.tsx';
import { Page } from '../parts/page.tsx';
import { session } from '../session/session.ts';
import { FilterText, StatusChips } from './filter-parts.tsx';
import { RequestTable } from './request-table.tsx';

const requestStatuses: readonly RequestStatus[] = [
  'RECEIVED',
  'NOTIFIED',
  'OVERDUE',
  'ANSWERED',
  'CUSTOMER_NOTIFIED',
  'CLOSED',
  'CANCELLED',
];

/** What customers ask of providers, and how far it is. */
export function RequestsPage() {
  const { namespace } = session.get()!;
  const { route } = useLocation();
  const { values, set } = useFilters();
  const wanted = (values.status ?? '').split(',');
  const chosen = requestStatuses.filter((status) => wanted.includes(status));
  const filter = {
    status: chosen.length === 0 ? null : chosen,
    providerExternalId: values.provider ?? null,
    customerExternalId: values.customer ?? null,
  };
  const pages = usePages(RequestListDocument, { namespace, filter }, (data) => data.requests);
  const soon = useRefresh(pages.refresh, { burstMilliseconds: 1_000, everyMilliseconds: 30_000 });
  useUpdates(RequestUpdatesDocument, { namespace }, soon);
  return (
    <Page title="Requests">
      <StatusChips
        statuses={requestStatuses}
        chosen={chosen}
        onChange={(statuses) => set({ status: statuses.join(',') })}
      />
      <div class="filters">
        <FilterText
          name="Provider"
          value={values.provider}
          placeholder="external id"
          onChange={(provider) => set({ provider })}
        />
        <FilterText
          name="Customer"
          value={values.customer}
          placeholder="external id"
          onChange={(customer) => set({ customer })}
        />
        <FilterText
          name="Request"
          value=""
          placeholder="its id"
          onChange={(id) => id.trim() !== '' && route(`/requests/${encodeURIComponent(id.trim())}`)}
        />
      </div>
      {pages.rows !== undefined && pages.rows.length > 0 && <RequestTable requests={pages.rows} />}
      <ListEnd pages={pages} empty="No request is like that" fault="The requests cannot be shown right now" />
    </Page>
  );
}
