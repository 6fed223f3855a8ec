import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';

interface ActionDialogProps {
  readonly title: string;
  readonly confirm: string;
  readonly children?: ComponentChildren;
  readonly look?: 'main' | 'bad';
  /** Whether it is asked why: an action that needs a reason is not offered without one. */
  readonly reason?: 'needed' | 'optional' | 'none';
  readonly disabled?: boolean;
  readonly wide?: boolean;
  /** @returns why it was not done; the dialog says so and stays open */
  readonly onConfirm: (reason: string) => Promise<string | undefined>;
  readonly onClose: () => void;
}

/** Asks once more before something is changed, and why; the reason goes into the record. */
export function ActionDialog(props: ActionDialogProps) {
  const { reason: asked = 'optional' } = props;
  const [busy, setBusy] = useState(false);
  const [reason, setReason] = useState('');
  const [fault, setFault] = useState<string>();
  const missing = asked === 'needed' && reason.trim() === '';
  const submit = async (): Promise<void> => {
    setBusy(true);
    setFault(undefined);
    try {
      const refused = await props.onConfirm(reason.trim());
      if (refused === undefined) props.onClose();
      else setFault(refused);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog title={props.title} onClose={props.onClose} wide={props.wide}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!busy) void submit();
        }}
      >
        {props.children}
        {asked !== 'none' && (
          <label class="field">
            <span>Why{asked === 'needed' ? '' : ' (optional)'}</span>
            <input
              value={reason}
              maxLength={2_000}
              autoComplete="off"
              data-first=""
              required={asked === 'needed'}
              onInput={(event) => setReason(event.currentTarget.value)}
            />
          </label>
        )}
        {fault !== undefined && (
          <p class="fault" role="alert">
            {fault}
          </p>
        )}
        <div class="dialog-buttons">
          <Button onClick={props.onClose}>Back</Button>
          <Button
            type="submit"
            look={props.look ?? 'main'}
            busy={busy}
            disabled={missing || props.disabled === true}
            first={asked === 'none'}
          >
            {props.confirm}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
