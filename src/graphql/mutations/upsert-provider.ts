import { recipientKeepers } from '../../digests/upsert-provider.ts';
import type { RecipientRecord } from '../../domain/digest.ts';
import { builder } from '../builder.ts';
import { CatchUpRuleEnum, CustomerRef, FirstItemRuleEnum, ProviderRef } from '../types/digest-refs.ts';
import { Refused } from '../types/problems.ts';

const WindowInput = builder.inputType('WindowInput', {
  description: 'When windows end, by the clocks of the time zone: also on the days on which these change.',
  fields: (t) => ({
    every: t.string({
      description: 'An ISO 8601 duration of weeks, days, hours, minutes or seconds (PT4H), or a cron expression.',
    }),
    cron: t.string({ description: 'Five fields.' }),
    anchor: t.string({
      description:
        'With a duration: a local time at which a window ends, 08:00 or 2026-01-05T08:00. Midnight without it.',
    }),
  }),
});

const QuietHoursInput = builder.inputType('QuietHoursInput', {
  description: 'A window that would end in between ends when they do.',
  fields: (t) => ({
    from: t.string({ required: true, description: 'Local time, 22:00.' }),
    to: t.string({ required: true }),
  }),
});

const FollowUpInput = builder.inputType('FollowUpInput', {
  description:
    'What happens when a request is not answered in time: its customer is told and its provider reminded; then a reminder every so many days, as often as said; then it is closed.',
  fields: (t) => ({
    businessDays: t.boolean({ defaultValue: false, description: 'Days are Monday to Friday.' }),
    reminders: t.int({ defaultValue: 1, description: '0 to 10.' }),
    everyDays: t.int({ defaultValue: 2, description: '1 to 365.' }),
  }),
});

const UpsertProviderInput = builder.inputType('UpsertProviderInput', {
  fields: (t) => ({
    namespace: t.string({ required: true }),
    externalId: t.string({ required: true, description: 'Its name in your own records.' }),
    name: t.string(),
    email: t.string({ required: true }),
    timeZone: t.string({ defaultValue: 'UTC', description: 'A name of the IANA database, Europe/Vienna.' }),
    window: t.field({ type: WindowInput, required: true }),
    quietHours: t.field({ type: QuietHoursInput }),
    firstItem: t.field({ type: FirstItemRuleEnum, defaultValue: 'AT_END' }),
    itemsPerMail: t.int({ defaultValue: 100, description: '1 to 500; more go in numbered parts.' }),
    catchUp: t.field({ type: CatchUpRuleEnum, defaultValue: 'MERGE' }),
    followUp: t.field({ type: FollowUpInput }),
    paused: t.boolean({ description: 'Pauses its digests, or lets them go on.' }),
  }),
});

const ProviderSaved = builder.objectRef<{ readonly provider: RecipientRecord }>('ProviderSaved').implement({
  fields: (t) => ({ provider: t.expose('provider', { type: ProviderRef }) }),
});
const UpsertProviderResult = builder.unionType('UpsertProviderResult', {
  types: [ProviderSaved, Refused],
  resolveType: () => 'ProviderSaved',
});

const UpsertCustomerInput = builder.inputType('UpsertCustomerInput', {
  fields: (t) => ({
    namespace: t.string({ required: true }),
    externalId: t.string({ required: true }),
    name: t.string(),
    email: t.string({ required: true }),
    timeZone: t.string({ defaultValue: 'UTC' }),
    window: t.field({ type: WindowInput, description: 'At once without it.' }),
    quietHours: t.field({ type: QuietHoursInput }),
  }),
});

const CustomerSaved = builder.objectRef<{ readonly customer: RecipientRecord }>('CustomerSaved').implement({
  fields: (t) => ({ customer: t.expose('customer', { type: CustomerRef }) }),
});
const UpsertCustomerResult = builder.unionType('UpsertCustomerResult', {
  types: [CustomerSaved, Refused],
  resolveType: () => 'CustomerSaved',
});

builder.mutationFields((t) => ({
  upsertProvider: t.field({
    type: UpsertProviderResult,
    description: 'Makes or changes a provider. A changed schedule holds from the next window on.',
    authScopes: { roles: recipientKeepers },
    args: { input: t.arg({ type: UpsertProviderInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }) => ({
      provider: await services.upsertProvider(actor, input),
    }),
  }),
  upsertCustomer: t.field({
    type: UpsertCustomerResult,
    description: 'Makes or changes a customer. Others come into being with their first request, and are told at once.',
    authScopes: { roles: recipientKeepers },
    args: { input: t.arg({ type: UpsertCustomerInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }) => ({
      customer: await services.upsertCustomer(actor, input),
    }),
  }),
}));
