import { useQuery } from '@urql/preact';
import { useRoute } from 'preact-iso';
import { CaseFacts } from '../desk/case-facts.tsx';
import { CaseStory } from '../desk/case-story.tsx';
import { DocumentPane } from '../documents/document-pane.tsx';
import { explain, hasCode } from '../graphql/client.ts';
import { CaseUpdatesDocument, OneCaseDocument } from '../graphql/documents.ts';
import { useRefresh } from '../live/use-refresh.ts';
import { useUpdates } from '../live/use-updates.ts';
import { Loading, Notice } from '../parts/notice.tsx';
import { Page, useTitle } from '../parts/page.tsx';
import { Status } from '../parts/status.tsx';
import { formatClock } from '../parts/times.tsx';
import { inWords } from '../parts/words.ts';
import { hasRole, session } from '../session/session.ts';
import { CaseFollowUps } from './case-follow-ups.tsx';

/** One case, to look at: how it stands, what happened to it, its documents. */
export function CasePage() {
  const { namespace } = session.get()!;
  const { params } = useRoute();
  const id = params.id ?? '';
  const [{ data, error }, ask] = useQuery({ query: OneCaseDocument, variables: { id } });
  const soon = useRefresh(ask, { burstMilliseconds: 150, everyMilliseconds: 30_000 });
  useUpdates(CaseUpdatesDocument, { namespace, caseId: id }, soon);
  const found = data?.case;
  useTitle(found?.applicant.name ?? 'Case');
  if (found == null) {
    return (
      <Page title="Case">
        {error === undefined ? (
          <Loading rows={6} />
        ) : (
          <Notice title={hasCode(error, 'NOT_FOUND') ? 'There is no such case' : 'The case cannot be shown'} tone="bad">
            {explain(error)}
          </Notice>
        )}
      </Page>
    );
  }
  return (
    <div class="desk">
      <header class="desk-head">
        <div class="desk-title">
          <a href="/board" class="back" aria-label="Back to the board">
            ‹
          </a>
          <h1 title={found.applicant.name}>{found.applicant.name}</h1>
          <span class="tag">{found.topic}</span>
        </div>
        <div class="desk-lease" aria-live="polite">
          <Status value={found.status} />
          {found.lease !== null && (
            <span class="muted">
              by {found.lease.holder}, until {formatClock(found.lease.expiresAt)}
            </span>
          )}
          {found.decision !== null && <span class="muted">by {found.decision.decidedBy}</span>}
        </div>
      </header>
      <div class="desk-body">
        <aside class="desk-side" aria-label="The case">
          <CaseFacts found={found} />
          {found.decision?.reason != null && (
            <div>
              <h2 class="side-heading">{inWords(found.status)} because</h2>
              <p class="decision-reason">{found.decision.reason}</p>
            </div>
          )}
          <h2 class="side-heading">So far</h2>
          <CaseStory found={found} />
          {hasRole(session.get()!, 'supervisor', 'operator') && <CaseFollowUps key={found.id} caseId={found.id} />}
        </aside>
        <DocumentPane caseId={found.id} documents={found.documents} />
      </div>
    </div>
  );
}
