import { useState } from 'preact/hooks';
import { Button } from '../parts/button.tsx';
import { Dialog } from '../parts/dialog.tsx';

interface ReleaseDialogProps {
  readonly onRelease: (reason: string) => Promise<void>;
  readonly onClose: () => void;
}

/** Asks why a case is given back. */
export function ReleaseDialog({ onRelease, onClose }: ReleaseDialogProps) {
  const [busy, setBusy] = useState(false);
  return (
    <Dialog title="Give this case back?" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          setBusy(true);
          const reason = new FormData(event.currentTarget).get('reason');
          void onRelease(String(reason)).finally(() => setBusy(false));
        }}
      >
        <p>Others are offered it at once. You will not be offered it again. Your note stays in this browser.</p>
        <label class="field">
          <span>Why (optional)</span>
          <input name="reason" maxLength={2_000} autoComplete="off" data-first="" />
        </label>
        <div class="dialog-buttons">
          <Button onClick={onClose}>Keep it</Button>
          <Button type="submit" look="main" busy={busy}>
            Give it back
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
