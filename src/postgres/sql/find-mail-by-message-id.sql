-- One mail by the id that it carries. $1 message id
select id, namespace, key, about_id, sender, recipient, recipient_name, subject, message_id, status, attempt,
       prepared_at, sent_at, answer, settled_by, settled_at, settle_reason, bounced_at, bounce_reason
  from mails where message_id = $1::text limit 1
