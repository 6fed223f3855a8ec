import { useState } from 'preact/hooks';
import type { QueueTopicsQuery } from '../graphql/documents.ts';
import { SetNamespaceLimitsDocument } from '../graphql/documents.ts';
import { usePerform } from '../graphql/outcome.ts';
import { ActionDialog } from '../parts/action-dialog.tsx';
import { announce } from '../parts/announcer.tsx';
import { Button } from '../parts/button.tsx';
import { NumberField, readNumber } from '../parts/fields.tsx';
import { hasRole, session } from '../session/session.ts';

interface NamespaceLimitsProps {
  readonly namespace: string;
  readonly limits: QueueTopicsQuery['namespaceLimits'];
  readonly onChanged: () => void;
}

/** What a tenant may do in the queue, all topics together. Only operators of the whole installation change it. */
export function NamespaceLimits({ namespace, limits, onChanged }: NamespaceLimitsProps) {
  const current = session.get()!;
  const [asking, setAsking] = useState(false);
  const mayChange = current.everywhere && hasRole(current, 'operator');
  const parts = [
    limits.maxDepth === null ? undefined : `${limits.maxDepth.toLocaleString()} open items`,
    limits.maxInFlight === null ? undefined : `${limits.maxInFlight.toLocaleString()} leased at once`,
    limits.enqueuesPerSecond === null
      ? undefined
      : `${limits.enqueuesPerSecond.toLocaleString()} enqueued a second at each gateway`,
  ].filter((part) => part !== undefined);
  if (parts.length === 0 && !mayChange) return null;
  return (
    <p class="control">
      <strong>All topics of {namespace} together</strong>
      <span>{parts.length === 0 ? 'no limits' : `at most ${parts.join(', ')}`}</span>
      {mayChange && <Button onClick={() => setAsking(true)}>Limits …</Button>}
      {asking && (
        <LimitsDialog namespace={namespace} limits={limits} onDone={onChanged} onClose={() => setAsking(false)} />
      )}
    </p>
  );
}

interface LimitsDialogProps {
  readonly namespace: string;
  readonly limits: QueueTopicsQuery['namespaceLimits'];
  readonly onDone: () => void;
  readonly onClose: () => void;
}

function LimitsDialog({ namespace, limits, onDone, onClose }: LimitsDialogProps) {
  const perform = usePerform();
  const show = (value: number | null): string => (value === null ? '' : String(value));
  const [depth, setDepth] = useState(show(limits.maxDepth));
  const [inFlight, setInFlight] = useState(show(limits.maxInFlight));
  const [rate, setRate] = useState(show(limits.enqueuesPerSecond));
  const save = async (reason: string): Promise<string | undefined> => {
    const input = {
      namespace,
      maxDepth: readNumber(depth),
      maxInFlight: readNumber(inFlight),
      enqueuesPerSecond: readNumber(rate),
      reason,
    };
    const { fault } = await perform(SetNamespaceLimitsDocument, { input }, 'NamespaceLimitsSaved');
    if (fault !== undefined) return fault;
    announce(`${namespace}: the limits are set.`, 'good');
    onDone();
  };
  return (
    <ActionDialog
      title={`Limits of ${namespace} in the queue`}
      confirm="Set the limits"
      reason="needed"
      onConfirm={save}
      onClose={onClose}
    >
      <p>They hold for all its topics together. An empty field is no limit.</p>
      <NumberField name="Open items at most" value={depth} onChange={setDepth} min={1} placeholder="any number" />
      <NumberField name="Leased at most" value={inFlight} onChange={setInFlight} min={1} placeholder="any number" />
      <NumberField
        name="Enqueued a second, at each gateway"
        value={rate}
        onChange={setRate}
        min={1}
        placeholder="any number"
      />
    </ActionDialog>
  );
}
