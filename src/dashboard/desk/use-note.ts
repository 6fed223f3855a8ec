import { useState } from 'preact/hooks';
import { readDraft, writeDraft } from './drafts.ts';

export interface Note {
  readonly text: string;
  readonly write: (text: string) => void;
}

/** The note of a case that is being written; every letter is kept at once. */
export function useNote(subject: string, caseId: string): Note {
  const place = { subject, caseId };
  const [text, setText] = useState(() => readDraft(place));
  return {
    text,
    write(next) {
      writeDraft(place, next);
      setText(next);
    },
  };
}
