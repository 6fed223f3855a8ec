import type { SentUpload } from './use-uploads.ts';

/**
 * A form that is being filled in, in this tab alone: it outlives a reload and a session that ended, and goes with the
 * registration, a sign-out or the tab.
 */
const prefix = 'caseload.register.';

export interface FormDraft {
  readonly values: Readonly<Record<string, string>>;
  /** One form is one case, however often it is sent. */
  readonly key: string;
  readonly uploads: readonly SentUpload[];
}

export function readFormDraft(subject: string): FormDraft {
  const empty = { values: {}, key: crypto.randomUUID(), uploads: [] };
  try {
    return { ...empty, ...(JSON.parse(sessionStorage.getItem(prefix + subject) ?? '{}') as Partial<FormDraft>) };
  } catch {
    // Of an older version; the form begins anew.
    return empty;
  }
}

export function writeFormDraft(subject: string, draft: FormDraft): void {
  sessionStorage.setItem(prefix + subject, JSON.stringify(draft));
}

export function forgetFormDrafts(): void {
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(prefix)) sessionStorage.removeItem(key);
}
