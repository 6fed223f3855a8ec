import { useEffect } from 'preact/hooks';
import { Route, Router, useLocation } from 'preact-iso';
import { OwnCasePage } from './apply/own-case-page.tsx';
import { OwnCasesPage } from './apply/own-cases-page.tsx';
import { RegisterPage } from './apply/register-page.tsx';
import { BoardPage } from './board/board-page.tsx';
import { CasePage } from './board/case-page.tsx';
import { DeskPage } from './desk/desk-page.tsx';
import { AuditPage } from './operate/audit-page.tsx';
import { CustomersPage } from './operate/customers-page.tsx';
import { DigestPage } from './operate/digest-page.tsx';
import { DigestsPage } from './operate/digests-page.tsx';
import { ItemPage } from './operate/item-page.tsx';
import { JobPage } from './operate/job-page.tsx';
import { JobsPage } from './operate/jobs-page.tsx';
import { KindsPage } from './operate/kinds-page.tsx';
import { MailsPage } from './operate/mails-page.tsx';
import { ProvidersPage } from './operate/providers-page.tsx';
import { RequestPage } from './operate/request-page.tsx';
import { RequestsPage } from './operate/requests-page.tsx';
import { SchedulePage } from './operate/schedule-page.tsx';
import { SchedulesPage } from './operate/schedules-page.tsx';
import { ShardsPage } from './operate/shards-page.tsx';
import { TaskPage } from './operate/task-page.tsx';
import { TasksPage } from './operate/tasks-page.tsx';
import { TopicPage } from './operate/topic-page.tsx';
import { TopicsPage } from './operate/topics-page.tsx';
import { Notice } from './parts/notice.tsx';
import { Page } from './parts/page.tsx';
import { placesFor } from './places.ts';
import { session } from './session/session.ts';
import { useStore } from './store.ts';

export function Pages() {
  return (
    <Router>
      <Route path="/" component={StartPage} />
      <Route path="/sign-in/callback" component={StartPage} />
      <Route path="/desk" component={DeskPage} />
      <Route path="/board" component={BoardPage} />
      <Route path="/cases/:id" component={CasePage} />
      <Route path="/apply" component={OwnCasesPage} />
      <Route path="/apply/new" component={RegisterPage} />
      <Route path="/apply/:id" component={OwnCasePage} />
      <Route path="/tasks" component={TasksPage} />
      <Route path="/tasks/:id" component={TaskPage} />
      <Route path="/kinds" component={KindsPage} />
      <Route path="/schedules" component={SchedulesPage} />
      <Route path="/schedules/:name" component={SchedulePage} />
      <Route path="/jobs" component={JobsPage} />
      <Route path="/jobs/:id" component={JobPage} />
      <Route path="/topics" component={TopicsPage} />
      <Route path="/topics/:name" component={TopicPage} />
      <Route path="/items/:id" component={ItemPage} />
      <Route path="/requests" component={RequestsPage} />
      <Route path="/requests/:id" component={RequestPage} />
      <Route path="/digests" component={DigestsPage} />
      <Route path="/digests/:id" component={DigestPage} />
      <Route path="/providers" component={ProvidersPage} />
      <Route path="/customers" component={CustomersPage} />
      <Route path="/mails" component={MailsPage} />
      <Route path="/mails/:id" component={MailsPage} />
      <Route path="/audit" component={AuditPage} />
      <Route path="/shards" component={ShardsPage} />
      <Route default component={NothingHere} />
    </Router>
  );
}

/** Everybody starts where their work is. */
function StartPage() {
  const current = useStore(session);
  const { route } = useLocation();
  const first = current === undefined ? undefined : placesFor(current)[0];
  useEffect(() => {
    if (first !== undefined) route(first.path, true);
  }, [first]);
  if (first !== undefined) return null;
  return (
    <Page title="Welcome">
      <Notice title="There is no page for your role here">
        The dashboard serves applicants, auditors, supervisors and operators.
      </Notice>
    </Page>
  );
}

function NothingHere() {
  return (
    <Page title="Nothing here">
      <Notice title="There is no such page">
        <a href="/">Go to the start</a>
      </Notice>
    </Page>
  );
}
