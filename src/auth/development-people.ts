import type { Role } from '../domain/actor.ts';

/** Somebody to try things as, in development. */
export interface DevelopmentPerson {
  readonly name: string;
  readonly role: Role;
  /** What this person does, for a list to choose from. */
  readonly does: string;
  /** Enters every namespace, not only that of the example data. */
  readonly everywhere?: boolean;
}

/** The tenant that comes with example data. */
export const developmentNamespace = 'acme';

export const developmentPeople: readonly DevelopmentPerson[] = [
  { name: 'alice', role: 'applicant', does: 'registers cases and follows them' },
  { name: 'bob', role: 'auditor', does: 'claims cases and decides them' },
  { name: 'carol', role: 'auditor', does: 'claims cases and decides them' },
  { name: 'sue', role: 'supervisor', does: 'decides cases, and sees and mends everything' },
  { name: 'olga', role: 'operator', does: 'sees and mends everything' },
  { name: 'ida', role: 'operator', does: 'enters every namespace, and sees the shards', everywhere: true },
];
