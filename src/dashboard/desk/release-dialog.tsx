import { ActionDialog } from '../parts/action-dialog.tsx';

interface ReleaseDialogProps {
  /** @returns why it was not given back */
  readonly onRelease: (reason: string) => Promise<string | undefined>;
  readonly onClose: () => void;
}

/** Asks why a case is given back. */
export function ReleaseDialog({ onRelease, onClose }: ReleaseDialogProps) {
  return (
    <ActionDialog title="Give this case back?" confirm="Give it back" onConfirm={onRelease} onClose={onClose}>
      <p>Others are offered it at once. You will not be offered it again. Your note stays in this browser.</p>
    </ActionDialog>
  );
}
