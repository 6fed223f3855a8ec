import { Migration } from '@mikro-orm/migrations';

/**
 * The priority queue for other programs. Its items live in `items` whole: a payload that fits is copied once by the
 * claim, which costs less than a second table that every enqueue and ack would write, too; a long one lies in the TOAST
 * table, which claims do not touch.
 */
export class Migration0003PriorityQueue extends Migration {
  override up(): void {
    this.addSql(`
      alter table topics
        -- 0: any number, as in dead-letter topics
        add column max_attempts integer not null default 20 check (max_attempts between 0 and 1000),
        add column ttl_seconds integer check (ttl_seconds between 1 and 31622400),
        add column payload_bytes_max integer not null default 65536 check (payload_bytes_max between 0 and 524288),
        add column depth_max integer check (depth_max >= 1),
        add column in_flight_max integer check (in_flight_max >= 1),
        add column enqueues_per_second integer check (enqueues_per_second >= 1),
        -- how long an item waits to get ahead of a younger one of the next better priority; null: for ever
        add column ageing_seconds integer check (ageing_seconds between 1 and 31622400),
        add column backoff_first_seconds integer check (backoff_first_seconds between 1 and 43200),
        add column backoff_factor double precision check (backoff_factor between 1 and 10),
        add column backoff_cap_seconds integer check (backoff_cap_seconds between 1 and 31622400),
        -- made when first needed unless it is named
        add column dead_topic_id integer,
        add column shards integer not null default 1 check (shards between 1 and 4096),
        -- whether enqueuing, claiming and acking write events; what goes wrong always does
        add column history boolean not null default true`);
    // For the priority queue alone: what people and jobs do is not counted here.
    this.addSql(`
      alter table namespaces
        add column queue_depth_max integer check (queue_depth_max >= 1),
        add column queue_in_flight_max integer check (queue_in_flight_max >= 1),
        add column queue_enqueues_per_second integer check (queue_enqueues_per_second >= 1)`);
    this.addSql(`
      alter table items
        add column payload bytea,
        add column metadata json,
        add column unique_key text,
        -- as the producer gave it: \`priority\` has the topic's ageing in it
        add column given_priority integer,
        add column lease_seconds integer,
        add column ttl_seconds integer,
        add column expires_at timestamptz,
        add column enqueued_at timestamptz,
        add column enqueued_by text,
        -- attempts that do not count: those before it became a dead letter, and before it was redriven
        add column attempts_forgiven integer not null default 0,
        add column last_reason text,
        -- where a dead letter comes from
        add column origin_topic_id integer,
        add column died_at timestamptz`);
    this.addSql(`alter table items alter column payload set storage external`);
    this.addSql(`
      create unique index items_unique_key on items (topic_id, unique_key)
       where unique_key is not null and origin_topic_id is null`);
    this.addSql(`create index items_expiring on items (expires_at) where expires_at is not null and state <> 'leased'`);
    // The next one due of a topic, however many wait elsewhere. Those that are ready are not in it.
    this.addSql(`create index items_delayed_topic on items (topic_id, deliver_after) where state = 'delayed'`);
    this.addSql(`create index items_dead on items (origin_topic_id, id) where origin_topic_id is not null`);
    // What a call under an idempotency key was answered; it goes with its key.
    this.addSql(`
      create table enqueue_answers (
        id uuid primary key,
        answers json not null,
        -- places, from 1, of items that had been enqueued before
        duplicates integer[] not null,
        created_at timestamptz not null default clock_timestamp()
      )`);
    this.addSql(`create index enqueue_answers_created on enqueue_answers (created_at)`);
  }

  override down(): void {
    this.addSql(`drop table enqueue_answers`);
    this.addSql(`drop index items_delayed_topic`);
    this.addSql(`delete from items where enqueued_at is not null`);
    this.addSql(`
      alter table items
        drop column payload, drop column metadata, drop column unique_key, drop column given_priority,
        drop column lease_seconds, drop column ttl_seconds, drop column expires_at, drop column enqueued_at,
        drop column enqueued_by, drop column attempts_forgiven, drop column last_reason, drop column origin_topic_id,
        drop column died_at`);
    this.addSql(`
      alter table namespaces
        drop column queue_depth_max, drop column queue_in_flight_max, drop column queue_enqueues_per_second`);
    this.addSql(`
      alter table topics
        drop column max_attempts, drop column ttl_seconds, drop column payload_bytes_max, drop column depth_max,
        drop column in_flight_max, drop column enqueues_per_second, drop column ageing_seconds,
        drop column backoff_first_seconds, drop column backoff_factor, drop column backoff_cap_seconds,
        drop column dead_topic_id, drop column shards, drop column history`);
  }
}
