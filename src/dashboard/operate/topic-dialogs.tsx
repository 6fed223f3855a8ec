import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import {
  PauseTopicDocument,
  PurgeTopicDocument,
  RedriveDeadLettersDocument,
  ResumeTopicDocument,
} from '../graphql/documents.ts';
import { usePerform } from '../graphql/outcome.ts';
import { ActionDialog } from '../parts/action-dialog.tsx';
import { announce } from '../parts/announcer.tsx';
import { MomentField, NumberField, readMoment, readNumber } from '../parts/fields.tsx';
import { plural } from '../parts/words.ts';

export type TopicAct = 'pause' | 'resume' | 'purge' | 'redrive';

interface TopicDialogProps {
  readonly namespace: string;
  readonly topic: string;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

/** Changes a topic, after it was asked once more; with a count first, where items are concerned. */
export function TopicDialog({ act, ...props }: TopicDialogProps & { readonly act: TopicAct }) {
  switch (act) {
    case 'pause':
      return <PauseDialog {...props} />;
    case 'resume':
      return <ResumeDialog {...props} />;
    case 'purge':
      return <PurgeDialog {...props} />;
    case 'redrive':
      return <RedriveDialog {...props} />;
  }
}

function PauseDialog({ namespace, topic, onDone, onClose }: TopicDialogProps) {
  const perform = usePerform();
  const [until, setUntil] = useState('');
  const pause = async (reason: string): Promise<string | undefined> => {
    const input = { namespace, topic, reason, until: readMoment(until) };
    const { fault } = await perform(PauseTopicDocument, { input }, 'TopicSaved');
    if (fault !== undefined) return fault;
    announce(`${topic}: paused.`, 'good');
    onDone();
  };
  return (
    <ActionDialog title={`Pause ${topic}?`} confirm="Pause" reason="needed" onConfirm={pause} onClose={onClose}>
      <p>Nothing is delivered until it is resumed. What is leased may still be acknowledged; enqueuing goes on.</p>
      <MomentField name="Until (optional; else until somebody resumes it)" value={until} onChange={setUntil} />
    </ActionDialog>
  );
}

function ResumeDialog({ namespace, topic, onDone, onClose }: TopicDialogProps) {
  const perform = usePerform();
  const resume = async (reason: string): Promise<string | undefined> => {
    const input = { namespace, topic, reason: reason || null };
    const { fault } = await perform(ResumeTopicDocument, { input }, 'TopicSaved');
    if (fault !== undefined) return fault;
    announce(`${topic}: resumed.`, 'good');
    onDone();
  };
  return (
    <ActionDialog title={`Resume ${topic}?`} confirm="Resume" onConfirm={resume} onClose={onClose}>
      <p>What is ready is delivered at once.</p>
    </ActionDialog>
  );
}

function PurgeDialog({ namespace, topic, onDone, onClose }: TopicDialogProps) {
  const perform = usePerform();
  const [atLeast, setAtLeast] = useState('');
  const run = async (reason: string, dryRun: boolean): Promise<Counted> => {
    const input = { namespace, topic, reason: reason || null, dryRun, priorityAtLeast: readNumber(atLeast) };
    const { done, fault } = await perform(PurgeTopicDocument, { input }, 'TopicPurged');
    return done === undefined ? { fault } : { items: done.items };
  };
  return (
    <CountingDialog
      title={`Purge ${topic}?`}
      verb="Purge"
      look="bad"
      reason="needed"
      filter={atLeast}
      run={run}
      onDone={onDone}
      onClose={onClose}
    >
      <p>All items that are not leased leave the queue for good.</p>
      <NumberField
        name="Only with this priority or a worse one (optional)"
        value={atLeast}
        onChange={setAtLeast}
        min={-2_147_483_648}
        max={2_147_483_647}
        placeholder="any"
      />
    </CountingDialog>
  );
}

function RedriveDialog({ namespace, topic, onDone, onClose }: TopicDialogProps) {
  const perform = usePerform();
  const [words, setWords] = useState('');
  const [rate, setRate] = useState('');
  const run = async (reason: string, dryRun: boolean): Promise<Counted> => {
    const input = {
      namespace,
      topic,
      dryRun,
      limit: 10_000,
      reason: reason || null,
      reasonContains: words.trim() || null,
      itemsPerSecond: readNumber(rate),
    };
    const { done, fault } = await perform(RedriveDeadLettersDocument, { input }, 'DeadLettersRedriven');
    return done === undefined ? { fault } : { items: done.items };
  };
  return (
    <CountingDialog
      title={`Redrive the dead letters of ${topic}?`}
      verb="Redrive"
      reason="optional"
      filter={words}
      run={run}
      onDone={onDone}
      onClose={onClose}
    >
      <p>They go back to this topic, with all their attempts before them; at most 10,000 at a time.</p>
      <div class="form-pair">
        <label class="field">
          <span>Only where the reason says (optional)</span>
          <input value={words} maxLength={200} onInput={(event) => setWords(event.currentTarget.value)} />
        </label>
        <NumberField name="A second (optional)" value={rate} onChange={setRate} min={1} placeholder="all at once" />
      </div>
    </CountingDialog>
  );
}

type Counted =
  | { readonly items: number; readonly fault?: undefined }
  | { readonly items?: undefined; readonly fault: string };

interface CountingDialogProps {
  readonly title: string;
  readonly verb: string;
  readonly look?: 'main' | 'bad';
  readonly reason: 'needed' | 'optional';
  /** What narrows the count down; it is counted anew when this changes. */
  readonly filter: string;
  readonly run: (reason: string, dryRun: boolean) => Promise<Counted>;
  readonly children: ComponentChildren;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

const restMilliseconds = 300;

/** Says how many items it is about before it is done. */
function CountingDialog({ title, verb, look, reason, filter, run, children, onDone, onClose }: CountingDialogProps) {
  const [counted, setCounted] = useState<Counted & { readonly filter: string }>();
  useEffect(() => {
    let left = false;
    const timer = setTimeout(
      () => void run('', true).then((found) => !left && setCounted({ ...found, filter })),
      counted === undefined ? 0 : restMilliseconds,
    );
    return () => {
      left = true;
      clearTimeout(timer);
    };
  }, [filter]);
  const count = counted?.filter === filter ? counted.items : undefined;
  return (
    <ActionDialog
      title={title}
      confirm={count === undefined ? verb : `${verb} ${plural(count, 'item')}`}
      look={look ?? 'main'}
      reason={reason}
      disabled={count === undefined || count === 0}
      onConfirm={async (why) => {
        const { items, fault } = await run(why, false);
        if (items === undefined) return fault;
        announce(`${plural(items, 'item')}: done.`, 'good');
        onDone();
      }}
      onClose={onClose}
    >
      {children}
      {counted?.fault !== undefined && (
        <p class="fault" role="alert">
          {counted.fault}
        </p>
      )}
      <p class="muted small" role="status">
        {count === 0 ? 'There is nothing to do.' : ''}
      </p>
    </ActionDialog>
  );
}
