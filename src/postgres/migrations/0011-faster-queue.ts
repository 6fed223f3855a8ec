import { Migration } from '@mikro-orm/migrations';

/**
 * What the leases of the priority queue need not pay for. Anybody may take any of its items, so nothing there is counted
 * by holder; and what a topic has in flight is counted by the index that tells which leases have ended.
 *
 * And its history: what one statement does to many items is one row of `events`, with the items in arrays.
 */
export class Migration0011FasterQueue extends Migration {
  override up(): void {
    this.addSql(`drop index items_holder`);
    this.addSql(`
      create index items_holder on items (namespace, lease_holder, lease_acquired_at)
       where state = 'leased' and enqueued_at is null`);
    this.addSql(`drop index items_leased`);
    this.addSql(`create index items_leased on items (lease_expires_at, topic_id) where state = 'leased'`);
    this.addSql(`
      alter table events
        alter column item_id drop not null,
        -- instead of item_id, when one statement did the same to several items for the same actor; all arrays run parallel
        add column item_ids uuid[],
        add column attempts integer[],
        add column lease_ends timestamptz[],
        -- the lease tokens that ended, in place of a reason
        add column tokens uuid[],
        add constraint events_tell_of_items check ((item_id is null) <> (item_ids is null))`);
    // Compressing ids finds nothing to compress.
    this.addSql(`
      alter table events
        alter column item_ids set storage external, alter column attempts set storage external,
        alter column lease_ends set storage external, alter column tokens set storage external`);
    // Written at once: a list of what is to be put in later would be put in by whoever comes when it is full.
    this.addSql(`create index events_items on events using gin (item_ids) with (fastupdate = off)`);
  }

  override down(): void {
    this.addSql(`drop view if exists item_events`);
    this.addSql(`drop index events_items`);
    this.addSql(`delete from events where item_ids is not null`);
    this.addSql(`
      alter table events
        drop constraint events_tell_of_items, drop column item_ids, drop column attempts, drop column lease_ends,
        drop column tokens, alter column item_id set not null`);
    this.addSql(`drop index items_leased`);
    this.addSql(`create index items_leased on items (lease_expires_at) where state = 'leased'`);
    this.addSql(`drop index items_holder`);
    this.addSql(
      `create index items_holder on items (namespace, lease_holder, lease_acquired_at) where state = 'leased'`,
    );
  }
}
