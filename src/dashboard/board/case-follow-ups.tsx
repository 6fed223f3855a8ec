import { useClient, useQuery } from '@urql/preact';
import { useState } from 'preact/hooks';
import { onOwnOrigin } from '../documents/load-document.ts';
import { saveBlob } from '../documents/save-blob.ts';
import { explain } from '../graphql/client.ts';
import type { CaseFollowUpsQuery } from '../graphql/documents.ts';
import { CaseFollowUpsDocument } from '../graphql/documents.ts';
import { useRefresh } from '../live/use-refresh.ts';
import { announce } from '../parts/announcer.tsx';
import { Button } from '../parts/button.tsx';
import { Status } from '../parts/status.tsx';
import { formatExact } from '../parts/times.tsx';
import { formatBytes } from '../parts/words.ts';

type FollowUps = NonNullable<CaseFollowUpsQuery['case']>;

/** What follows from a case: its mails and checks as tasks, and its audit trail as a file. For those who may see them. */
export function CaseFollowUps({ caseId }: { readonly caseId: string }) {
  const [{ data }, ask] = useQuery({ query: CaseFollowUpsDocument, variables: { id: caseId } });
  useRefresh(ask, { burstMilliseconds: 500, everyMilliseconds: 10_000 });
  const found = data?.case;
  if (found == null) return null;
  const tasks = (found.jobs ?? []).flatMap((job) => job.tasks);
  return (
    <>
      {tasks.length > 0 && (
        <div class="side-part">
          <h2 class="side-heading">What follows from it</h2>
          <ul class="follow-ups">
            {tasks.map((task) => (
              <li key={task.id}>
                <a href={`/tasks/${task.id}`}>{task.kind}</a> <Status value={task.status} />
              </li>
            ))}
          </ul>
        </div>
      )}
      {found.auditExport !== null && <AuditExport caseId={caseId} made={found.auditExport} />}
    </>
  );
}

interface AuditExportProps {
  readonly caseId: string;
  readonly made: NonNullable<FollowUps['auditExport']>;
}

function AuditExport({ caseId, made }: AuditExportProps) {
  const client = useClient();
  const [busy, setBusy] = useState(false);
  const save = async (): Promise<void> => {
    // A signed URL is good for a minute only, so a new one is asked for.
    const { data, error } = await client.query(CaseFollowUpsDocument, { id: caseId }).toPromise();
    const url = data?.case?.auditExport?.url;
    if (url === undefined) return announce(error === undefined ? 'It is not there any more.' : explain(error), 'bad');
    const response = await fetch(onOwnOrigin(url));
    if (!response.ok) return announce('The gateway refused to send it.', 'bad');
    saveBlob(await response.blob(), `case-${caseId}.json`);
  };
  return (
    <div class="side-part">
      <h2 class="side-heading">Audit trail</h2>
      <p class="small">
        Written out {formatExact(made.createdAt)}, {formatBytes(made.sizeBytes)}, SHA-256{' '}
        <span class="mono digest-text">{made.sha256}</span>
      </p>
      <Button
        busy={busy}
        onClick={() => {
          setBusy(true);
          save()
            .catch(() => announce('The gateway cannot be reached.', 'bad'))
            .finally(() => setBusy(false));
        }}
      >
        Save it
      </Button>
    </div>
  );
}
