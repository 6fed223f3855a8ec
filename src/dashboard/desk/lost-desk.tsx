import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { DocumentPane } from '../documents/document-pane.tsx';
import { useKeys } from '../keys/use-keys.ts';
import { Button } from '../parts/button.tsx';
import { formatClock } from '../parts/times.tsx';
import { CaseFacts } from './case-facts.tsx';
import type { HeldCase, Loss } from './held-case.ts';
import type { DeskActions } from './use-desk.ts';
import { useNote } from './use-note.ts';

interface LostDeskProps {
  readonly held: HeldCase;
  readonly loss: Loss;
  readonly subject: string;
  readonly actions: DeskActions;
}

/** The case is out of hand: who has it now, what can be done, and all that was typed. */
export function LostDesk({ held, loss, subject, actions }: LostDeskProps) {
  const found = held.case;
  const note = useNote(subject, found.id);
  const heading = useRef<HTMLHeadingElement>(null);
  const [copied, setCopied] = useState(false);
  // Before any key can be pressed: later it could take the focus out of the note.
  useLayoutEffect(() => heading.current?.focus(), []);
  const takeBack = loss.reclaimable ? () => void actions.claimAgain(found.id) : undefined;
  const putAway = (): void => actions.putAway();
  useKeys({ c: takeBack ?? putAway, Escape: putAway });
  return (
    <div class="desk">
      <header class="desk-head">
        <div class="desk-title">
          <h1 ref={heading} tabIndex={-1} title={found.applicant.name}>
            {found.applicant.name}
          </h1>
          <span class="tag">{found.topic}</span>
        </div>
      </header>
      <section class="lost" role="alert">
        <div>
          <strong>{describeLoss(loss, subject)}</strong>
          <p>Nothing was decided by you. {note.text === '' ? '' : 'Your note is kept below.'}</p>
        </div>
        <div class="lost-buttons">
          {takeBack !== undefined && (
            <Button look="main" shortcut="c" onClick={takeBack}>
              Take it back
            </Button>
          )}
          <Button onClick={putAway} shortcut={takeBack === undefined ? 'c' : 'Escape'}>
            Back to the desk
          </Button>
        </div>
      </section>
      <div class="desk-body">
        <aside class="desk-side" aria-label="The case">
          <CaseFacts found={found} />
          <label class="field note">
            <span>Your note</span>
            <textarea rows={5} value={note.text} onInput={(event) => note.write(event.currentTarget.value)} />
          </label>
          {note.text !== '' && (
            <Button
              onClick={() => {
                void navigator.clipboard.writeText(note.text).then(() => setCopied(true));
              }}
            >
              {copied ? 'Copied' : 'Copy the note'}
            </Button>
          )}
        </aside>
        <DocumentPane caseId={found.id} documents={found.documents} />
      </div>
    </div>
  );
}

function describeLoss({ holder, since, reclaimable, decidedBy }: Loss, subject: string): string {
  if (decidedBy !== undefined) return `${decidedBy === subject ? 'You have' : `${decidedBy} has`} decided this case.`;
  if (holder !== null) {
    const from = since === null ? '' : ` since ${formatClock(since)}`;
    return holder === subject ? `You have this case in another window${from}.` : `${holder} has this case now${from}.`;
  }
  return reclaimable
    ? 'Your lease has ended. Nobody has taken the case yet.'
    : 'Your lease has ended, and the case is not yours any more.';
}
