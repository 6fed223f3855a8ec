import { Migration } from '@mikro-orm/migrations';

/**
 * What the tasks of cases leave behind: mails, checks of documents, and exports of audit trails.
 *
 * Mails: what was to be said, to whom, and how far it got. A mail is written down before anything of it leaves and again
 * when the server has answered, so that after a crash it is known which mails may have been sent.
 */
export class Migration0006Mails extends Migration {
  override up(): void {
    this.addSql(`
      create table mails (
        id uuid primary key,
        namespace text not null,
        -- names the mail for whoever wants it sent: the same key is the same mail
        key text not null,
        -- what it is about: a case, a digest
        about_id uuid,
        sender text not null,
        recipient text not null,
        recipient_name text,
        subject text not null,
        html text not null,
        text text not null,
        message_id text not null,
        status text not null default 'PREPARED'
          check (status in ('PREPARED', 'SENDING', 'SENT', 'FAILED', 'UNCERTAIN')),
        -- counts the attempts to send, and fences them
        attempt integer not null default 0,
        prepared_at timestamptz not null default clock_timestamp(),
        sending_at timestamptz,
        sent_at timestamptz,
        -- what the server said last, or what went wrong
        answer text,
        -- who decided what became of it when that was uncertain, and why
        settled_by text,
        settled_at timestamptz,
        settle_reason text,
        unique (namespace, key),
        constraint sent_mails_have_a_time check ((status = 'SENT') = (sent_at is not null))
      ) with (fillfactor = 80)`);
    this.addSql(`create index mails_namespace on mails (namespace, id)`);
    this.addSql(`create index mails_about on mails (about_id) where about_id is not null`);
    // The last check of each document.
    this.addSql(`
      create table document_checks (
        document_id uuid primary key,
        namespace text not null,
        outcome text not null check (outcome in ('SOUND', 'DIFFERENT', 'INFECTED')),
        page_count integer,
        page_fault text,
        scan text check (scan in ('CLEAN', 'INFECTED')),
        detail text,
        checked_at timestamptz not null
      )`);
    // The audit trail of a decided case, written out as a blob.
    this.addSql(`
      create table case_exports (
        case_id uuid primary key,
        namespace text not null,
        blob_key text not null,
        size_bytes integer not null,
        sha256 text not null,
        created_at timestamptz not null default clock_timestamp()
      )`);
    // Blobs that were begun and are not named by a row yet; what dies in between is found by them.
    this.addSql(`
      create table blob_attempts (
        key text primary key,
        -- the document or case that it is for
        owner_id uuid not null,
        started_at timestamptz not null
      )`);
    this.addSql(`create index blob_attempts_started on blob_attempts (started_at)`);
  }

  override down(): void {
    this.addSql(`drop table blob_attempts, case_exports, document_checks, mails`);
  }
}
