import type { Client } from '@urql/preact';
import { useClient } from '@urql/preact';
import { useEffect, useState } from 'preact/hooks';
import { explain, explainProblem } from '../graphql/client.ts';
import {
  PauseTopicDocument,
  PurgeTopicDocument,
  RedriveDeadLettersDocument,
  ResumeTopicDocument,
} from '../graphql/documents.ts';
import { ActionDialog } from '../parts/action-dialog.tsx';
import { announce } from '../parts/announcer.tsx';
import { plural } from '../parts/words.ts';

export type TopicAct = 'pause' | 'resume' | 'purge' | 'redrive';

interface TopicDialogProps {
  readonly act: TopicAct;
  readonly namespace: string;
  readonly topic: string;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

interface Words {
  readonly title: string;
  readonly confirm: string;
  readonly text: string;
  readonly reasonNeeded: boolean;
  /** It can say first what it would do. */
  readonly previews: boolean;
}

const words: Readonly<Record<TopicAct, Words>> = {
  pause: {
    title: 'Pause',
    confirm: 'Pause',
    text: 'Nothing is delivered until it is resumed. What is leased may still be acknowledged; enqueuing goes on.',
    reasonNeeded: true,
    previews: false,
  },
  resume: {
    title: 'Resume',
    confirm: 'Resume',
    text: 'What is ready is delivered at once.',
    reasonNeeded: false,
    previews: false,
  },
  purge: {
    title: 'Purge',
    confirm: 'Purge',
    text: 'All items that are not leased leave the queue for good.',
    reasonNeeded: true,
    previews: true,
  },
  redrive: {
    title: 'Redrive the dead letters of',
    confirm: 'Redrive',
    text: 'They go back to the topic that they came from, with all their attempts before them.',
    reasonNeeded: false,
    previews: true,
  },
};

/** Changes a topic, after it was asked once more; with a count first, where items are concerned. */
export function TopicDialog({ act, namespace, topic, onDone, onClose }: TopicDialogProps) {
  const client = useClient();
  const { title, confirm, text, reasonNeeded, previews } = words[act];
  const [count, setCount] = useState<number>();
  const [fault, setFault] = useState<string>();
  const place = { namespace, topic };
  const run = async (reason: string, dryRun: boolean): Promise<number | undefined> => {
    const outcome = await perform(client, act, place, reason, dryRun);
    if ('fault' in outcome) setFault(outcome.fault);
    return 'fault' in outcome ? undefined : outcome.items;
  };
  useEffect(() => {
    if (previews) void run('', true).then(setCount);
  }, []);
  return (
    <ActionDialog
      title={`${title} ${topic}?`}
      confirm={count === undefined ? confirm : `${confirm} ${plural(count, 'item')}`}
      look={act === 'purge' ? 'bad' : 'main'}
      reasonNeeded={reasonNeeded}
      disabled={previews && (count === undefined || count === 0)}
      onConfirm={async (reason) => {
        const items = await run(reason, false);
        if (items === undefined) return false;
        announce(previews ? `${plural(items, 'item')}: done.` : `${topic}: ${act}d.`, 'good');
        onDone();
        return true;
      }}
      onClose={onClose}
    >
      <p>{text}</p>
      {fault !== undefined && (
        <p class="fault" role="alert">
          {fault}
        </p>
      )}
      {count === 0 && <p>There is nothing to do.</p>}
    </ActionDialog>
  );
}

type Outcome = { readonly items: number } | { readonly fault: string };

async function perform(
  client: Client,
  act: TopicAct,
  place: { readonly namespace: string; readonly topic: string },
  reason: string,
  dryRun: boolean,
): Promise<Outcome> {
  const why = reason || null;
  switch (act) {
    case 'pause': {
      const { data, error } = await client
        .mutation(PauseTopicDocument, { input: { ...place, reason: why } })
        .toPromise();
      return error === undefined ? readOutcome(data!.pauseTopic) : { fault: explain(error) };
    }
    case 'resume': {
      const { data, error } = await client.mutation(ResumeTopicDocument, { input: place }).toPromise();
      return error === undefined ? readOutcome(data!.resumeTopic) : { fault: explain(error) };
    }
    case 'purge': {
      const input = { ...place, reason: why, dryRun };
      const { data, error } = await client.mutation(PurgeTopicDocument, { input }).toPromise();
      return error === undefined ? readOutcome(data!.purgeTopic) : { fault: explain(error) };
    }
    case 'redrive': {
      const { data, error } = await client
        .mutation(RedriveDeadLettersDocument, { input: { ...place, dryRun } })
        .toPromise();
      return error === undefined ? readOutcome(data!.redriveDeadLetters) : { fault: explain(error) };
    }
  }
}

type Answer =
  | { readonly __typename: 'Refused'; readonly message: string }
  | { readonly __typename: 'TopicSaved' }
  | { readonly __typename: 'TopicPurged' | 'DeadLettersRedriven'; readonly items: number };

function readOutcome(answer: Answer): Outcome {
  if (answer.__typename === 'Refused') return { fault: explainProblem(answer) };
  return { items: 'items' in answer ? answer.items : 0 };
}
