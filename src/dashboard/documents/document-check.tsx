import type { CheckPartsFragment } from '../graphql/documents.ts';
import { formatExact } from '../parts/times.tsx';
import { inWords, plural } from '../parts/words.ts';

type Check = NonNullable<CheckPartsFragment['check']>;

/** What a check found, in a few words; undefined where all is well. */
export function describeDoubt(check: Check | null | undefined): string | undefined {
  if (check == null) return undefined;
  if (check.outcome === 'INFECTED') return 'infected';
  if (check.outcome === 'DIFFERENT') return 'altered';
  return check.pageFault === null ? undefined : inWords(check.pageFault).toLowerCase();
}

/** What the check of a document found: its bytes, its pages, and what the scanner says. */
export function DocumentCheckLine({ check }: { readonly check: Check | null | undefined }) {
  // Not every system has its documents checked.
  if (check == null) return null;
  const isBad = check.outcome !== 'SOUND';
  const isDoubtful = !isBad && check.pageFault !== null;
  return (
    <p
      class={isBad ? 'check-line check-bad' : isDoubtful ? 'check-line check-doubtful' : 'check-line'}
      role={isBad ? 'alert' : undefined}
    >
      {describeCheck(check)} <span class="muted">{formatExact(check.checkedAt)}</span>
    </p>
  );
}

function describeCheck({ outcome, scan, pageCount, pageFault, detail }: Check): string {
  const parts = [
    outcome === 'INFECTED'
      ? 'The scanner found something harmful in this document'
      : outcome === 'DIFFERENT'
        ? 'The stored bytes are not those that were announced'
        : 'Checked: its bytes are whole',
    scan === 'CLEAN' ? 'the scanner found nothing' : undefined,
    pageCount === null ? undefined : plural(pageCount, 'page'),
    pageFault === null ? undefined : `its pages could not be counted (${inWords(pageFault).toLowerCase()})`,
    detail ?? undefined,
  ];
  return `${parts.filter((part) => part !== undefined).join(', ')}.`;
}
