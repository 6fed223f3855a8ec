import { Migration } from '@mikro-orm/migrations';

/**
 * The engine's tables and the first system's.
 *
 * `items` is the hot table: it holds open items only, so it and its partial indexes stay small. It is written by every
 * claim and decision, hence the fill factor and the eager autovacuum.
 * `events` is append-only: audit trail, feed of live updates, and ledger of every lease in database time.
 */
export class Migration0001EngineAndCases extends Migration {
  override up(): void {
    this.addSql(`
      create table namespaces (
        name text primary key check (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
        -- when true, only topics that already exist may be used
        topics_fixed boolean not null default false,
        created_at timestamptz not null default clock_timestamp()
      )`);
    this.addSql(`
      create table topics (
        id integer generated always as identity primary key,
        namespace text not null,
        system text not null check (system in ('cases', 'tasks', 'queue')),
        name text not null check (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
        lease_seconds integer not null default 900 check (lease_seconds between 1 and 43200),
        -- people are not offered again what they held before; machines are
        excludes_earlier_holders boolean not null default false,
        paused_at timestamptz,
        paused_until timestamptz,
        pause_reason text,
        created_at timestamptz not null default clock_timestamp(),
        unique (namespace, system, name)
      )`);
    this.addSql(`
      create table items (
        id uuid primary key,
        namespace text not null,
        topic_id integer not null,
        priority integer not null,
        deliver_after timestamptz not null,
        state text not null check (state in ('ready', 'delayed', 'leased')),
        attempt integer not null default 0,
        -- who is never offered this item
        excluded text[] not null default '{}',
        lease_token uuid,
        lease_holder text,
        lease_acquired_at timestamptz,
        lease_expires_at timestamptz,
        -- reply subject and stream sequence of the ticket that stands for this lease, if one does
        ticket text,
        ticket_sequence bigint,
        constraint leased_items_have_a_lease check (
          (state = 'leased') = (lease_token is not null)
          and (state = 'leased') = (lease_holder is not null)
          and (state = 'leased') = (lease_acquired_at is not null)
          and (state = 'leased') = (lease_expires_at is not null)
        )
      ) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000,
              autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0.05)`);
    this.addSql(`create index items_ready on items (topic_id, priority, deliver_after, id) where state = 'ready'`);
    this.addSql(`create index items_delayed on items (deliver_after) where state = 'delayed'`);
    this.addSql(`create index items_leased on items (lease_expires_at) where state = 'leased'`);
    this.addSql(
      `create index items_holder on items (namespace, lease_holder, lease_acquired_at) where state = 'leased'`,
    );
    this.addSql(`
      create table cases (
        id uuid primary key,
        namespace text not null,
        topic_id integer not null,
        registrant text not null,
        applicant_name text not null,
        applicant_email text not null,
        applicant_details jsonb,
        priority integer not null,
        region text,
        registered_at timestamptz not null,
        verdict text check (verdict in ('APPROVE', 'REJECT')),
        decision_reason text,
        decided_by text,
        decided_at timestamptz,
        constraint decided_cases_have_a_decision check (
          (verdict is null) = (decided_at is null) and (verdict is null) = (decided_by is null)
        )
      ) with (fillfactor = 80)`);
    this.addSql(`create index cases_namespace on cases (namespace, id)`);
    this.addSql(`create index cases_order on cases (namespace, priority, registered_at, id)`);
    this.addSql(`create index cases_registrant on cases (namespace, registrant, id)`);
    this.addSql(`
      create table documents (
        id uuid primary key,
        namespace text not null,
        uploader text not null,
        file_name text not null,
        content_type text not null,
        size_bytes bigint not null,
        sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
        state text not null check (state in ('AWAITING', 'STORED', 'ATTACHED')),
        blob_key text,
        case_id uuid,
        kind text,
        -- place among the documents of its case
        place integer,
        created_at timestamptz not null default clock_timestamp(),
        constraint stored_documents_have_bytes check ((state = 'AWAITING') = (blob_key is null)),
        constraint attached_documents_have_a_case check ((state = 'ATTACHED') = (case_id is not null))
      ) with (fillfactor = 80)`);
    this.addSql(`create index documents_case on documents (case_id, place) where case_id is not null`);
    this.addSql(`create index documents_unattached on documents (created_at) where case_id is null`);
    this.addSql(`create index documents_uploader on documents (namespace, uploader) where case_id is null`);
    this.addSql(`
      create table idempotency_keys (
        namespace text not null,
        actor text not null,
        operation text not null,
        key text not null,
        request_hash text not null,
        result_id uuid not null,
        created_at timestamptz not null default clock_timestamp(),
        primary key (namespace, actor, operation, key)
      )`);
    this.addSql(`create index idempotency_keys_created on idempotency_keys (created_at)`);
    // The offset lets positions go on rising after a dump was restored into a cluster with younger transaction ids.
    this.addSql(`
      create table event_epoch (
        single boolean primary key default true check (single),
        transaction_offset bigint not null
      )`);
    this.addSql(`insert into event_epoch (transaction_offset) values (0)`);
    this.addSql(`
      create table events (
        -- the writing transaction: everything below the oldest running transaction is complete, see docs/decisions
        position bigint not null,
        sequence bigint generated always as identity,
        namespace text not null,
        topic_id integer not null,
        item_id uuid not null,
        type text not null,
        actor text not null,
        at timestamptz not null,
        attempt integer,
        lease_expires_at timestamptz,
        reason text,
        primary key (position, sequence)
      )`);
    this.addSql(`create index events_item on events (item_id, position, sequence)`);
    this.addSql(`
      create table event_relay (
        single boolean primary key default true check (single),
        position bigint not null,
        sequence bigint not null
      )`);
    this.addSql(`insert into event_relay (position, sequence) values (0, 0)`);
  }

  override down(): void {
    this.addSql(
      `drop table event_relay, events, event_epoch, idempotency_keys, documents, cases, items, topics, namespaces`,
    );
  }
}
