import type { DigestDirection, DigestRowFragment, DigestStatus } from '../graphql/documents.ts';
import { DigestListDocument, RequestUpdatesDocument } from '../graphql/documents.ts';
import { useFilters } from '../live/use-filters.ts';
import { usePages } from '../live/use-pages.ts';
import { useRefresh } from '../live/use-refresh.ts';
import { useUpdates } from '../live/use-updates.ts';
import { ListEnd } from '../parts/list-end.tsx';
import { Page } from '../parts/page.tsx';
import { Status } from '../parts/status.tsx';
import { Ago } from '../parts/times.tsx';
import { session } from '../session/session.ts';
import { FilterChoice, FilterText, StatusChips } from './filter-parts.tsx';

const digestStatuses: readonly DigestStatus[] = ['OPEN', 'SEALED', 'SENDING', 'SENT', 'FAILED', 'SKIPPED'];
const directions: readonly (readonly [DigestDirection, string])[] = [
  ['TO_PROVIDER', 'Providers'],
  ['TO_CUSTOMER', 'Customers'],
];

/** Digests: what was collected for one recipient in one window, and goes out as one mail. */
export function DigestsPage() {
  const { namespace } = session.get()!;
  const { values, set } = useFilters();
  const wanted = (values.status ?? '').split(',');
  const chosen = digestStatuses.filter((status) => wanted.includes(status));
  const filter = {
    status: chosen.length === 0 ? null : chosen,
    direction: directions.find(([name]) => name === values.to)?.[0] ?? null,
    recipientExternalId: values.recipient ?? null,
  };
  const pages = usePages(DigestListDocument, { namespace, filter }, (data) => data.digests);
  const soon = useRefresh(pages.refresh, { burstMilliseconds: 1_000, everyMilliseconds: 10_000 });
  useUpdates(RequestUpdatesDocument, { namespace }, soon);
  return (
    <Page title="Digests">
      <StatusChips
        statuses={digestStatuses}
        chosen={chosen}
        onChange={(statuses) => set({ status: statuses.join(',') })}
      />
      <div class="filters">
        <FilterChoice name="To" value={values.to} all="Everybody" choices={directions} onChange={(to) => set({ to })} />
        <FilterText
          name="Recipient"
          value={values.recipient}
          placeholder="external id"
          onChange={(recipient) => set({ recipient })}
        />
      </div>
      {pages.rows !== undefined && pages.rows.length > 0 && (
        <div class="table-place">
          <table class="table">
            <caption class="hidden">Digests</caption>
            <thead>
              <tr>
                <th scope="col">Status</th>
                <th scope="col">Recipient</th>
                <th scope="col">To</th>
                <th scope="col" class="number">
                  Items
                </th>
                <th scope="col">Window ends</th>
                <th scope="col">Sent</th>
              </tr>
            </thead>
            <tbody>
              {pages.rows.map((digest) => (
                <tr key={digest.id}>
                  <td>
                    <Status value={digest.status} />
                    {digest.held && <span class="tag tag-warn held">held back</span>}
                  </td>
                  <td>
                    <a href={`/digests/${digest.id}`}>{nameRecipient(digest)}</a>
                  </td>
                  <td class="muted">{digest.direction === 'TO_PROVIDER' ? 'provider' : 'customer'}</td>
                  <td class="number">{digest.itemCount.toLocaleString()}</td>
                  <td>
                    <Ago at={digest.windowEnd} />
                  </td>
                  <td>{digest.sentAt === null ? '' : <Ago at={digest.sentAt} />}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <ListEnd pages={pages} empty="No digest is like that" fault="The digests cannot be shown right now" />
    </Page>
  );
}

export function nameRecipient({ provider, customer }: DigestRowFragment): string {
  const recipient = provider ?? customer;
  return recipient?.name ?? recipient?.email ?? '–';
}
