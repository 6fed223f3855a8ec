import { Migration } from '@mikro-orm/migrations';

/**
 * What the leases of the priority queue need not pay for. Anybody may take any of its items, so nothing there is counted
 * by holder; and what a topic has in flight is counted by the index that tells which leases have ended.
 */
export class Migration0011FasterQueue extends Migration {
  override up(): void {
    this.addSql(`drop index items_holder`);
    this.addSql(`
      create index items_holder on items (namespace, lease_holder, lease_acquired_at)
       where state = 'leased' and enqueued_at is null`);
    this.addSql(`drop index items_leased`);
    this.addSql(`create index items_leased on items (lease_expires_at, topic_id) where state = 'leased'`);
  }

  override down(): void {
    this.addSql(`drop index items_leased`);
    this.addSql(`create index items_leased on items (lease_expires_at) where state = 'leased'`);
    this.addSql(`drop index items_holder`);
    this.addSql(
      `create index items_holder on items (namespace, lease_holder, lease_acquired_at) where state = 'leased'`,
    );
  }
}
