import { useState } from 'preact/hooks';
import type { TopicPartsFragment, UpsertTopicInput } from '../graphql/documents.ts';
import { SaveTopicDocument } from '../graphql/documents.ts';
import { usePerform } from '../graphql/outcome.ts';
import { ActionDialog } from '../parts/action-dialog.tsx';
import { announce } from '../parts/announcer.tsx';
import { NumberField, readNumber } from '../parts/fields.tsx';

interface TopicSettingsDialogProps {
  readonly namespace: string;
  readonly topic: TopicPartsFragment;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

interface NumberSetting {
  readonly name: string;
  readonly key: (typeof keys)[number];
  readonly min: number;
  readonly max?: number;
  /** Said where there is no limit; a setting without this one always has a value. */
  readonly none?: string;
}

const keys = [
  'leaseSeconds',
  'maxAttempts',
  'ttlSeconds',
  'payloadBytesMax',
  'maxDepth',
  'maxInFlight',
  'enqueuesPerSecond',
  'ageingSeconds',
  'shards',
] as const;

const settings: readonly NumberSetting[] = [
  { key: 'leaseSeconds', name: 'Lease, seconds', min: 1, max: 43_200 },
  { key: 'maxAttempts', name: 'Attempts (0: any number)', min: 0, max: 1_000 },
  { key: 'maxDepth', name: 'Open items at most', min: 1, none: 'any number' },
  { key: 'maxInFlight', name: 'Leased at most', min: 1, none: 'any number' },
  { key: 'enqueuesPerSecond', name: 'Enqueued a second, each gateway', min: 1, none: 'any number' },
  { key: 'ttlSeconds', name: 'Time to live, seconds', min: 1, none: 'for ever' },
  { key: 'ageingSeconds', name: 'Ageing: seconds for one priority', min: 1, none: 'none' },
  { key: 'payloadBytesMax', name: 'Payload, bytes at most', min: 0, max: 524_288 },
  { key: 'shards', name: 'Spread over shards', min: 1, max: 4_096 },
];

type Values = Readonly<Record<(typeof keys)[number], string>>;

/** Changes the settings of a topic. Only what was changed is sent, so that two who change others do not undo each other. */
export function TopicSettingsDialog({ namespace, topic, onDone, onClose }: TopicSettingsDialogProps) {
  const perform = usePerform();
  const [before] = useState<Values>(
    () => Object.fromEntries(keys.map((key) => [key, topic[key] === null ? '' : String(topic[key])])) as Values,
  );
  const [values, setValues] = useState(before);
  const [history, setHistory] = useState(topic.history);
  const [dead, setDead] = useState(topic.deadLetterTopic ?? '');
  const [first, setFirst] = useState(topic.backoff === null ? '' : String(topic.backoff.firstSeconds));
  const [factor, setFactor] = useState(String(topic.backoff?.factor ?? 2));
  const [cap, setCap] = useState(String(topic.backoff?.capSeconds ?? 3_600));
  const backoff = describe(topic.backoff);
  const nextBackoff =
    first === '' ? null : { firstSeconds: Number(first), factor: Number(factor), capSeconds: Number(cap) };
  const save = async (reason: string): Promise<string | undefined> => {
    const changed = keys.filter((key) => values[key] !== before[key]);
    const input: UpsertTopicInput = {
      namespace,
      name: topic.name,
      reason: reason || null,
      ...Object.fromEntries(changed.map((key) => [key, readNumber(values[key])])),
      ...(history === topic.history ? {} : { history }),
      ...(dead.trim() === (topic.deadLetterTopic ?? '') ? {} : { deadLetterTopic: dead.trim() || null }),
      ...(describe(nextBackoff) === backoff ? {} : { backoff: nextBackoff }),
    };
    const { fault } = await perform(SaveTopicDocument, { input }, 'TopicSaved');
    if (fault !== undefined) return fault;
    announce(`${topic.name}: the settings are changed.`, 'good');
    onDone();
  };
  return (
    <ActionDialog title={`Settings of ${topic.name}`} confirm="Save" wide onConfirm={save} onClose={onClose}>
      <div class="form-grid">
        {settings.map(({ key, name, min, max, none }) => (
          <NumberField
            key={key}
            name={name}
            value={values[key]}
            onChange={(value) => setValues({ ...values, [key]: value })}
            min={min}
            {...(max === undefined ? {} : { max })}
            required={none === undefined}
            first={key === 'leaseSeconds'}
            placeholder={none ?? ''}
          />
        ))}
        <label class="field">
          <span>Dead letters go to</span>
          <input
            value={dead}
            placeholder={`${topic.name}-dead`}
            pattern="[a-z0-9][a-z0-9\-]{0,62}"
            title="Small letters, digits and hyphens"
            spellcheck={false}
            onInput={(event) => setDead(event.currentTarget.value)}
          />
        </label>
        <NumberField
          name="After a nack wait, seconds"
          value={first}
          onChange={setFirst}
          min={1}
          max={43_200}
          placeholder="not at all"
        />
        {first !== '' && (
          <label class="field">
            <span>each time so many times longer</span>
            <input
              type="number"
              min={1}
              max={10}
              step="any"
              required
              value={factor}
              onInput={(event) => setFactor(event.currentTarget.value)}
            />
          </label>
        )}
        {first !== '' && <NumberField name="and at most, seconds" value={cap} onChange={setCap} min={1} required />}
      </div>
      <label class="check">
        <input type="checkbox" checked={history} onChange={(event) => setHistory(event.currentTarget.checked)} />
        Keep the history of every item (without it, only what goes wrong; that is faster)
      </label>
    </ActionDialog>
  );
}

function describe(backoff: TopicPartsFragment['backoff']): string {
  return backoff === null ? '' : `${backoff.firstSeconds} ${backoff.factor} ${backoff.capSeconds}`;
}
