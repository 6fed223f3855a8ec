import type { Session } from './session/session.ts';
import { hasRole } from './session/session.ts';

/** A page in the navigation. */
export interface Place {
  readonly path: string;
  readonly name: string;
  readonly group: 'Work' | 'Operate';
  readonly roles: readonly string[];
  /** Pages below another path that belong to it. */
  readonly holds?: string;
  /** Only for those who enter every namespace. */
  readonly everywhere?: boolean;
}

const places: readonly Place[] = [
  { path: '/desk', name: 'Desk', group: 'Work', roles: ['auditor', 'supervisor'] },
  { path: '/board', name: 'Board', group: 'Work', roles: ['auditor', 'supervisor', 'operator'], holds: '/cases' },
  { path: '/apply', name: 'My cases', group: 'Work', roles: ['applicant'] },
  { path: '/tasks', name: 'Tasks', group: 'Operate', roles: ['producer', 'supervisor', 'operator'] },
  { path: '/jobs', name: 'Jobs', group: 'Operate', roles: ['producer', 'supervisor', 'operator'] },
  { path: '/kinds', name: 'Task kinds', group: 'Operate', roles: ['producer', 'supervisor', 'operator'] },
  { path: '/schedules', name: 'Schedules', group: 'Operate', roles: ['producer', 'supervisor', 'operator'] },
  {
    path: '/topics',
    name: 'Queue topics',
    group: 'Operate',
    roles: ['producer', 'consumer', 'supervisor', 'operator'],
    holds: '/items',
  },
  { path: '/requests', name: 'Requests', group: 'Operate', roles: ['producer', 'provider', 'supervisor', 'operator'] },
  { path: '/digests', name: 'Digests', group: 'Operate', roles: ['producer', 'supervisor', 'operator'] },
  { path: '/providers', name: 'Providers', group: 'Operate', roles: ['producer', 'supervisor', 'operator'] },
  { path: '/customers', name: 'Customers', group: 'Operate', roles: ['producer', 'supervisor', 'operator'] },
  { path: '/mails', name: 'Mails', group: 'Operate', roles: ['operator'] },
  { path: '/audit', name: 'Who did what', group: 'Operate', roles: ['supervisor', 'operator'] },
  { path: '/shards', name: 'Shards', group: 'Operate', roles: ['operator'], everywhere: true },
];

/** The pages for this session, the first one being where it starts. */
export function placesFor(session: Session): readonly Place[] {
  return places.filter(
    ({ roles, everywhere }) => hasRole(session, ...roles) && (everywhere !== true || session.everywhere),
  );
}
