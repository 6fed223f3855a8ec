import { useQuery } from '@urql/preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useRoute } from 'preact-iso';
import { explain, hasCode } from '../graphql/client.ts';
import type { FlushDigestMutationVariables, OneDigestQuery } from '../graphql/documents.ts';
import {
  DigestPreviewDocument,
  FlushDigestDocument,
  OneDigestDocument,
  RequestUpdatesDocument,
  ResendDigestDocument,
  SkipDigestDocument,
} from '../graphql/documents.ts';
import type { Perform } from '../graphql/outcome.ts';
import { usePerform } from '../graphql/outcome.ts';
import { useRefresh } from '../live/use-refresh.ts';
import { useUpdates } from '../live/use-updates.ts';
import { ActionDialog } from '../parts/action-dialog.tsx';
import { announce } from '../parts/announcer.tsx';
import { Button } from '../parts/button.tsx';
import { Loading, Notice } from '../parts/notice.tsx';
import { Page } from '../parts/page.tsx';
import { Status } from '../parts/status.tsx';
import { Ago, formatExact } from '../parts/times.tsx';
import { inWords, plural } from '../parts/words.ts';
import { hasRole, session } from '../session/session.ts';
import { nameRecipient } from './digests-page.tsx';
import { MailBody } from './mail-body.tsx';
import { RequestTable } from './request-table.tsx';

type Digest = NonNullable<OneDigestQuery['digest']>;

/** One digest: its window, what is in it, and its mail as it goes out. */
export function DigestPage() {
  const current = session.get()!;
  const { params } = useRoute();
  const id = params.id ?? '';
  const [{ data, error }, ask] = useQuery({ query: OneDigestDocument, variables: { id } });
  const soon = useRefresh(ask, { burstMilliseconds: 500, everyMilliseconds: 5_000 });
  // What becomes of a digest is told by its requests.
  useUpdates(RequestUpdatesDocument, { namespace: current.namespace }, soon);
  const digest = data?.digest;
  if (digest == null) {
    return (
      <Page title="Digest">
        {error === undefined ? (
          <Loading rows={6} />
        ) : (
          <Notice
            title={hasCode(error, 'NOT_FOUND') ? 'There is no such digest' : 'The digest cannot be shown'}
            tone="bad"
          >
            {explain(error)}
          </Notice>
        )}
      </Page>
    );
  }
  return (
    <Page
      title={nameRecipient(digest)}
      aside={hasRole(current, 'supervisor', 'operator') && <DigestActions digest={digest} onDone={ask} />}
    >
      <p class="lead">
        <Status value={digest.status} />{' '}
        <span class="muted">
          {plural(digest.itemCount, 'item')}, window {formatExact(digest.windowStart)} to{' '}
          {formatExact(digest.windowEnd)}
          {digest.sentAt !== null && <>, sent {formatExact(digest.sentAt)}</>} ·{' '}
          <a href={`/jobs/${digest.jobId}`}>its tasks</a>
          {hasRole(current, 'operator') && (
            <>
              {' · '}
              <a href={`/mails?about=${digest.id}`}>its mails</a>
            </>
          )}
        </span>
      </p>
      {digest.held && <p class="control control-paused">It is due, but its recipient is paused or its mail bounces.</p>}
      {digest.failure !== null && (
        <p class="fault" role="alert">
          {digest.failure}
        </p>
      )}
      <DigestMail key={digest.id} digest={digest} />
      <section class="part">
        <h2>What is in it</h2>
        <RequestTable requests={digest.items.edges.map(({ node }) => node.request)} />
        {digest.items.pageInfo.hasNextPage && <p class="muted">… and more</p>}
      </section>
      <section class="part">
        <h2>So far</h2>
        <ol class="story">
          {digest.events.edges.toReversed().map(({ cursor, node }) => (
            <li key={cursor}>
              <span class="story-what">
                {inWords(node.type)} <span class="muted">by {node.actor}</span>
              </span>
              <span class="muted story-when">
                <Ago at={node.at} />
              </span>
              {node.reason !== null && <p class="story-reason">{node.reason}</p>}
            </li>
          ))}
        </ol>
      </section>
    </Page>
  );
}

/** The mail of a digest, asked for again whenever the digest was, so that both tell of the same state. */
function DigestMail({ digest }: { readonly digest: Digest }) {
  const [part, setPart] = useState(1);
  const [{ data, error }, ask] = useQuery({ query: DigestPreviewDocument, variables: { id: digest.id, part } });
  const seen = useRef(digest);
  useEffect(() => {
    if (seen.current === digest) return;
    seen.current = digest;
    ask();
  }, [digest]);
  const preview = data?.previewDigest;
  if (preview === undefined) {
    return error === undefined ? (
      <Loading rows={3} />
    ) : (
      <Notice title="There is no mail to show">{explain(error)}</Notice>
    );
  }
  return (
    <section class="mail" aria-label="The mail">
      <div class="mail-head">
        <h2>{preview.subject}</h2>
        <span class="muted">
          to {preview.to} · {describeMail(digest, preview.isFinal)}
        </span>
        {preview.parts > 1 && (
          <span class="mail-parts">
            <Button look="quiet" onClick={() => setPart(part - 1)} disabled={part <= 1}>
              Before
            </Button>
            Mail {preview.part} of {preview.parts}
            <Button look="quiet" onClick={() => setPart(part + 1)} disabled={part >= preview.parts}>
              Next
            </Button>
          </span>
        )}
      </div>
      <MailBody text={preview.text} html={preview.html} />
    </section>
  );
}

function describeMail({ status }: Digest, isFinal: boolean): string {
  if (!isFinal) return 'as it would look now';
  return status === 'SENT' ? 'the mail that was sent' : 'as it goes out';
}

type Variables = FlushDigestMutationVariables;

const acts = {
  flush: {
    name: 'Send now',
    text: 'Its window ends now, and it is sent.',
    send: (perform: Perform, variables: Variables) => perform(FlushDigestDocument, variables, 'DigestChanged'),
  },
  skip: {
    name: 'Skip',
    text: 'No mail goes out for this window. What it holds goes with the next one.',
    send: (perform: Perform, variables: Variables) => perform(SkipDigestDocument, variables, 'DigestChanged'),
  },
  resend: {
    name: 'Send again',
    text: 'The same mail goes out once more.',
    send: (perform: Perform, variables: Variables) => perform(ResendDigestDocument, variables, 'DigestChanged'),
  },
} as const;

type Act = keyof typeof acts;

const actsOf: Readonly<Record<Digest['status'], readonly Act[]>> = {
  OPEN: ['skip', 'flush'],
  SEALED: ['skip'],
  SENDING: [],
  SENT: ['resend'],
  FAILED: ['resend'],
  SKIPPED: [],
};

function DigestActions({ digest, onDone }: { readonly digest: Digest; readonly onDone: () => void }) {
  const perform = usePerform();
  const [asking, setAsking] = useState<Act>();
  const confirm = async (act: Act, reason: string): Promise<string | undefined> => {
    const variables = { input: { digestId: digest.id, reason: reason || null } };
    const { fault } = await acts[act].send(perform, variables);
    // A refusal says that the digest stands otherwise than this page shows.
    onDone();
    if (fault !== undefined) return fault;
    announce(`${acts[act].name}: done.`, 'good');
  };
  return (
    <>
      {actsOf[digest.status].map((act) => (
        <Button key={act} onClick={() => setAsking(act)}>
          {acts[act].name} …
        </Button>
      ))}
      {asking !== undefined && (
        <ActionDialog
          title={`${acts[asking].name}?`}
          confirm={acts[asking].name}
          reason={asking === 'flush' ? 'none' : 'needed'}
          look={asking === 'skip' ? 'bad' : 'main'}
          onConfirm={(reason) => confirm(asking, reason)}
          onClose={() => setAsking(undefined)}
        >
          <p>{acts[asking].text}</p>
        </ActionDialog>
      )}
    </>
  );
}
