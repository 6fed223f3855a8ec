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
    // What the metrics count: each index holds only that.
    this.addSql(`create index mails_uncertain on mails (id) where status = 'UNCERTAIN'`);
    this.addSql(`create index digests_unsent on digests (state) where state in ('SEALED', 'SENDING', 'FAILED')`);
    this.addSql(`create index recipients_bounced on recipients (id) where bounced_at is not null`);
    this.addSql(`create index recipients_paused on recipients (id) where paused_at is not null`);
    this.addSql(`
      create index requests_overdue on requests (id)
       where overdue_at is not null and answered_at is null and closed_at is null and cancelled_at is null`);
    // What is removed must not be named any more.
    this.addSql(`create index digests_merged on digests (merged_into) where merged_into is not null`);
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
    this.addSql(`drop index digests_merged, requests_overdue, recipients_paused, recipients_bounced, digests_unsent`);
    this.addSql(`drop index mails_uncertain, mails_message_id`);
    this.addSql(`alter table mails drop column ending_at, drop column bounced_at, drop column bounce_reason`);
  }
}
