import { useState } from 'preact/hooks';
import type { CustomerListQuery } from '../graphql/documents.ts';
import { PauseDigestsDocument, ResumeDigestsDocument } from '../graphql/documents.ts';
import { usePerform } from '../graphql/outcome.ts';
import { ActionDialog } from '../parts/action-dialog.tsx';
import { announce } from '../parts/announcer.tsx';
import { MomentField, readMoment } from '../parts/fields.tsx';
import { Ago, formatExact } from '../parts/times.tsx';
import { describeRhythm } from './rhythm.ts';

/** What providers and customers have in common. */
export type Recipient = CustomerListQuery['customers']['edges'][number]['node'];

export function nameOf({ name, externalId }: Pick<Recipient, 'name' | 'externalId'>): string {
  return name ?? externalId;
}

/** When a recipient is told. */
export function Rhythm({ recipient: { window, timeZone, quietHours } }: { readonly recipient: Recipient }) {
  return (
    <>
      {window === null ? 'at once' : describeRhythm(window)}
      <div class="muted small">
        {timeZone}
        {quietHours !== null && `, quiet ${quietHours.from} to ${quietHours.to}`}
      </div>
    </>
  );
}

/** Whether mail goes out to a recipient, and why not. */
export function RecipientState({ recipient: { pause, bounce } }: { readonly recipient: Recipient }) {
  if (pause === null && bounce === null) return <span class="muted">open</span>;
  return (
    <>
      {bounce !== null && <div class="cell-bad">mail bounces{bounce.reason === null ? '' : `: ${bounce.reason}`}</div>}
      {pause !== null && (
        <>
          <span class="tag tag-warn">paused</span> {pause.reason}
          <div class="muted small">
            {pause.by !== null && <>by {pause.by} </>}
            <Ago at={pause.since} />
            {pause.until !== null && <>, until {formatExact(pause.until)}</>}
          </div>
        </>
      )}
    </>
  );
}

/** A pause and a bounce end in the same way. */
export function isStopped({ pause, bounce }: Recipient): boolean {
  return pause !== null || bounce !== null;
}

interface RecipientDialogProps {
  readonly recipient: Recipient;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

/** Stops what goes to a recipient, or lets it go again. */
export function RecipientDialog({ recipient, onDone, onClose }: RecipientDialogProps) {
  return isStopped(recipient) ? (
    <ResumeDialog recipient={recipient} onDone={onDone} onClose={onClose} />
  ) : (
    <PauseDialog recipient={recipient} onDone={onDone} onClose={onClose} />
  );
}

function PauseDialog({ recipient, onDone, onClose }: RecipientDialogProps) {
  const perform = usePerform();
  const [until, setUntil] = useState('');
  const name = nameOf(recipient);
  const pause = async (reason: string): Promise<string | undefined> => {
    const input = { providerId: recipient.id, reason, until: readMoment(until) };
    const { fault } = await perform(PauseDigestsDocument, { input }, 'DigestPauseChanged');
    if (fault !== undefined) return fault;
    announce(`${name}: paused.`, 'good');
    onDone();
  };
  return (
    <ActionDialog
      title={`Pause the digests of ${name}?`}
      confirm="Pause"
      reason="needed"
      onConfirm={pause}
      onClose={onClose}
    >
      <p>What comes goes on being collected; nothing is sent.</p>
      <MomentField name="Until (optional; else until somebody resumes it)" value={until} onChange={setUntil} />
    </ActionDialog>
  );
}

function ResumeDialog({ recipient, onDone, onClose }: RecipientDialogProps) {
  const perform = usePerform();
  const name = nameOf(recipient);
  const resume = async (reason: string): Promise<string | undefined> => {
    const input = { providerId: recipient.id, reason: reason || null };
    const { fault } = await perform(ResumeDigestsDocument, { input }, 'DigestPauseChanged');
    if (fault !== undefined) return fault;
    announce(`${name}: resumed.`, 'good');
    onDone();
  };
  return (
    <ActionDialog title={`Resume the digests of ${name}?`} confirm="Resume" onConfirm={resume} onClose={onClose}>
      <p>
        What is due goes out.
        {recipient.bounce !== null && ` Its address refused a mail: make sure first that ${recipient.email} is right.`}
      </p>
    </ActionDialog>
  );
}
