import { useState } from 'preact/hooks';
import { classes } from '../parts/classes.ts';
import { acceptedFiles } from './upload.ts';

/** Takes files that are dropped on it, or chosen. */
export function DropZone({ onFiles }: { readonly onFiles: (files: readonly File[]) => void }) {
  const [over, setOver] = useState(false);
  return (
    <fieldset
      class={classes('drop', over && 'drop-over')}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        onFiles([...(event.dataTransfer?.files ?? [])]);
      }}
    >
      <legend class="hidden">Documents</legend>
      <p>Drop documents here, or</p>
      <label class="button">
        Choose files
        <input
          class="hidden"
          type="file"
          multiple
          accept={acceptedFiles}
          onChange={(event) => {
            onFiles([...(event.currentTarget.files ?? [])]);
            // The same file may be chosen again after it was removed.
            event.currentTarget.value = '';
          }}
        />
      </label>
      <p class="muted small">PDF, PNG, JPEG or TIFF, up to 20 MB each</p>
    </fieldset>
  );
}
