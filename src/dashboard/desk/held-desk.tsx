import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { DocumentPane } from '../documents/document-pane.tsx';
import type { Verdict } from '../graphql/documents.ts';
import { useKeys } from '../keys/use-keys.ts';
import { announce } from '../parts/announcer.tsx';
import { Button } from '../parts/button.tsx';
import { formatClock } from '../parts/times.tsx';
import { CaseFacts } from './case-facts.tsx';
import { CaseStory } from './case-story.tsx';
import { DecideDialog } from './decide-dialog.tsx';
import type { HeldCase } from './held-case.ts';
import { LeaseRing } from './lease-ring.tsx';
import { ReleaseDialog } from './release-dialog.tsx';
import { useAutoExtend } from './use-auto-extend.ts';
import type { DeskActions } from './use-desk.ts';
import { useNote } from './use-note.ts';

interface HeldDeskProps {
  readonly held: HeldCase;
  readonly subject: string;
  readonly actions: DeskActions;
}

type Asking = Verdict | 'RELEASE' | undefined;

/** A case in hand: what the applicant says, the documents beside it, and what to do about it. */
export function HeldDesk({ held, subject, actions }: HeldDeskProps) {
  const found = held.case;
  const note = useNote(subject, found.id);
  const noteField = useRef<HTMLTextAreaElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const [asking, setAsking] = useState<Asking>();
  const away = useAutoExtend(held, actions);
  // Before any key can be pressed: later it could take the focus out of the note.
  useLayoutEffect(() => heading.current?.focus(), []);

  const extend = async (): Promise<void> => {
    if (await actions.extend()) announce('The lease is extended.', 'good');
  };
  const decide = async (verdict: Verdict, reason: string, key: string): Promise<string | undefined> => {
    const ending = await actions.decide(verdict, reason, key);
    if (ending.kind === 'refused') return ending.message;
    if (ending.kind === 'lost') return;
    note.write('');
    announce(`${found.applicant.name}: ${verdict === 'APPROVE' ? 'approved' : 'rejected'}.`, 'good');
  };
  const release = async (reason: string): Promise<string | undefined> => {
    const ending = await actions.release(reason);
    if (ending.kind === 'refused') return ending.message;
    if (ending.kind === 'done') announce(`${found.applicant.name} is given back.`);
  };
  const skip = async (): Promise<void> => {
    const ending = await actions.release('Skipped');
    if (ending.kind === 'refused') announce(ending.message, 'bad');
    if (ending.kind !== 'done') return;
    announce(`${found.applicant.name} is skipped.`);
    await actions.claimNext(found.topic);
  };
  useKeys({
    a: () => setAsking('APPROVE'),
    r: () => setAsking('REJECT'),
    u: () => setAsking('RELEASE'),
    e: () => void extend(),
    s: () => void skip(),
    n: () => noteField.current?.focus(),
  });

  return (
    <div class="desk">
      <header class="desk-head">
        <div class="desk-title">
          <h1 ref={heading} tabIndex={-1} title={found.applicant.name}>
            {found.applicant.name}
          </h1>
          <span class="tag">{found.topic}</span>
        </div>
        <div class="desk-lease">
          <LeaseRing clock={held.clock} />
          <Button shortcut="e" onClick={() => void extend()} look="quiet">
            Extend
          </Button>
        </div>
        <div class="desk-actions">
          <Button shortcut="s" look="quiet" onClick={() => void skip()}>
            Skip
          </Button>
          <Button shortcut="u" look="quiet" onClick={() => setAsking('RELEASE')}>
            Give back
          </Button>
          <Button shortcut="r" look="bad" onClick={() => setAsking('REJECT')}>
            Reject
          </Button>
          <Button shortcut="a" look="good" onClick={() => setAsking('APPROVE')}>
            Approve
          </Button>
        </div>
      </header>
      <div class="desk-warning" role="status" aria-live="polite">
        {held.latestEnd !== undefined && (
          <p>This case cannot be held longer than until {formatClock(held.latestEnd)}. Decide it, or give it back.</p>
        )}
        {away && held.latestEnd === undefined && (
          <p>
            Are you still there? The lease is not extended by itself while nothing happens here. Press <kbd>e</kbd> to
            keep the case.
          </p>
        )}
      </div>
      <div class="desk-body">
        <aside class="desk-side" aria-label="The case">
          <CaseFacts found={found} />
          <label class="field note">
            <span>
              Note <kbd aria-hidden="true">n</kbd>
            </span>
            <textarea
              ref={noteField}
              rows={5}
              maxLength={1_700}
              value={note.text}
              placeholder="Kept while you write; it goes with your decision."
              onInput={(event) => note.write(event.currentTarget.value)}
              onKeyDown={(event) => {
                if (event.key === 'Escape') event.currentTarget.blur();
              }}
            />
          </label>
          <h2 class="side-heading">So far</h2>
          <CaseStory found={found} />
        </aside>
        <DocumentPane caseId={found.id} documents={found.documents} />
      </div>
      {asking === 'RELEASE' && <ReleaseDialog onRelease={release} onClose={() => setAsking(undefined)} />}
      {(asking === 'APPROVE' || asking === 'REJECT') && (
        <DecideDialog
          key={asking}
          verdict={asking}
          applicant={found.applicant.name}
          note={note}
          onDecide={(reason, key) => decide(asking, reason, key)}
          onClose={() => setAsking(undefined)}
        />
      )}
    </div>
  );
}
