import type { RequestRowFragment } from '../graphql/documents.ts';
import { Status } from '../parts/status.tsx';
import { Ago } from '../parts/times.tsx';
import { describeOutcome } from './outcomes.ts';

/** Requests of customers to providers. */
export function RequestTable({ requests }: { readonly requests: readonly RequestRowFragment[] }) {
  if (requests.length === 0) return <p class="muted">Nothing.</p>;
  return (
    <div class="table-place">
      <table class="table">
        <caption class="hidden">Requests</caption>
        <thead>
          <tr>
            <th scope="col">Status</th>
            <th scope="col">Item</th>
            <th scope="col" class="number">
              Quantity
            </th>
            <th scope="col">Customer</th>
            <th scope="col">Provider</th>
            <th scope="col">Answer</th>
            <th scope="col">Submitted</th>
          </tr>
        </thead>
        <tbody>
          {requests.map((request) => (
            <tr key={request.id}>
              <td>
                <Status value={request.status} />
              </td>
              <td>
                <a href={`/requests/${request.id}`}>{request.item.description ?? request.item.externalId}</a>
              </td>
              <td class="number">{request.item.quantity.toLocaleString()}</td>
              <td>{request.customer.name ?? request.customer.externalId}</td>
              <td>{request.providerExternalId}</td>
              <td>{request.answer === null ? '' : describeOutcome(request.answer.outcome)}</td>
              <td>
                <Ago at={request.submittedAt} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
