const prefix = 'caseload.topics-left-out.';

/** The topics of a namespace that this person leaves out; new topics are taken part in until they are left out. */
export function readLeftOutTopics(namespace: string): readonly string[] {
  const kept = localStorage.getItem(prefix + namespace);
  return kept === null ? [] : kept.split(',');
}

export function keepLeftOutTopics(namespace: string, leftOut: readonly string[]): void {
  if (leftOut.length === 0) localStorage.removeItem(prefix + namespace);
  else localStorage.setItem(prefix + namespace, leftOut.join(','));
}
