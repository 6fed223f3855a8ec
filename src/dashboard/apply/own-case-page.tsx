import { useQuery } from '@urql/preact';
import { useRoute } from 'preact-iso';
import { explain, hasCode } from '../graphql/client.ts';
import type { OneOwnCaseQuery } from '../graphql/documents.ts';
import { OneOwnCaseDocument, OwnCaseUpdatesDocument } from '../graphql/documents.ts';
import { useRefresh } from '../live/use-refresh.ts';
import { useUpdates } from '../live/use-updates.ts';
import { classes } from '../parts/classes.ts';
import { Loading, Notice } from '../parts/notice.tsx';
import { Page } from '../parts/page.tsx';
import { formatExact } from '../parts/times.tsx';
import { formatBytes, inWords } from '../parts/words.ts';
import { session } from '../session/session.ts';

/** An applicant follows one of their cases. */
export function OwnCasePage() {
  const { namespace } = session.get()!;
  const { params } = useRoute();
  const id = params.id ?? '';
  const [{ data, error }, ask] = useQuery({ query: OneOwnCaseDocument, variables: { id } });
  const soon = useRefresh(ask, { burstMilliseconds: 100, everyMilliseconds: 60_000 });
  useUpdates(OwnCaseUpdatesDocument, { namespace, caseId: id }, soon);
  const found = data?.case;
  if (found == null) {
    return (
      <Page title="My case" narrow>
        {error === undefined ? (
          <Loading rows={5} />
        ) : (
          <Notice title={hasCode(error, 'NOT_FOUND') ? 'There is no such case' : 'The case cannot be shown'} tone="bad">
            {explain(error)}
          </Notice>
        )}
      </Page>
    );
  }
  return (
    <Page title={found.applicant.name} aside={<a href="/apply">All my cases</a>} narrow>
      <Steps found={found} />
      <section class="own-documents">
        <h2>Documents</h2>
        {found.documents.length === 0 && <p class="muted">None were sent.</p>}
        <ul>
          {found.documents.map((document) => (
            <li key={document.id}>
              {inWords(document.kind)}{' '}
              <span class="muted">
                {document.fileName}, {formatBytes(document.sizeBytes)}
              </span>
            </li>
          ))}
        </ul>
      </section>
      <p class="muted small">
        Number of your case: <span class="mono">{found.id}</span>. This page follows it by itself.
      </p>
    </Page>
  );
}

type OwnCase = NonNullable<OneOwnCaseQuery['case']>;

/** Where a case is on its way. */
function Steps({ found }: { readonly found: OwnCase }) {
  const { status, decision } = found;
  const steps = [
    { name: 'Registered', text: formatExact(found.registeredAt), done: true },
    {
      name: 'Review',
      text:
        decision !== null
          ? 'Done'
          : status === 'CLAIMED'
            ? 'Somebody is looking at it now'
            : 'Waits for somebody to look',
      done: decision !== null,
    },
    {
      name: decision === null ? 'Decision' : status === 'APPROVED' ? 'Approved' : 'Rejected',
      text: decision === null ? 'To come' : formatExact(decision.decidedAt),
      done: decision !== null,
    },
  ];
  const current = steps.findIndex(({ done }) => !done);
  return (
    <ol class="steps" aria-live="polite">
      {steps.map((step, index) => (
        <li
          key={index}
          class={classes(
            'step',
            step.done && 'step-done',
            index === current && 'step-now',
            index === 2 && status === 'REJECTED' && 'step-bad',
          )}
          aria-current={index === current ? 'step' : undefined}
        >
          <strong>{step.name}</strong>
          <span class="muted">{step.text}</span>
        </li>
      ))}
    </ol>
  );
}
