import { useClient } from '@urql/preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { explain, explainProblem } from '../graphql/client.ts';
import { RegisterCaseDocument } from '../graphql/documents.ts';
import { announce } from '../parts/announcer.tsx';
import { Button } from '../parts/button.tsx';
import { Page } from '../parts/page.tsx';
import { session } from '../session/session.ts';
import { DropZone } from './drop-zone.tsx';
import { forgetFormDrafts, readFormDraft, writeFormDraft } from './form-draft.ts';
import { UploadList } from './upload-list.tsx';
import { useUploads } from './use-uploads.ts';

/** Registers a case: who it is about, and the documents. */
export function RegisterPage() {
  const { namespace, subject } = session.get()!;
  const client = useClient();
  const { route } = useLocation();
  const [draft] = useState(() => readFormDraft(subject));
  const form = useRef<HTMLFormElement>(null);
  const uploads = useUploads(namespace, draft.uploads);
  const [fault, setFault] = useState<string>();
  const [busy, setBusy] = useState(false);
  const key = useRef(draft.key);
  const keep = (): void => {
    if (form.current === null) return;
    const values = Object.fromEntries([...new FormData(form.current)].filter(([, value]) => typeof value === 'string'));
    writeFormDraft(subject, {
      values: values as Record<string, string>,
      key: key.current,
      uploads: uploads.list.flatMap(({ id, fileName, sizeBytes, kind, state }) =>
        state.kind === 'sent' ? [{ id, fileName, sizeBytes, kind, documentId: state.documentId }] : [],
      ),
    });
  };
  useEffect(keep, [uploads.list]);
  const sending = uploads.list.some(({ state }) => state.kind === 'sending');
  const refused = uploads.list.some(({ state }) => state.kind === 'refused');
  const addFiles = (files: readonly File[]): void => {
    const left = uploads.add(files);
    if (left > 0) announce(`A case has at most 20 documents; ${left} were left out.`, 'bad');
  };
  const submit = async (): Promise<void> => {
    const values = new FormData(form.current!);
    const text = (name: string): string => String(values.get(name) ?? '').trim();
    const details = Object.fromEntries(
      ['company', 'country', 'remarks'].map((name) => [name, text(name)]).filter(([, value]) => value !== ''),
    );
    const documents = uploads.list.flatMap(({ state, kind }) =>
      state.kind === 'sent' ? [{ documentId: state.documentId, kind }] : [],
    );
    const input = {
      namespace,
      topic: text('topic') || 'cases',
      applicant: { name: text('name'), email: text('email'), details },
      documents,
      idempotencyKey: key.current,
    };
    const { data, error } = await client.mutation(RegisterCaseDocument, { input }).toPromise();
    if (error !== undefined) return setFault(explain(error));
    const result = data!.register;
    if (result.__typename !== 'CaseRegistered') {
      // The next attempt is another request than the one that was refused.
      key.current = crypto.randomUUID();
      keep();
      return setFault(explainProblem(result));
    }
    forgetFormDrafts();
    announce('Your case is registered.', 'good');
    route(`/apply/${result.case.id}`);
  };
  return (
    <Page title="Register a case" narrow>
      <form
        class="form"
        ref={form}
        onInput={keep}
        onSubmit={(event) => {
          event.preventDefault();
          setFault(undefined);
          setBusy(true);
          void submit().finally(() => setBusy(false));
        }}
      >
        <div class="form-pair">
          <label class="field">
            <span>Name</span>
            <input name="name" defaultValue={draft.values.name} required maxLength={200} autoComplete="name" />
          </label>
          <label class="field">
            <span>E-mail</span>
            <input
              name="email"
              defaultValue={draft.values.email}
              type="email"
              required
              maxLength={200}
              autoComplete="email"
            />
          </label>
        </div>
        <div class="form-pair">
          <label class="field">
            <span>Company (optional)</span>
            <input name="company" defaultValue={draft.values.company} maxLength={200} autoComplete="organization" />
          </label>
          <label class="field">
            <span>Country (optional)</span>
            <input name="country" defaultValue={draft.values.country} maxLength={200} autoComplete="country-name" />
          </label>
        </div>
        <label class="field">
          <span>Anything we should know (optional)</span>
          <textarea name="remarks" defaultValue={draft.values.remarks} rows={3} maxLength={2_000} />
        </label>
        <DropZone onFiles={addFiles} />
        <UploadList uploads={uploads} />
        {fault !== undefined && (
          <p class="fault" role="alert">
            {fault}
          </p>
        )}
        <div class="form-end">
          <Button type="submit" look="main" big busy={busy} disabled={sending || refused}>
            Register
          </Button>
          <span class="muted" role="status">
            {sending && 'Documents are still on their way.'}
            {!sending && refused && 'Send the refused document again, or remove it.'}
          </span>
        </div>
      </form>
    </Page>
  );
}
