import { Migration } from '@mikro-orm/migrations';

/** What lets a digest's mail go out once, come back as a bounce, lie on any shard and be removed in time. */
export class Migration0007MailAndDigestUpkeep extends Migration {
  override up(): void {
    // When the last byte of a mail was about to leave. Before that no server can have it.
    this.addSql(`alter table mails add column ending_at timestamptz`);
    // Those that were under way before this was kept may have been taken.
    this.addSql(`update mails set ending_at = sending_at where status in ('SENDING', 'UNCERTAIN')`);
    // When a bounce message said that it was not delivered, and why.
    this.addSql(`alter table mails add column bounced_at timestamptz, add column bounce_reason text`);
    this.addSql(`create index mails_message_id on mails (message_id)`);
    // On the first shard: on which shard the requests and digests of a namespace lie.
    this.addSql(`
      create table digest_homes (
        namespace text primary key,
        shard integer not null,
        settled_at timestamptz not null default clock_timestamp()
      )`);
  }

  override down(): void {
    this.addSql(`drop table digest_homes`);
    this.addSql(`drop index mails_message_id`);
    this.addSql(`alter table mails drop column ending_at, drop column bounced_at, drop column bounce_reason`);
  }
}
