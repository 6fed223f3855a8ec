-- One mail. $1 id
select id, namespace, key, about_id, sender, recipient, recipient_name, subject, message_id, status, attempt,
       prepared_at, sent_at, answer, settled_by, settled_at, settle_reason, bounced_at, bounce_reason
  from mails where id = $1::uuid
