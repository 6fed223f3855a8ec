import type { OwnCaseFragment } from '../graphql/documents.ts';

const words: Readonly<Record<OwnCaseFragment['status'], readonly [string, string]>> = {
  PENDING: ['wait', 'Waits for review'],
  CLAIMED: ['busy', 'In review'],
  APPROVED: ['good', 'Approved'],
  REJECTED: ['bad', 'Rejected'],
};

/** How a case stands, in an applicant's words. */
export function OwnStatus({ found }: { readonly found: Pick<OwnCaseFragment, 'status'> }) {
  const [tone, text] = words[found.status];
  return <span class={`status status-${tone}`}>{text}</span>;
}
