import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';

interface ActionDialogProps {
  readonly title: string;
  readonly confirm: string;
  readonly children?: ComponentChildren;
  readonly look?: 'main' | 'bad';
  /** The action needs a reason, and is not offered without one. */
  readonly reasonNeeded?: boolean;
  readonly disabled?: boolean;
  /** @returns whether it is done; the dialog stays open otherwise */
  readonly onConfirm: (reason: string) => Promise<boolean>;
  readonly onClose: () => void;
}

/** Asks once more before something is changed, and why; the reason goes into the record. */
export function ActionDialog(props: ActionDialogProps) {
  const [busy, setBusy] = useState(false);
  const [reason, setReason] = useState('');
  const missing = props.reasonNeeded === true && reason.trim() === '';
  return (
    <Dialog title={props.title} onClose={props.onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          setBusy(true);
          void props
            .onConfirm(reason.trim())
            .then((done) => done && props.onClose())
            .finally(() => setBusy(false));
        }}
      >
        {props.children}
        <label class="field">
          <span>Why{props.reasonNeeded === true ? '' : ' (optional)'}</span>
          <input
            value={reason}
            maxLength={2_000}
            autoComplete="off"
            data-first=""
            required={props.reasonNeeded}
            onInput={(event) => setReason(event.currentTarget.value)}
          />
        </label>
        <div class="dialog-buttons">
          <Button onClick={props.onClose}>Back</Button>
          <Button type="submit" look={props.look ?? 'main'} busy={busy} disabled={missing || props.disabled === true}>
            {props.confirm}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
