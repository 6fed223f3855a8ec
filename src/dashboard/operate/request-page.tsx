import { useQuery } from '@urql/preact';
import { useState } from 'preact/hooks';
import { useRoute } from 'preact-iso';
import { explain, hasCode } from '../graphql/client.ts';
import type {
  CancelRequestMutationVariables,
  DigestItemKind,
  OneRequestQuery,
  RequestEventType,
} from '../graphql/documents.ts';
import {
  CancelFollowUpDocument,
  CancelRequestDocument,
  OneRequestDocument,
  RequestUpdatesDocument,
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
import { inWords } from '../parts/words.ts';
import { hasRole, session } from '../session/session.ts';
import { nameRecipient } from './digests-page.tsx';
import { describeOutcome, describeReason } from './outcomes.ts';

type OneRequest = NonNullable<OneRequestQuery['request']>;
type Place = OneRequest['digests'][number];
type TimelineEvent = OneRequest['timeline']['edges'][number]['node'];

/** One request from its submission to its end: what happened, in which digests it went, and the mails that told of it. */
export function RequestPage() {
  const current = session.get()!;
  const { params } = useRoute();
  const id = params.id ?? '';
  const variables = { id, mails: hasRole(current, 'operator') };
  const [{ data, error }, ask] = useQuery({ query: OneRequestDocument, variables });
  const soon = useRefresh(ask, { burstMilliseconds: 200, everyMilliseconds: 5_000 });
  useUpdates(RequestUpdatesDocument, { namespace: current.namespace, requestId: id }, soon);
  const request = data?.request;
  if (request == null) {
    return (
      <Page title="Request">
        {error === undefined ? (
          <Loading rows={6} />
        ) : (
          <Notice
            title={hasCode(error, 'NOT_FOUND') ? 'There is no such request' : 'The request cannot be shown'}
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
      title={request.item.description ?? request.item.externalId}
      aside={
        hasRole(current, 'producer', 'supervisor', 'operator') && <RequestActions request={request} onDone={ask} />
      }
    >
      <RequestFacts request={request} />
      <section class="part">
        <h2>What happened</h2>
        <ol class="story">
          {request.timeline.edges.map(({ cursor, node }, index) => {
            const place = placeOf(request, node.type, index);
            const reason = reasonOf(node, place);
            return (
              <li key={cursor}>
                <span class="story-what">
                  {inWords(node.type)} <span class="muted">by {node.actor}</span>
                  <DigestLink place={place} />
                </span>
                <span class="muted story-when">
                  <Ago at={node.at} />
                </span>
                {reason !== null && <p class="story-reason">{reason}</p>}
              </li>
            );
          })}
        </ol>
      </section>
      <RequestDigests places={request.digests} />
    </Page>
  );
}

function RequestFacts({ request }: { readonly request: OneRequest }) {
  const { item, customer, answer } = request;
  return (
    <dl class="facts facts-wide">
      <Fact name="Status" value={<Status value={request.status} />} />
      <Fact name="Item" value={`${item.quantity.toLocaleString()} × ${item.externalId}`} />
      <Fact name="Customer" value={`${customer.name ?? customer.externalId} <${customer.email}>`} />
      <Fact name="Provider" value={request.providerExternalId} />
      <Fact name="Submitted" value={`${formatExact(request.submittedAt)} by ${request.submittedBy}`} />
      {answer !== null && <Fact name="Answer" value={describeAnswer(answer)} />}
      {request.followUpAt !== null && <Fact name="Next follow-up" value={formatExact(request.followUpAt)} />}
      {request.endReason !== null && <Fact name="Ended" value={request.endReason} />}
    </dl>
  );
}

function describeAnswer({ outcome, note }: NonNullable<OneRequest['answer']>): string {
  return note === null ? describeOutcome(outcome) : `${describeOutcome(outcome)}: ${note}`;
}

function Fact({ name, value }: { readonly name: string; readonly value: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function RequestDigests({ places }: { readonly places: readonly Place[] }) {
  return (
    <section class="part">
      <h2>Digests and mails</h2>
      {places.length === 0 && <p class="muted">It is in none.</p>}
      <ul class="cards">
        {places.map((place, index) => (
          <li key={index} class="card">
            <a href={`/digests/${place.digest.id}`}>
              {inWords(place.kind)}: digest {place.digest.number ?? ''} to {nameRecipient(place.digest)}
            </a>
            <div class="card-line">
              <span class="muted">
                window until {formatExact(place.digest.windowEnd)}
                {place.digest.sentAt !== null && <>, sent {formatExact(place.digest.sentAt)}</>}
              </span>
              <span class="card-state">
                <Status value={place.digest.status} />
              </span>
            </div>
            {place.mail != null && (
              <div class="card-line">
                <a href={`/mails/${place.mail.id}`}>Mail to {place.mail.to}</a>
                <span class="card-state">
                  <Status value={place.mail.status} />
                </span>
              </div>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Which place in a digest an event tells of. Each reminder is one of its own, in the order in which they came. */
const kindOf: Partial<Record<RequestEventType, DigestItemKind>> = {
  IN_DIGEST: 'REQUEST',
  NOTIFIED: 'REQUEST',
  CUSTOMER_NOTIFIED: 'ANSWER',
  FOLLOWED_UP: 'FOLLOW_UP',
  REMINDED: 'REMINDER',
  CLOSED: 'CLOSED',
  CANCELLED: 'CANCELLED',
};

function placeOf({ digests, timeline }: OneRequest, type: RequestEventType, index: number): Place | undefined {
  const places = digests.filter(({ kind }) => kind === kindOf[type]);
  const before = timeline.edges.slice(0, index).filter(({ node }) => node.type === type).length;
  return places[type === 'REMINDED' ? before : 0];
}

/** What is to be said beside an event. The number of its digest is in the link to it already. */
function reasonOf({ type, reason }: TimelineEvent, place: Place | undefined): string | null {
  if (reason === null) return null;
  if (type === 'ANSWERED') return describeReason(reason);
  return place !== undefined && reason === `Digest ${place.digest.number}` ? null : reason;
}

function DigestLink({ place }: { readonly place: Place | undefined }) {
  if (place === undefined) return null;
  return (
    <>
      {' · '}
      <a href={`/digests/${place.digest.id}`}>
        {place.digest.number === null ? 'its digest' : `digest ${place.digest.number}`}
      </a>
    </>
  );
}

type Variables = CancelRequestMutationVariables;

const acts = {
  cancel: {
    name: 'Take back',
    text: 'It leaves its digest; a provider that has it is told that it is taken back.',
    send: (perform: Perform, variables: Variables) => perform(CancelRequestDocument, variables, 'RequestChanged'),
  },
  leave: {
    name: 'Stop asking',
    text: 'It is not followed up, and nobody is reminded.',
    send: (perform: Perform, variables: Variables) => perform(CancelFollowUpDocument, variables, 'RequestChanged'),
  },
} as const;

type Act = keyof typeof acts;

function RequestActions({ request, onDone }: { readonly request: OneRequest; readonly onDone: () => void }) {
  const perform = usePerform();
  const [asking, setAsking] = useState<Act>();
  const isOpen = request.status === 'RECEIVED' || request.status === 'NOTIFIED' || request.status === 'OVERDUE';
  if (!isOpen) return null;
  const confirm = async (act: Act, reason: string): Promise<string | undefined> => {
    const { fault } = await acts[act].send(perform, { input: { requestId: request.id, reason: reason || null } });
    // A refusal says that the request stands otherwise than this page shows.
    onDone();
    if (fault !== undefined) return fault;
    announce(`${acts[act].name}: done.`, 'good');
  };
  return (
    <>
      {request.followUpAt !== null && <Button onClick={() => setAsking('leave')}>{acts.leave.name} …</Button>}
      <Button onClick={() => setAsking('cancel')}>{acts.cancel.name} …</Button>
      {asking !== undefined && (
        <ActionDialog
          title={`${acts[asking].name}?`}
          confirm={acts[asking].name}
          reason={asking === 'cancel' ? 'needed' : 'none'}
          look={asking === 'cancel' ? 'bad' : 'main'}
          onConfirm={(reason) => confirm(asking, reason)}
          onClose={() => setAsking(undefined)}
        >
          <p>{acts[asking].text}</p>
        </ActionDialog>
      )}
    </>
  );
}
