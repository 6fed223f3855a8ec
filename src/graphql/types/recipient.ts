import { digestReaders } from '../../digests/access.ts';
import type { RecipientRecord } from '../../domain/digest.ts';
import { badInput } from '../../domain/errors.ts';
import { effectiveWindow } from '../../domain/schedule/effective-window.ts';
import type { QuietHours, Schedule } from '../../domain/schedule/schedule.ts';
import { builder } from '../builder.ts';
import { answerPage, pageArguments } from '../pages.ts';
import { CatchUpRuleEnum, CustomerRef, FirstItemRuleEnum, ProviderRef } from './digest-refs.ts';

const QuietHoursRef = builder.objectRef<QuietHours>('QuietHours').implement({
  fields: (t) => ({
    from: t.string({ resolve: (hours) => toTime(hours.from) }),
    to: t.string({ resolve: (hours) => toTime(hours.to) }),
  }),
});
const WindowRuleRef = builder.objectRef<Schedule>('WindowRule').implement({
  description: 'When windows end: after an interval, or by a cron expression.',
  fields: (t) => ({
    every: t.string({
      nullable: true,
      description: 'An ISO 8601 duration.',
      resolve: ({ rhythm }) => (rhythm.kind === 'interval' ? toDuration(rhythm.milliseconds) : null),
    }),
    anchor: t.string({
      nullable: true,
      description: 'A local time at which a window ends.',
      resolve: ({ rhythm }) => (rhythm.kind === 'interval' ? new Date(rhythm.anchor).toISOString().slice(0, -5) : null),
    }),
    cron: t.string({
      nullable: true,
      resolve: ({ rhythm }) => (rhythm.kind === 'cron' ? rhythm.expression : null),
    }),
  }),
});
const PauseRef = builder.objectRef<NonNullable<RecipientRecord['pause']>>('DigestPause').implement({
  fields: (t) => ({
    since: t.expose('since', { type: 'DateTime' }),
    until: t.expose('until', { type: 'DateTime', nullable: true }),
    by: t.exposeString('by', { nullable: true, description: 'Null for a pause of before this was kept.' }),
    reason: t.exposeString('reason', { nullable: true }),
  }),
});
const BounceRef = builder.objectRef<NonNullable<RecipientRecord['bounce']>>('DigestBounce').implement({
  description: 'Its address refused a mail for good. Nothing is sent until it is given an address again.',
  fields: (t) => ({
    at: t.expose('at', { type: 'DateTime' }),
    reason: t.exposeString('reason', { nullable: true }),
  }),
});
const FollowUpRuleRef = builder.objectRef<RecipientRecord['followUp']>('FollowUpRule').implement({
  fields: (t) => ({
    businessDays: t.exposeBoolean('businessDays'),
    reminders: t.exposeInt('reminders'),
    everyDays: t.exposeInt('everyDays'),
  }),
});
const WindowRef = builder.objectRef<{ readonly start: number; readonly end: number }>('DigestWindow').implement({
  fields: (t) => ({
    start: t.field({ type: 'DateTime', resolve: (window) => new Date(window.start) }),
    end: t.field({ type: 'DateTime', resolve: (window) => new Date(window.end) }),
  }),
});

ProviderRef.implement({
  description: 'Who answers requests, and gets them by mail, window by window.',
  fields: (t) => ({
    id: t.exposeID('id'),
    namespace: t.exposeString('namespace'),
    externalId: t.exposeString('externalId'),
    name: t.exposeString('name', { nullable: true }),
    email: t.exposeString('email'),
    timeZone: t.exposeString('timeZone'),
    window: t.field({ type: WindowRuleRef, resolve: (provider) => provider.windows!.schedule }),
    quietHours: t.field({
      type: QuietHoursRef,
      nullable: true,
      resolve: (provider) => provider.windows!.schedule.quietHours,
    }),
    upcomingWindows: t.field({
      type: [WindowRef],
      args: { first: t.arg.int({ defaultValue: 5, description: '1 to 20.' }) },
      description: 'The window of this moment and those that follow.',
      resolve: (provider, { first }) => upcomingWindows(provider, first ?? 5),
    }),
    firstItem: t.expose('firstItem', { type: FirstItemRuleEnum }),
    itemsPerMail: t.exposeInt('itemsPerMail'),
    catchUp: t.expose('catchUp', { type: CatchUpRuleEnum }),
    followUp: t.expose('followUp', { type: FollowUpRuleRef }),
    pause: t.expose('pause', { type: PauseRef, nullable: true }),
    bounce: t.expose('bounce', { type: BounceRef, nullable: true }),
    openRequests: t.int({
      description: 'How many have no answer yet.',
      resolve: async (provider, _args, { services }) => (await services.digestStore.countsOf(provider.id)).openRequests,
    }),
    nextDigestAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the next digest with content is due.',
      resolve: async (provider, _args, { services }) => {
        const { nextDigestAt } = await services.digestStore.countsOf(provider.id);
        return nextDigestAt === null ? null : new Date(nextDigestAt);
      },
    }),
  }),
});

CustomerRef.implement({
  description: 'Who submits requests, and gets the answers: at once, or window by window.',
  fields: (t) => ({
    id: t.exposeID('id'),
    namespace: t.exposeString('namespace'),
    externalId: t.exposeString('externalId'),
    name: t.exposeString('name', { nullable: true }),
    email: t.exposeString('email'),
    timeZone: t.exposeString('timeZone'),
    window: t.field({
      type: WindowRuleRef,
      nullable: true,
      description: 'Null: told at once.',
      resolve: (customer) => customer.windows?.schedule ?? null,
    }),
    quietHours: t.field({
      type: QuietHoursRef,
      nullable: true,
      resolve: (customer) => customer.windows?.schedule.quietHours ?? null,
    }),
    pause: t.expose('pause', { type: PauseRef, nullable: true }),
    bounce: t.expose('bounce', { type: BounceRef, nullable: true }),
  }),
});

function upcomingWindows(provider: RecipientRecord, count: number): { start: number; end: number }[] {
  if (count < 1 || count > 20) throw badInput('first', 'must be from 1 to 20');
  const windows: { start: number; end: number }[] = [];
  for (let moment = Date.now(); windows.length < count; moment = windows.at(-1)!.end)
    windows.push(effectiveWindow(provider.windows!, moment));
  return windows;
}

function toTime(minutes: number): string {
  return new Date(minutes * 60_000).toISOString().slice(11, 16);
}

function toDuration(milliseconds: number): string {
  const seconds = milliseconds / 1_000;
  if (seconds % 86_400 === 0) return `P${seconds / 86_400}D`;
  if (seconds % 3_600 === 0) return `PT${seconds / 3_600}H`;
  return seconds % 60 === 0 ? `PT${seconds / 60}M` : `PT${seconds}S`;
}

const ProviderConnection = builder.connectionObject(
  { type: ProviderRef, name: 'ProviderConnection' },
  { name: 'ProviderEdge' },
);
const CustomerConnection = builder.connectionObject(
  { type: CustomerRef, name: 'CustomerConnection' },
  { name: 'CustomerEdge' },
);

const listArguments = builder.args((t) => ({
  namespace: t.string({ required: true }),
  stopped: t.boolean({ defaultValue: false, description: 'Only those that are paused or bounced.' }),
}));

builder.queryFields((t) => ({
  providers: t.field({
    type: ProviderConnection,
    description: 'Newest first.',
    authScopes: { roles: digestReaders },
    args: { ...listArguments, ...pageArguments },
    resolve: (_root, { namespace, stopped, ...args }, { actor, services }) =>
      answerPage(args, (page) => services.listProviders(actor, { namespace, stopped: stopped ?? false, ...page })),
  }),
  customers: t.field({
    type: CustomerConnection,
    description: 'Newest first.',
    authScopes: { roles: digestReaders },
    args: { ...listArguments, ...pageArguments },
    resolve: (_root, { namespace, stopped, ...args }, { actor, services }) =>
      answerPage(args, (page) => services.listCustomers(actor, { namespace, stopped: stopped ?? false, ...page })),
  }),
}));
