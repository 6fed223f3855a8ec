/**
 * Notes that are being written, in this browser alone. They outlive a reload, a crash and a lost lease; deciding the
 * case removes them, and so does a week.
 */
const prefix = 'caseload.draft.';
const keptMilliseconds = 7 * 86_400_000;

interface Draft {
  readonly text: string;
  readonly at: number;
}

export interface DraftPlace {
  readonly subject: string;
  readonly caseId: string;
}

export function readDraft(place: DraftPlace): string {
  return parse(localStorage.getItem(keyOf(place)))?.text ?? '';
}

export function writeDraft(place: DraftPlace, text: string): void {
  if (text === '') localStorage.removeItem(keyOf(place));
  else localStorage.setItem(keyOf(place), JSON.stringify({ text, at: Date.now() }));
}

/** Removes what is older than a week. */
export function forgetOldDrafts(): void {
  const keys = Object.keys(localStorage).filter((key) => key.startsWith(prefix));
  for (const key of keys) {
    const draft = parse(localStorage.getItem(key));
    if (draft === undefined || Date.now() - draft.at > keptMilliseconds) localStorage.removeItem(key);
  }
}

function keyOf({ subject, caseId }: DraftPlace): string {
  return `${prefix}${subject}.${caseId}`;
}

function parse(text: string | null): Draft | undefined {
  if (text === null) return undefined;
  try {
    return JSON.parse(text) as Draft;
  } catch {
    // Not ours, or of an older version.
    return undefined;
  }
}
