import { useRef, useState } from 'preact/hooks';
import type { Verdict } from '../graphql/documents.ts';
import { Button } from '../parts/button.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { rejectionReasons } from './reasons.ts';
import type { Note } from './use-note.ts';

interface DecideDialogProps {
  readonly verdict: Verdict;
  readonly applicant: string;
  readonly note: Note;
  /** @returns why it was not decided; the dialog says so and stays open */
  readonly onDecide: (reason: string, key: string) => Promise<string | undefined>;
  readonly onClose: () => void;
}

/**
 * Asks once more before a decision: Enter is enough. The note that was written goes with it. One dialog is one decision:
 * however often it is sent, the gateway takes it once. What is typed here is the note, so a lost lease does not take it.
 */
export function DecideDialog({ verdict, applicant, note, onDecide, onClose }: DecideDialogProps) {
  const rejecting = verdict === 'REJECT';
  const [picked, setPicked] = useState<readonly string[]>([]);
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<string>();
  const key = useRef(crypto.randomUUID());
  const reason = [picked.length === 0 ? '' : `${picked.join('; ')}.`, note.text.trim()]
    .filter((part) => part !== '')
    .join(' ');
  const missing = rejecting && reason === '';
  const toggle = (name: string): void =>
    setPicked(picked.includes(name) ? picked.filter((other) => other !== name) : [...picked, name]);
  const submit = (): void => {
    if (busy || missing) return;
    setBusy(true);
    setFault(undefined);
    void onDecide(reason, key.current)
      .then(setFault)
      .finally(() => setBusy(false));
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const typing = event.target instanceof HTMLTextAreaElement;
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) submit();
    const name = typing || !rejecting ? undefined : rejectionReasons[Number(event.key) - 1];
    if (name !== undefined) toggle(name);
  };
  return (
    <Dialog title={rejecting ? `Reject ${applicant}?` : `Approve ${applicant}?`} onClose={onClose}>
      <form
        onKeyDown={onKeyDown}
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        {rejecting && (
          <fieldset class="reasons">
            <legend>Why</legend>
            {rejectionReasons.map((name, index) => (
              <label key={name} class="check">
                <input
                  type="checkbox"
                  checked={picked.includes(name)}
                  onChange={() => toggle(name)}
                  data-first={index === 0 ? '' : undefined}
                />
                {name}
                <kbd aria-hidden="true">{index + 1}</kbd>
              </label>
            ))}
          </fieldset>
        )}
        <label class="field">
          <span>{rejecting ? 'In your own words' : 'Note (optional)'}</span>
          <textarea
            rows={4}
            maxLength={2_000 - 300}
            value={note.text}
            onInput={(event) => note.write(event.currentTarget.value)}
          />
        </label>
        <p class="muted small">The applicant does not see this. Ctrl + Enter sends it.</p>
        {fault !== undefined && (
          <p class="fault" role="alert">
            {fault}
          </p>
        )}
        <div class="dialog-buttons">
          <Button onClick={onClose}>Back</Button>
          <Button type="submit" look={rejecting ? 'bad' : 'good'} busy={busy} disabled={missing} first={!rejecting}>
            {rejecting ? 'Reject' : 'Approve'}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
