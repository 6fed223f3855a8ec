import { useEffect } from 'preact/hooks';
import { Button } from '../parts/button.tsx';
import { Loading, Notice } from '../parts/notice.tsx';
import { useTitle } from '../parts/page.tsx';
import { session } from '../session/session.ts';
import { forgetOldDrafts } from './drafts.ts';
import { FreeDesk } from './free-desk.tsx';
import { HeldDesk } from './held-desk.tsx';
import { LostDesk } from './lost-desk.tsx';
import { useDesk } from './use-desk.ts';

/** Where an auditor works: claims a case, looks at it, decides it. */
export function DeskPage() {
  const { namespace, subject } = session.get()!;
  const { desk, actions } = useDesk({ namespace });
  useEffect(forgetOldDrafts, []);
  useTitle('Desk');
  switch (desk.kind) {
    case 'loading':
      return (
        <div class="page">
          <h1 class="hidden">Desk</h1>
          <Loading rows={6} />
        </div>
      );
    case 'failed':
      return (
        <div class="page">
          <h1 class="hidden">Desk</h1>
          <Notice title="Your desk cannot be shown right now" tone="bad">
            <p>{desk.message}</p>
            <Button onClick={() => void actions.reload()}>Try again</Button>
          </Notice>
        </div>
      );
    case 'free':
      return <FreeDesk namespace={namespace} desk={desk} actions={actions} />;
    case 'holding':
      return <HeldDesk key={desk.held.case.id} held={desk.held} subject={subject} actions={actions} />;
    case 'lost':
      return <LostDesk key={desk.held.case.id} held={desk.held} loss={desk.loss} subject={subject} actions={actions} />;
  }
}
