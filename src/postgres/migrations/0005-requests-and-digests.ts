import { Migration } from '@mikro-orm/migrations';

/**
 * Requests, and the digests in which they go to providers and their answers to customers. A recipient is either of the
 * two: one table, so that one mechanism serves both directions. How a request stands follows from its row's times
 * (`sql/functions/request_status.sql`). A digest's window is a task, `digest-seal`, that is due when the window ends.
 */
export class Migration0005RequestsAndDigests extends Migration {
  override up(): void {
    this.addSql(`alter table topics drop constraint topics_system_check`);
    this.addSql(
      `alter table topics add constraint topics_system_check check (system in ('cases', 'tasks', 'queue', 'digests'))`,
    );
    this.addSql(`
      create table recipients (
        id uuid primary key,
        namespace text not null,
        kind text not null check (kind in ('PROVIDER', 'CUSTOMER')),
        external_id text not null,
        name text,
        email text not null,
        time_zone text not null,
        -- as in domain/schedule; null: whatever comes goes at once
        schedule jsonb,
        -- from when on the schedule holds, and what holds until then
        schedule_since timestamptz,
        previous_schedule jsonb,
        first_item text not null default 'AT_END' check (first_item in ('AT_END', 'AT_ONCE')),
        items_per_mail integer not null default 100 check (items_per_mail between 1 and 500),
        catch_up text not null default 'MERGE' check (catch_up in ('MERGE', 'EACH')),
        follow_up_business_days boolean not null default false,
        follow_up_reminders integer not null default 1 check (follow_up_reminders between 0 and 10),
        follow_up_every_days integer not null default 2 check (follow_up_every_days between 1 and 365),
        -- rises when something changes that windows depend on
        version integer not null default 1,
        digests_sealed integer not null default 0,
        paused_at timestamptz,
        paused_until timestamptz,
        pause_reason text,
        bounced_at timestamptz,
        bounce_reason text,
        created_at timestamptz not null default clock_timestamp(),
        unique (namespace, kind, external_id)
      ) with (fillfactor = 80)`);
    this.addSql(`create index recipients_namespace on recipients (namespace, kind, id)`);
    this.addSql(`
      create table digests (
        id uuid primary key,
        namespace text not null,
        recipient_id uuid not null,
        direction text not null check (direction in ('TO_PROVIDER', 'TO_CUSTOMER')),
        state text not null check (state in ('OPEN', 'SEALED', 'SENDING', 'SENT', 'FAILED', 'SKIPPED')),
        window_start timestamptz not null,
        -- when it is to be sealed
        window_end timestamptz not null,
        -- takes what comes until it is sealed, whatever its window says
        at_once boolean not null,
        -- the job of which its tasks are part
        job_id uuid not null,
        -- counts a recipient's digests, once it is sealed
        number integer,
        item_count integer,
        parts integer,
        -- rises with each time it is sent again by hand
        round integer not null default 1,
        -- due, but its recipient is paused or bounced
        held boolean not null default false,
        opened_at timestamptz not null,
        sealed_at timestamptz,
        sent_at timestamptz,
        merged_into uuid,
        failure text,
        constraint sealed_digests_have_a_number check (
          (state in ('OPEN', 'SKIPPED')) or (number is not null and parts is not null and sealed_at is not null)
        ),
        constraint sent_digests_have_a_time check ((state <> 'SENT') or (sent_at is not null)),
        -- one digest a recipient and window; the first item of a window may have gone ahead of it at once
        unique (recipient_id, window_start, at_once)
      ) with (fillfactor = 70)`);
    this.addSql(`create index digests_open on digests (recipient_id, window_end) where state = 'OPEN'`);
    this.addSql(`create index digests_namespace on digests (namespace, id)`);
    this.addSql(`create index digests_recipient on digests (recipient_id, id)`);
    this.addSql(`
      create table requests (
        id uuid primary key,
        namespace text not null,
        customer_id uuid not null,
        provider_id uuid not null,
        item_external_id text not null,
        item_description text,
        quantity integer not null,
        answer_within_days integer not null,
        submitted_by text not null,
        submitted_at timestamptz not null,
        notified_at timestamptz,
        outcome text,
        note text,
        answered_by text,
        answered_at timestamptz,
        customer_notified_at timestamptz,
        -- when it is next looked at, if it is not answered until then; null: not again
        follow_up_at timestamptz,
        follow_ups integer not null default 0,
        overdue_at timestamptz,
        closed_at timestamptz,
        cancelled_at timestamptz,
        end_reason text,
        constraint answers_are_whole check ((answered_at is null) = (outcome is null))
      ) with (fillfactor = 70)`);
    this.addSql(`create index requests_namespace on requests (namespace, id)`);
    this.addSql(`create index requests_provider on requests (provider_id, id)`);
    this.addSql(`create index requests_customer on requests (customer_id, id)`);
    this.addSql(`
      create table digest_items (
        request_id uuid not null,
        kind text not null check (kind in ('REQUEST', 'REMINDER', 'CANCELLED', 'ANSWER', 'FOLLOW_UP', 'CLOSED')),
        -- tells reminders and follow-ups of one request apart; 0 for the others
        round integer not null default 0,
        digest_id uuid not null,
        part integer not null default 1,
        -- a request is in one digest of each direction
        primary key (request_id, kind, round)
      )`);
    this.addSql(`create index digest_items_digest on digest_items (digest_id, request_id, kind)`);
    this.addSql(`
      create table digest_mails (
        digest_id uuid not null,
        part integer not null,
        round integer not null,
        sent_at timestamptz,
        message_id text,
        failure text,
        primary key (digest_id, part, round)
      )`);
  }

  override down(): void {
    this.addSql(`drop table digest_mails, digest_items, requests, digests, recipients`);
    this.addSql(`alter table topics drop constraint topics_system_check`);
    this.addSql(`alter table topics add constraint topics_system_check check (system in ('cases', 'tasks', 'queue'))`);
  }
}
