import type { Session } from './session/session.ts';
import { hasRole } from './session/session.ts';

/** A page in the navigation. */
export interface Place {
  readonly path: string;
  readonly name: string;
  readonly group: 'Work' | 'Operate';
  readonly roles: readonly string[];
}

const places: readonly Place[] = [{ path: '/desk', name: 'Desk', group: 'Work', roles: ['auditor', 'supervisor'] }];

/** The pages for this session, the first one being where it starts. */
export function placesFor(session: Session): readonly Place[] {
  return places.filter(({ roles }) => hasRole(session, ...roles));
}
