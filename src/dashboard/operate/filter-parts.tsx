import { useEffect, useState } from 'preact/hooks';
import { inWords } from '../parts/words.ts';

interface FilterTextProps {
  readonly name: string;
  readonly value: string | undefined;
  readonly placeholder: string;
  readonly onChange: (value: string) => void;
}

/** A filter that is typed; it takes effect with Enter, or when the field is left. */
export function FilterText({ name, value, placeholder, onChange }: FilterTextProps) {
  const [text, setText] = useState(value ?? '');
  useEffect(() => setText(value ?? ''), [value]);
  return (
    <label class="filter">
      <span>{name}</span>
      <input
        class="select filter-name"
        value={text}
        placeholder={placeholder}
        maxLength={200}
        onInput={(event) => setText(event.currentTarget.value)}
        onChange={() => onChange(text)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') onChange(text);
        }}
      />
    </label>
  );
}

interface FilterChoiceProps {
  readonly name: string;
  readonly value: string | undefined;
  readonly all: string;
  readonly choices: readonly (readonly [value: string, text: string])[];
  readonly onChange: (value: string) => void;
}

export function FilterChoice({ name, value, all, choices, onChange }: FilterChoiceProps) {
  return (
    <label class="filter">
      <span>{name}</span>
      <select class="select" value={value ?? ''} onChange={(event) => onChange(event.currentTarget.value)}>
        <option value="">{all}</option>
        {choices.map(([choice, text]) => (
          <option key={choice} value={choice}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

interface FilterCheckProps {
  readonly name: string;
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
}

export function FilterCheck({ name, checked, onChange }: FilterCheckProps) {
  return (
    <label class="check">
      <input type="checkbox" checked={checked} onChange={(event) => onChange(event.currentTarget.checked)} />
      {name}
    </label>
  );
}

interface StatusChipsProps {
  readonly statuses: readonly string[];
  readonly chosen: readonly string[];
  readonly counts?: Readonly<Record<string, number>> | undefined;
  readonly onChange: (statuses: readonly string[]) => void;
}

/** Every status with its count; those that are pressed are shown, all when none is. */
export function StatusChips({ statuses, chosen, counts, onChange }: StatusChipsProps) {
  return (
    <fieldset class="chips">
      <legend class="hidden">Status</legend>
      {statuses.map((status) => {
        const pressed = chosen.includes(status);
        return (
          <button
            key={status}
            type="button"
            class="chip"
            aria-pressed={pressed}
            onClick={() => onChange(pressed ? chosen.filter((one) => one !== status) : [...chosen, status])}
          >
            {inWords(status)}
            {counts !== undefined && <span class="chip-count">{(counts[status] ?? 0).toLocaleString()}</span>}
          </button>
        );
      })}
    </fieldset>
  );
}
