/** Fields of dialogs. What they hold is text until it is sent, so that half a number is no fault while it is typed. */

interface FieldProps {
  readonly name: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  /** Said in an empty field. */
  readonly placeholder?: string;
  readonly first?: boolean;
}

interface NumberFieldProps extends FieldProps {
  readonly min: number;
  readonly max?: number;
  readonly required?: boolean;
}

/** A whole number; empty where none is meant. */
export function NumberField({ name, value, onChange, placeholder, min, max, required, first }: NumberFieldProps) {
  return (
    <label class="field">
      <span>{name}</span>
      <input
        type="number"
        inputMode="numeric"
        step={1}
        min={min}
        max={max}
        required={required}
        value={value}
        placeholder={placeholder}
        data-first={first === true ? '' : undefined}
        onInput={(event) => onChange(event.currentTarget.value)}
      />
    </label>
  );
}

/** A moment on this machine's clocks. */
export function MomentField({ name, value, onChange }: FieldProps) {
  return (
    <label class="field">
      <span>{name}</span>
      <input type="datetime-local" value={value} onInput={(event) => onChange(event.currentTarget.value)} />
    </label>
  );
}

/** @returns null for an empty field */
export function readNumber(value: string): number | null {
  return value.trim() === '' ? null : Number(value);
}

/** @returns the moment in UTC, null for an empty field */
export function readMoment(value: string): string | null {
  return value === '' ? null : new Date(value).toISOString();
}

/** What a field shows for a moment, on this machine's clocks. */
export function showMoment(at: string): string {
  const date = new Date(at);
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}
