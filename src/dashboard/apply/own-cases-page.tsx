import { useClient } from '@urql/preact';
import { useEffect, useState } from 'preact/hooks';
import { explain } from '../graphql/client.ts';
import type { OwnCaseFragment } from '../graphql/documents.ts';
import { OwnCasesDocument, OwnCaseUpdatesDocument } from '../graphql/documents.ts';
import { useUpdates } from '../live/use-updates.ts';
import { Button } from '../parts/button.tsx';
import { Loading, Notice } from '../parts/notice.tsx';
import { Page } from '../parts/page.tsx';
import { Ago } from '../parts/times.tsx';
import { shortId } from '../parts/words.ts';
import { session } from '../session/session.ts';
import { OwnStatus } from './own-status.tsx';

const pageRows = 30;

interface OwnCases {
  readonly cases: readonly OwnCaseFragment[];
  /** Where the next page begins. */
  readonly next: string | undefined;
}

/** An applicant's own cases, as they change. */
export function OwnCasesPage() {
  const { namespace } = session.get()!;
  const client = useClient();
  const [own, setOwn] = useState<OwnCases>();
  const [fault, setFault] = useState<string>();
  const load = async (after: string | undefined): Promise<void> => {
    const { data, error } = await client.query(OwnCasesDocument, { namespace, first: pageRows, after }).toPromise();
    setFault(error === undefined ? undefined : explain(error));
    if (data === undefined) return;
    const { edges, pageInfo } = data.cases;
    const cases = edges.map(({ node }) => node);
    setOwn((now) => ({
      cases: after === undefined ? cases : [...(now?.cases ?? []), ...cases],
      next: pageInfo.hasNextPage ? (pageInfo.endCursor ?? undefined) : undefined,
    }));
  };
  useEffect(() => void load(undefined), []);
  useUpdates(OwnCaseUpdatesDocument, { namespace }, ({ caseUpdated: { case: found } }) => {
    if (found === null) return;
    setOwn((now) => {
      if (now === undefined) return now;
      const known = now.cases.some(({ id }) => id === found.id);
      const cases = known ? now.cases.map((one) => (one.id === found.id ? found : one)) : [found, ...now.cases];
      return { ...now, cases };
    });
  });
  return (
    <Page
      title="My cases"
      aside={
        <a class="button button-main" href="/apply/new">
          Register a case
        </a>
      }
      narrow
    >
      {fault !== undefined && (
        <Notice title="Your cases cannot be shown right now" tone="bad">
          <p>{fault}</p>
          <Button onClick={() => void load(undefined)}>Try again</Button>
        </Notice>
      )}
      {own === undefined && fault === undefined && <Loading rows={5} />}
      {own?.cases.length === 0 && (
        <Notice title="You have no cases yet">
          <a href="/apply/new">Register your first one</a>
        </Notice>
      )}
      {own !== undefined && own.cases.length > 0 && (
        <ul class="own-cases" aria-live="polite">
          {own.cases.map((found) => (
            <li key={found.id}>
              <a href={`/apply/${found.id}`}>
                <span class="own-name">{found.applicant.name}</span>
                <span class="muted small">
                  <Ago at={found.registeredAt} /> · {shortId(found.id)}
                </span>
                <OwnStatus found={found} />
              </a>
            </li>
          ))}
        </ul>
      )}
      {own?.next !== undefined && (
        <p class="more">
          <Button onClick={() => void load(own.next)}>Show more</Button>
        </p>
      )}
    </Page>
  );
}
