import { Button } from '../parts/button.tsx';
import { formatBytes, inWords } from '../parts/words.ts';
import type { Upload, Uploads } from './use-uploads.ts';
import { documentKinds } from './use-uploads.ts';

/** The documents so far: what was sent, what is on its way, what was refused and why. */
export function UploadList({ uploads }: { readonly uploads: Uploads }) {
  if (uploads.list.length === 0) return null;
  return (
    <ul class="uploads" aria-label="Documents">
      {uploads.list.map((upload) => (
        <li key={upload.id} class={`upload upload-${upload.state.kind}`}>
          <div class="upload-name">
            <strong>{upload.fileName}</strong>
            <span class="muted small">{formatBytes(upload.sizeBytes)}</span>
          </div>
          <UploadState upload={upload} />
          <div class="upload-tools">
            <select
              class="select"
              aria-label={`What ${upload.fileName} is`}
              value={upload.kind}
              onChange={(event) => uploads.setKind(upload.id, event.currentTarget.value)}
            >
              {documentKinds.map((kind) => (
                <option key={kind} value={kind}>
                  {inWords(kind)}
                </option>
              ))}
            </select>
            {upload.state.kind === 'refused' && (
              <Button look="quiet" onClick={() => uploads.retry(upload.id)}>
                Again
              </Button>
            )}
            <Button look="quiet" label={`Remove ${upload.fileName}`} onClick={() => uploads.remove(upload.id)}>
              ✕
            </Button>
          </div>
        </li>
      ))}
    </ul>
  );
}

function UploadState({ upload: { state, fileName } }: { readonly upload: Upload }) {
  switch (state.kind) {
    case 'sending':
      return <progress class="upload-state" value={state.part} max={1} aria-label={`Sending ${fileName}`} />;
    case 'sent':
      return <span class="upload-state status status-good">Sent and checked</span>;
    case 'refused':
      return (
        <span class="upload-state status status-bad" role="alert">
          {state.message}
        </span>
      );
  }
}
